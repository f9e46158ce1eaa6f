"""Styles: each book's notation, and what is printed in it is as true as in the first."""

import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.derivations.derivation import Derivation
from symbp.derivations.layouts import laid_out
from symbp.derivations.matrix_form import matrix_form
from symbp.derivations.matrix_tree import (
    Apply,
    Divide,
    Hadamard,
    Matrix,
    Named,
    Plus,
    Product,
    Scalar,
    Scale,
    Transpose,
)
from symbp.derivations.printing import style_of
from symbp.notation.functions import operation_of
from tests.derivations.test_printed_text import evaluated

NETWORK = bp.mlp(3, 4, 2)
DERIVATION = bp.derive(NETWORK)
needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
needs_lualatex = pytest.mark.skipif(shutil.which("lualatex") is None, reason="no lualatex")


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("nielsen", r"\delta^{l} = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^{l})"),
        (
            "goodfellow",
            r"\nabla_{\boldsymbol{a}^{(l)}} J = ((\boldsymbol{W}^{(l+1)})^{\top} "
            r"\nabla_{\boldsymbol{a}^{(l+1)}} J) \odot \sigma'(\boldsymbol{a}^{(l)})",
        ),
        (
            "bishop",
            r"\boldsymbol{\delta}^{(l)} = ((\mathbf{W}^{(l+1)})^{\mathrm{T}} "
            r"\boldsymbol{\delta}^{(l+1)}) \odot \sigma'(\mathbf{a}^{(l)})",
        ),
        (
            "petersen",
            r"\frac{\partial C}{\partial \mathbf{z}^{(l)}} = \left( (\mathbf{W}^{(l+1)})"
            r"^{\mathsf{T}} \frac{\partial C}{\partial \mathbf{z}^{(l+1)}} \right) \circ "
            r"\sigma'(\mathbf{z}^{(l)})",
        ),
    ],
)
def test_bp2_reads_as_in_the_book(style: str, expected: str) -> None:
    assert DERIVATION.styled(style).bp2.latex() == expected


def test_elements_are_plain_and_layers_count_from_the_books_first() -> None:
    lines = DERIVATION.styled("goodfellow").forward
    assert lines[0].text("index") == "a⁽¹⁾ⱼ = Σₖ W⁽¹⁾_{j,k} h⁽⁰⁾ₖ + b⁽¹⁾ⱼ"
    assert lines[0].text() == "𝒂⁽¹⁾ = 𝑾⁽¹⁾ 𝒉⁽⁰⁾ + 𝒃⁽¹⁾"


@pytest.mark.parametrize("style", bp.STYLES)
@pytest.mark.parametrize("form", ["matrix", "index", "component"])
def test_a_style_changes_names_and_nothing_else(style: str, form: str) -> None:
    styled = DERIVATION.styled(style)
    for before, after in zip(
        (*DERIVATION.forward, *DERIVATION.backward), (*styled.forward, *styled.backward),
        strict=True,
    ):  # fmt: skip
        assert before.equations == after.equations
    # Where derivatives have no symbol there is none to define, in a section of its own.
    defined = 0 if styled.style.delta else 2
    assert len(styled.text(form).splitlines()) + defined == len(DERIVATION.text(form).splitlines())


def value(node: Matrix, names: dict[str, np.ndarray], turned: bool) -> np.ndarray:
    """Evaluate a matrix expression; gradients are rows where the layout turns them."""
    if isinstance(node, Named):
        found = names[node.tensor.name]
        found = found.reshape(-1, 1) if node.tensor.rank == 1 else found
        return found.T if turned and node.tensor.adjoint_of is not None else found
    if isinstance(node, Transpose):
        return value(node.of, names, turned).T
    if isinstance(node, (Product, Hadamard)):
        first, *others = (value(factor, names, turned) for factor in node.factors)
        for other in others:
            if isinstance(node, Hadamard):
                assert first.shape == other.shape
            first = first @ other if isinstance(node, Product) else first * other
        return first
    if isinstance(node, Plus):
        parts = [value(term, names, turned) for term in node.terms]
        assert len({part.shape for part in parts}) == 1
        return sum(parts[1:], parts[0])
    if isinstance(node, Scale):
        return value(node.by, names, turned) * value(node.of, names, turned)
    if isinstance(node, Divide):
        return value(node.above, names, turned) / value(node.below, names, turned)
    if isinstance(node, Scalar):
        return np.asarray(float(node.value))
    assert isinstance(node, Apply)
    inner = value(node.of, names, turned)
    assert operation_of(node.function).name == "sigmoid"
    sigmoid = 1 / (1 + np.exp(-inner))
    return sigmoid * (1 - sigmoid) if node.prime else sigmoid


