"""Long right-hand sides are broken where a reader expects it, by widths that TeX confirms."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import symbp as bp
from symbp.derivations.report.blocks import Equations
from symbp.derivations.report.contents import contents
from symbp.derivations.report.formula import parsed, width
from symbp.derivations.report.line_breaking import broken_lines
from tests.derivations.report.networks import FORMS, NETWORKS

needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")


def lines(latex: str, room: float) -> list[str]:
    return [line.source for line in broken_lines(latex, room)]


def right_sides(name: str, form: str) -> list[str]:
    sections = contents(bp.derive(NETWORKS[name]()), form)
    blocks = [block for section in sections for block in section.blocks]
    rows = [row for block in blocks if isinstance(block, Equations) for row in block.rows]
    return list(dict.fromkeys(row.right for row in rows))


def test_what_fits_is_left_as_it_is() -> None:
    assert lines(r"\frac{1}{2} (a + b)", 10) == [r"\frac{1}{2} (a + b)"]


def test_lines_break_before_plus_and_minus_first() -> None:
    assert lines("a (b + c) + d (e + f) - g (h + i)", 7) == [
        "a (b + c)",
        "{} + d (e + f)",
        "{} - g (h + i)",
    ]


def test_then_between_factors_with_a_dot() -> None:
    assert lines("(a + b + c) (d + e + f) (g + h + i)", 7.5) == [
        "(a + b + c)",
        r"{} \cdot (d + e + f)",
        r"{} \cdot (g + h + i)",
    ]


def test_a_function_stays_with_its_argument() -> None:
    broken = lines(r"\sigma'(z_{1}) \sigma'(z_{2}) \ln x_{1} \sum_{k} w_{k}", 4.5)
    assert broken == [
        r"\sigma'(z_{1})",
        r"{} \cdot \sigma'(z_{2}) \ln x_{1}",
        r"{} \cdot \sum_{k} w_{k}",
    ]


def test_then_inside_parentheses_with_delimiters_of_a_fixed_size() -> None:
    left = r"\left( \frac{a}{b} + c + d + e \right)^T x"
    assert lines(left, 6) == [
        r"\biggl( \frac{a}{b} + c + d",
        r"{} + e \biggr)^T x",
    ]


def test_a_wide_fraction_becomes_a_factor_before_its_numerator() -> None:
    assert lines(r"\frac{a + b + c + d + e}{2 N}", 7) == [
        r"\frac{1}{2 N} \bigl( a + b",
        r"{} + c + d",
        r"{} + e \bigr)",
    ]


def test_a_wide_exponent_becomes_an_argument_of_exp() -> None:
    assert lines("e^{a + b + c + d + e + f + g + h}", 7)[0].startswith(r"\exp\bigl( a + b")


def test_values_of_cases_are_broken_beside_their_conditions() -> None:
    cases = (
        r"\begin{cases} a + b + c + d + e + f + g & \text{if } x > 0 \\ "
        r"0 & \text{otherwise} \end{cases}"
    )
    (line,) = lines(cases, 14)
    assert r"\begin{array}{l} a + b + c + d + e \\ \quad {} + f + g \end{array}" in line
    assert line.endswith(r"0 & \text{otherwise} \end{cases}")


def test_wide_limits_of_a_sum_are_stacked() -> None:
    broken = lines(r"\sum_{i, j, k, p :\, 2i+3j-1 = m, 2k+3p-1 = n, 5q+2r-3 = o} x_{i}", 9)
    assert broken[0].startswith(r"\sum_{\substack{")


def test_an_estimate_beyond_any_formula_still_ends() -> None:
    assert lines("x", 0.1) == ["x"]
    assert broken_lines("", 1.0)[0].source == ""
    for odd in (r"\frac{a", r"\left( x", r"\begin{cases} a", "}", "^", r"a_", "\\"):
        assert "".join(lines(odd, 0.5)) != ""


MARKS = re.compile(r"\\left|\\right|\\bigg?[lr]|\{\}|\\cdot|\s")


@pytest.mark.parametrize("room", [12.0, 18.0, 30.0])
def test_nothing_is_lost_and_lines_are_not_wider_than_asked(room: float) -> None:
    for latex in right_sides("3-3-3", "component"):
        broken = broken_lines(latex, room)
        joined = "".join(line.source for line in broken)
        assert MARKS.sub("", joined) == MARKS.sub("", latex)
        for line in broken:
            assert width(parsed(line.source)) + line.depth <= room + 1


@needs_pdflatex
def test_the_estimate_is_not_less_than_what_tex_measures(tmp_path: Path) -> None:
    formulas = [latex for name in NETWORKS for form in FORMS for latex in right_sides(name, form)]
    formulas = list(dict.fromkeys(formulas))
    measured = "\n".join(
        rf"\setbox0\hbox{{$\displaystyle {latex}$}}\typeout{{width \the\wd0}}" for latex in formulas
    )
    (tmp_path / "widths.tex").write_text(
        "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
        f"{measured}\n\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "widths.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    widths = [float(found) / 10 for found in re.findall(r"^width ([\d.]+)pt", done.stdout, re.M)]
    assert len(widths) == len(formulas) > 100
    for latex, true in zip(formulas, widths, strict=True):
        assert 0.97 * true - 0.1 <= width(parsed(latex)) <= 1.35 * true + 1, latex
