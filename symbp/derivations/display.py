"""What a notebook shows of derived equations and, as LaTeX, of equations and programs.

See :mod:`symbp.notation.display` for how what is long is cut.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from symbp.calculus.per_example import whole_body
from symbp.derivations.index_form import IndexForm
from symbp.derivations.line import Line
from symbp.derivations.printing import equation_sides, style_of
from symbp.notation.display import chosen, register, shown_equations
from symbp.notation.equation import Equation, Origin
from symbp.notation.tensor import Tensor

__all__ = ["aligned", "line_bundle", "printed_bundle", "remark", "shown_sides"]


def line_bundle(line: Line, include: Any, exclude: Any, form: str = "matrix") -> dict[str, str]:
    """Return a derived equation in the forms that a notebook knows; parameters as above."""

    def printed(language: str) -> Callable[[], str]:
        return lambda: " = ".join(shown_sides(line, language, form))

    return printed_bundle(printed("text"), printed("latex"), str(line.lhs), include, exclude)


def printed_bundle(
    text: Callable[[], str], latex: Callable[[], str], fallback: str, include: Any, exclude: Any
) -> dict[str, str]:
    """Return both forms; what cannot be printed is replaced by text that says so."""
    bundle: dict[str, str] = {}
    try:
        bundle["text/plain"] = text()
        bundle["text/latex"] = rf"$\displaystyle {latex()}$"
    except Exception as error:  # a notebook shows what it can rather than a traceback
        shown = bundle.get("text/plain", fallback)
        bundle["text/plain"] = f"{shown}\n(shown as text: {type(error).__name__}: {error})"
    return chosen(bundle, include, exclude)


def shown_sides(line: Line, language: str, form: str = "matrix") -> tuple[str, str]:
    """Return both sides of a line, cut to what a notebook shows."""
    shown, note = shown_equations(list(line.equations), "print(line)")
    if not note:
        return equation_sides(line, form, style_of(language, line.style))
    style = style_of(language, line.style)
    equations = tuple(
        equation for equation, left_out in shown if not (left_out and not equation.body)
    )
    left_out = [text for _, text in shown if text]
    missing = len(line.equations) - len(shown)
    left_out += [f"{missing:,} more contributions"] if missing else []
    left, right = IndexForm(style, line.cost, line.renamed).sides(line.lhs, equations)
    return left, _continued(right, ", ".join(left_out), language)


def _continued(right: str, left_out: str, language: str) -> str:
    if language == "text":
        return f"{right} + … {left_out}" if right else f"… ({left_out})"
    return rf"{right} + \dots\ \text{{{left_out}}}" if right else rf"\dots\ \text{{({left_out})}}"


def _equations_latex(shown: list[tuple[Equation, str]], note: str, cost: Tensor | None) -> str:
    """Return equations in index form, one a line; `cost` is what adjoints are of."""
    printer = IndexForm(style_of("latex"), cost or Tensor("C"))
    rows = []
    for equation, left_out in shown:
        body = whole_body(equation)
        single = replace(equation, body=body, reduce=(), operation="sum", origin=Origin("print"))
        lhs = equation.tensor.element if equation.is_scatter else equation.lhs
        empty = bool(left_out) and body == 0
        left, right = printer.sides(lhs, [] if empty else [single])
        if left_out:
            right = _continued(right, left_out, "latex")
        relation = r"\mathrel{+}=" if equation.accumulate else "="
        rows.append(f"{left} &{relation} {right}")
    if len(rows) == 1 and not note:
        return rows[0].replace(" &", " ", 1)
    return aligned([*rows, remark(note)] if note else rows)


def aligned(rows: Sequence[str]) -> str:
    """Return rows of LaTeX as one aligned block."""
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def remark(note: str) -> str:
    """Return a row of LaTeX that holds a remark in words."""
    # MathJax knows no dots inside of text.
    dots = r"\dots\ " if note.startswith("…") else ""
    return f"&{dots}\\text{{{note.removeprefix('… ')}}}"


register(_equations_latex)