@pytest.mark.parametrize("layout", ["mixed", "numerator", "denominator"])
def test_gradients_are_true_in_every_layout(layout: str) -> None:
    style = replace(bp.STYLES["petersen"], layout=layout)
    markup = style_of("latex", style)
    n = 1
    # Of one example: the equations are those of one.
    assert DERIVATION.per_example
    names = evaluated(DERIVATION)
    checked = 0
    for line in DERIVATION.styled(style).backward:
        tree = matrix_form(line.equations[0].body, line.lhs.args)
        assert tree is not None
        shown = value(laid_out(line.tensor, tree, markup), names, layout == "numerator")
        given = names[line.tensor.name].reshape(-1, n) if line.tensor.rank == 1 else (
            names[line.tensor.name]
        )  # fmt: skip
        expected = given.T if layout == "numerator" else given
        assert shown.shape == expected.shape
        np.testing.assert_allclose(shown, expected)
        checked += 1
    assert checked == len(DERIVATION.backward) > 5


def test_jacobians_have_columns_in_denominator_layout() -> None:
    n, k, i = bp.indices("n k i", "N", 3, 2)
    W, x, p = bp.parameter("W", k, i), bp.input("x", n, i), bp.tensor("p", n, k)
    program = bp.Program([bp.Equation(p[n, k], bp.tanh(bp.Sum(W[k, i] * x[n, i], i)))])
    derivation = bp.derive(program, wrt="x", of="p")
    mixed = derivation.gradient("x").text()
    turned = derivation.styled(replace(bp.STYLES["nielsen"], layout="denominator"))
    assert mixed.endswith(" W")
    assert turned.gradient("x").text().startswith("∂p/∂x = Wᵀ ")


def test_names_with_accents_print_with_accents() -> None:
    i = bp.Index("i", 2)
    zhat, mubar, what = bp.parameter("zhat", i), bp.parameter("mu_bar", i), bp.parameter("what", i)
    C = bp.tensor("C")
    program = bp.Program([bp.Equation(C, bp.Sum(zhat[i] * mubar[i] * what[i], i))], cost=C)
    derivation = bp.derive(program)
    assert r"\hat{z}_{i} \bar{\mu}_{i} \mathrm{what}_{i}" in derivation.latex("index")
    assert "ẑᵢ μ̄ᵢ" in derivation.text("index")
    plain = replace(bp.STYLES["nielsen"], accents=False)
    assert r"\mathrm{zhat}" in derivation.latex(style=plain)


def test_a_books_letters_give_way_to_a_users() -> None:
    n, j, k = bp.indices("n j k", "N", 2, 3)
    x, h = bp.input("x", n, k, symbol="a", label=1), bp.parameter("h", j, symbol="h", label=1)
    W, a, C = bp.parameter("W", j, k), bp.tensor("a", n, j), bp.tensor("C")
    body = bp.tanh(bp.Sum(W[j, k] * x[n, k], k)) * h[j]
    program = bp.Program(
        [bp.Equation(a[n, j], body), bp.Equation(C, bp.Mean(bp.Sum(a[n, j], j), n))], cost=C
    )
    text = bp.derive(program).text("index", style="goodfellow")
    assert "a⁽⁰⁾" in text  # not h, which is taken
    q = bp.parameter("q", j)
    own = bp.Program([bp.Equation(C, bp.Sum(q[j] ** 2, j))], cost=C)  # no network of layers
    assert bp.derive(own).styled("bishop").forward[0].text("index").startswith("C = Σⱼ q")


def test_macros_of_the_author_are_used_defined_and_expanded(tmp_path: Path) -> None:
    style = replace(
        bp.STYLES["bishop"], matrix=r"\mat{#1}", partial=r"\pd{#1}{#2}", transpose=r"\T",
        macros={"mat": r"\mathbf{#1}", "T": r"\mathsf{T}",
                "pd": r"\frac{\partial #1}{\partial #2}"},
    )  # fmt: skip
    document = DERIVATION.document(style=style, preamble=r"\usepackage{bm}")
    assert r"\renewcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}" in document
    assert r"\pd{E}{\mat{W}^{(1)}} &= \boldsymbol{\delta}^{(1)}" in document
    assert r"\usepackage{bm}" in document
    page = DERIVATION.html(style=style)
    assert "mat" not in page.replace("math", "").replace("matri", "").split("</style>")[1][:4000]
    assert "𝐖" in DERIVATION.text(style=style)


def test_equations_have_numbers_and_labels() -> None:
    latex = DERIVATION.latex(style="bishop", numbered=True)
    labels = [part.split("}")[0] for part in latex.split(r"\label{")[1:]]
    assert {"eq:bp1", "eq:bp2", "eq:bp3", "eq:bp4", "eq:z1", "eq:grad-W1"} <= set(labels)
    assert len(labels) == len(set(labels))
    assert latex.startswith(r"\begin{align}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"style": "nielson"}, "did you mean 'nielsen'"),
        ({"language": "fr"}, "language 'fr'"),
        ({"style": 3}, "expected a bp.Style or the name of one"),
    ],
)
def test_what_is_no_style_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(bp.SymbpError, match=said):
        DERIVATION.styled(**given)  # type: ignore[arg-type]


