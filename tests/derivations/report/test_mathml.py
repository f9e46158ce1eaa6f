"""LaTeX of the printers as MathML, where browsers need other things than the converter gives."""

import xml.etree.ElementTree as ElementTree

import pytest

from symbp.derivations.report.mathml import mathml


def test_sums_and_maxima_have_their_limits_below_in_displays() -> None:
    assert "<munder><mo>∑</mo>" in mathml(r"\sum_{k} w_{k}", display=True)
    assert "<munder><mi>max</mi>" in mathml(r"\max_{k} w_{k}", display=True)
    assert "<msub><mo>∑</mo>" in mathml(r"\sum_{k} w_{k}")


def test_names_of_functions_are_words_with_a_space_only_before_a_plain_argument() -> None:
    assert "<mi>softmax</mi><mo stretchy" in mathml(r"\operatorname{softmax}(z)")
    assert '<mi>ln</mi><mspace width="0.167em" /><mi>x</mi>' in mathml(r"\ln x")
    assert "<mi>a_b</mi>" in mathml(r"\mathrm{a\_b}")


def test_a_prime_stands_beside_its_function() -> None:
    assert "<mi>σ</mi><mo lspace" in mathml(r"\sigma'(z)")
    assert "<msup" not in mathml(r"\sigma'(z)")


def test_bold_ones_are_bold_letters_of_unicode() -> None:
    assert "<mo>−</mo><mn>∞</mn>" in mathml(r"-\infty")
    assert "<mtable" in mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", display=True)
    assert "<mn>𝟏</mn>" in mathml(r"\mathbf{1}")


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\lVert a \rVert^2", "‖a‖2"),
        (r"\left\lVert \frac{a}{b} \right\rVert^2", "‖ab‖2"),
        (r"\bigl\lVert a + b \bigr\rVert", "‖a+b‖"),
        (r"\biggl( a \biggr)^T", "(a)T"),
        (r"(w^{l+1})^T \delta \odot z \oslash y", "(wl+1)Tδ⊙z⊘y"),
        (r"\nabla_{a} C", "∇aC"),
        (r"\frac{\partial C}{\partial a}", "∂C∂a"),
        (r"{q_{2}}_{th}", "q2th"),
        (r"\left. x \right|_{\mathrm{direct}}", "x|direct"),
        (r"\biggl. x \biggr|_{\mathrm{direct}}", "x|direct"),
        (r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
         "{xif\N{NO-BREAK SPACE}x>00otherwise"),
        (r"\begin{cases} \begin{array}{l} a \\ \quad {} + b \end{array} & y \\ 0 & z \end{cases}",
         "{a+by0z"),
    ],
)  # fmt: skip
def test_what_the_printers_write_is_shown_as_it_is_read(latex: str, text: str) -> None:
    root = ElementTree.fromstring(mathml(latex, display=True))
    assert "".join(root.itertext()) == text


@pytest.mark.parametrize(
    "hostile",
    [
        r"\text{<script>alert(1)</script>}", "<img src=x onerror=1>", "</math><b>", '"&amp;',
        r"\frac{a", "x'^{2}'", "}", r"\begin{aligned}", r"\left(", "a & b", r"\unknown{x}", "^",
    ],
)  # fmt: skip
def test_any_text_gives_one_well_formed_formula(hostile: str) -> None:
    shown = mathml(hostile)
    assert ElementTree.fromstring(shown).tag == "math"
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_sign_of_two_characters_is_one_sign() -> None:
    assert "<mo>+=</mo>" in mathml(r"\mathrel{+}= x", display=True)
    assert "<mo>+=</mo>" in mathml(r"z \mathrel{+}= x")
    assert "<mo>=</mo>" in mathml("z = x + y")


def test_a_comma_in_a_number_is_part_of_it() -> None:
    assert "<mn>1,152,461</mn>" in mathml("1{,}152{,}461")
    assert "<mo>,</mo>" in mathml("w_{1,2}")
