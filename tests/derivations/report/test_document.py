"""The LaTeX document compiles, fits its page and says everything."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import symbp as bp
from tests.derivations.report.networks import FORMS, NETWORKS, derivation_of, hostile

needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")


def log_of(document: str, folder: Path) -> str:
    """Compile a document and return pdflatex's log."""
    (folder / "document.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "document.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


def overfull(log: str) -> list[float]:
    return [float(found) for found in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]


@needs_pdflatex
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_document_compiles_and_no_line_is_too_wide(
    name: str, form: str, tmp_path: Path
) -> None:
    log = log_of(derivation_of(name).document(form), tmp_path)
    assert [points for points in overfull(log) if points > 20] == []
    assert "! " not in log


@needs_pdflatex
def test_names_of_any_letters_compile(tmp_path: Path) -> None:
    n = bp.Index("n", 2)
    weight, x = bp.parameter("größe_β_中", n), bp.input("ß_x", n)
    cost = bp.tensor("C")
    program = bp.Program([bp.Equation(cost, bp.Sum(weight[n] * x[n] ** 2, n))], cost=cost)
    document = bp.derive(program).document()
    assert document.isascii()
    assert r"\text{\"{o}}" in document
    assert "U+4E2D" in document
    log_of(document, tmp_path)


def test_the_document_of_2_2_2_is_as_committed(golden: Callable[[str, str], None]) -> None:
    golden("report-2-2-2-matrix.tex", bp.derive(bp.mlp(2, 2, 2)).document())


def test_the_component_form_prints_all_18_weights_and_6_biases_expanded() -> None:
    derivation = bp.derive(bp.mlp(3, 3, 3))
    document = derivation.document("component")
    section = document[document.index("Every entry") : document.index("sums over paths")]
    places = [*itertools.product(range(3), range(3))]
    for layer, name in ((2, "W1"), (3, "W2")):
        for j, k in places:
            entry = derivation.entry(name, j, k, expanded=True).latex()
            left, right = entry.split(" = ", 1)
            assert left == rf"\frac{{\partial C}}{{\partial w^{{{layer}}}_{{{j + 1}{k + 1}}}}}"
            assert r"\delta" not in right
            assert f"{left} &= {right}" in section
    for layer, name in ((2, "b1"), (3, "b2")):
        for j in range(3):
            left, right = derivation.entry(name, j, expanded=True).latex().split(" = ", 1)
            assert rf"b^{{{layer}}}_{{{j + 1}}}" in left
            assert f"{left} &= {right}" in section


def test_each_path_has_a_line_of_its_own() -> None:
    document = bp.derive(bp.mlp(3, 3, 3)).document("component")
    section = document[document.index("sums over paths") : document.index("Step by step")]
    block = section[section.index("w^{2}_{11}") : section.index(r"\end{align*}")]
    # Three paths, in local derivatives and in values.
    assert block.count(r"\\") == 5
    assert block.count(r"&\quad {} +") == 4


def test_what_is_too_large_for_components_says_so_and_is_printed_with_indices() -> None:
    document = bp.derive(bp.mlp(784, 100, 10)).document("component")
    assert "more than 500" in document
    assert r"\sum_{k} w^{2}_{jk} a^{1}_{k}" in document


def test_every_equation_and_every_step_is_in_the_document() -> None:
    derivation = bp.derive(bp.mlp(3, 4, 4, 2, activation="relu"))
    document = derivation.document()
    for line in (*derivation.forward, *derivation.backward):
        assert line.latex().replace(" = ", " &= ", 1) in document
    for step in derivation.steps():
        for left, right in step.sides():
            assert f"{left} &= {right}" in document or f"${left} = {right}$" in document
    for name in ("BP1", "BP2", "BP3", "BP4"):
        assert rf"\tag{{{name}}}" in document
    assert r"\operatorname{relu}'(0) = 0" in document


def test_the_document_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "import sys, symbp as bp; d = bp.derive(bp.mlp(3, 4, 2, activation='elu'));"
        "sys.stdout.write(d.document('index') + d.markdown() + d.html())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("form", FORMS)
def test_sizes_do_not_matter(form: str) -> None:
    sizes = (784, 1000, 1000, 10), (785, 1200, 1300, 11)
    first, second = (bp.derive(bp.mlp(*n)).document(form) for n in sizes)
    assert len(first) == len(second) < 20_000


def test_hostile_names_leave_the_words_around_them_alone() -> None:
    document = bp.derive(hostile()).document()
    assert document.count(r"\begin{align*}") == document.count(r"\end{align*}")