def test_what_a_style_cannot_hold_is_refused() -> None:
    for options, said in (
        ({"input_layer": 2}, "expected 0 or 1"),
        ({"layer": "l"}, "with {} once"),
        ({"matrix": "W"}, "holds #1"),
        ({"layout": "row"}, "layout='row'"),
        ({"macros": {"a1": "x"}}, "expected letters"),
        ({"symbols": {"w": 1}}, "dictionary of strings"),
    ):
        with pytest.raises(bp.SymbpError, match=said):
            bp.Style(**options)  # type: ignore[arg-type]


def log_of(program: str, document: str, folder: Path) -> str:
    (folder / "document.tex").write_text(document, encoding="utf-8")
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    for _ in range(2):  # the second knows the labels
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        log = (folder / "document.log").read_text(encoding="utf-8", errors="replace")
        assert done.returncode == 0, log[-2000:]
    return log


@needs_pdflatex
@pytest.mark.slow
@pytest.mark.parametrize("style", bp.STYLES)
def test_documents_compile_without_a_warning(style: str, tmp_path: Path) -> None:
    log = log_of("pdflatex", DERIVATION.document(style=style, numbered=True), tmp_path)
    assert "Warning" not in log
    assert "Overfull" not in log


@needs_lualatex
@pytest.mark.exhaustive
def test_a_chinese_document_compiles_without_a_warning(tmp_path: Path) -> None:
    subprocess.run(["kpsewhich", "ctex.sty"], check=True, capture_output=True)
    document = DERIVATION.document(style="bishop", language="zh")
    log = log_of("lualatex", document, tmp_path)
    assert "Warning" not in log.replace("infwarerr", "")
    assert "Missing character" not in log


class Strict(HTMLParser):
    """Every element that opens closes, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


NAMES = st.one_of(
    st.sampled_from(["zhat", "x_1", "β", "größe", "a_b_c", "x__", "μ2", "ŷ", "中", "é1", "W_Q"]),
    st.text("abzXβμü中_123ẑ", min_size=1, max_size=6).filter(
        # A parameter is a field of the module, and begins with a letter.
        lambda name: name.isidentifier() and not name.startswith("_")
    ),
)
SYMBOLS = st.one_of(
    st.none(),
    st.sampled_from([r"\hat{y}", r"q^1", r"\mathcal{L}", r"x_{1,2}", r"\mathbf{u}^{*}", r"\%"]),
)


def program_of(names: list[str], symbols: list[str | None]) -> bp.Program:
    i = bp.Index("i", 2)
    given = [bp.parameter(name, i, symbol=s) for name, s in zip(names, symbols, strict=True)]
    C = bp.tensor("cost_")
    total = sum((p[i] ** (k + 1) for k, p in enumerate(given)), start=given[0][i])
    return bp.Program([bp.Equation(C, bp.Sum(total, i))], cost=C)


def derivation_of(names: list[str], symbols: list[str | None]) -> Derivation:
    return bp.derive(program_of(names, symbols))


@pytest.mark.slow
@given(
    st.lists(NAMES, min_size=2, max_size=3, unique=True),
    st.lists(SYMBOLS, min_size=3, max_size=3),
    st.sampled_from(list(bp.STYLES)),
    st.sampled_from(["en", "zh"]),
)
@settings(max_examples=6, deadline=None)
def test_no_name_makes_a_page_or_a_drawing_invalid(
    names: list[str], symbols: list[str | None], style: str, language: str
) -> None:
    if "cost_" in names:
        return
    derivation = derivation_of(names, symbols[: len(names)]).styled(style, language)
    page = derivation.html()
    parser = Strict()
    parser.feed(page)
    assert parser.open == []
    assert f'<html lang="{language}">' in page
    for view in ("layers", "reverse"):
        graph = bp.draw(derivation, view)
        ElementTree.fromstring(graph.svg())
        assert graph.tikz().isascii()


@needs_pdflatex
@pytest.mark.slow
def test_no_name_makes_a_document_invalid(tmp_path: Path) -> None:
    names = ["zhat", "größe_β_中", "a_b_c", "μ2", "W_Q", "x__"]
    symbols = [None, None, r"q^1", r"\mathcal{L}", None, r"x_{1,2}"]
    derivation = derivation_of(names, symbols)
    for number, style in enumerate(("goodfellow", "petersen")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert "Warning" not in log_of("pdflatex", derivation.document("index", style), folder)
