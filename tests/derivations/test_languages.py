"""Languages: every sentence is in the table, and every language has all of them."""

import ast
import re
import string
from pathlib import Path

import pytest

import symbp as bp
from symbp.derivations.languages import LANGUAGES
from symbp.notation.functions import OPERATIONS
from symbp.notation.singular import _SAID

ROOT = Path(bp.__file__).parent
FILES = sorted([*ROOT.glob("derivations/**/*.py"), *ROOT.glob("listing/*.py")])


def places(text: str) -> list[str]:
    return sorted({name.split("[")[0] for _, name, _, _ in string.Formatter().parse(text) if name})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_sentence_with_its_places(language: str) -> None:
    english, own = LANGUAGES["en"].sentences, LANGUAGES[language].sentences
    assert set(own) == set(english)
    assert [key for key in own if places(own[key]) != places(english[key])] == []
    assert [key for key in own if own[key].count("$") % 2 or own[key].count("`") % 2] == []


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_conventions_of_functions_are_translated(language: str) -> None:
    words = LANGUAGES[language]
    notes = list(_SAID.values())
    for record in OPERATIONS.values():
        _, _, convention = record.domain.partition("; ")
        named = "derivative" in convention or "gradient" in convention
        if named and not record.named_derivative:
            notes.append(f"by convention, {record.text.format('x', 'y', 'z')}: {convention}")
    assert [note for note in notes if words.note(note) == note] == []


# Words that are no prose: what errors say, names of tests of kinds, CSS, LaTeX and code.
ALLOWED = re.compile(
    r"Fraktur|DOUBLE-STRUCK|forward pass|reverse mode|forward mode|path enumeration"
    r"|chain rule|local derivative|written out|sums to one|in terms of"
)


def raised(tree: ast.AST) -> set[ast.AST]:
    """Return all that stands in an error, an assertion or a docstring."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Raise, ast.Assert)):
            found.update(ast.walk(node))
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            found.update(ast.walk(body[0]))
    return found


def test_no_prose_of_a_report_stands_outside_of_the_table() -> None:
    wrong = []
    for path in FILES:
        if path.parent.name == "languages" or "comparison" in path.name:
            continue  # what a method's remark says comes in English, and is translated as a note
        tree = ast.parse(path.read_text(encoding="utf-8"))
        left_out = raised(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or node in left_out:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in ("Prose", "Heading", "Section", "remark", "Picture"):
                continue
            for part in ast.walk(node):
                text = part.value if isinstance(part, ast.Constant) else ""
                prose = isinstance(text, str) and re.search(r"[A-Za-z]{3,} [a-z]{2,}", text)
                if prose and not ALLOWED.search(text):
                    wrong.append(f"{path.name}:{part.lineno}: {text}")
    assert wrong == []


def test_a_derivation_in_chinese() -> None:
    derivation = bp.derive(bp.mlp(2, 3, 1, activation="relu"))
    text = derivation.steps(language="zh").text()
    assert "出现在下式中：" in text
    assert not re.search(r"[A-Za-z]{4,} [a-z]{2,}", text.replace("relu", ""))
    page = derivation.html(language="zh")
    assert '<html lang="zh">' in page
    assert "四个基本方程" in page
    assert derivation.document(language="zh").count("ctex") == 1
