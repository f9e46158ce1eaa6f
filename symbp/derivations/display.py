"""What a notebook shows of derivations and, as LaTeX, of equations and programs.

See :mod:`symbp.notation.display` for how what is long is cut.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symbp.calculus.per_example import whole_body
from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import equation_sides, style_of
from symbp.notation.display import chosen, register, shown_equations
from symbp.notation.equation import Equation, Origin
from symbp.notation.tensor import Tensor

if TYPE_CHECKING:
    from symbp.derivations.derivation import Derivation
    from symbp.derivations.equations import DerivedEquation

__all__ = ["derivation_bundle", "line_bundle"]


def derivation_bundle(derivation: "Derivation", include: Any, exclude: Any) -> dict[str, str]:
    """Return a derivation in the forms that a notebook knows.

    Parameters
    ----------
    derivation : Derivation
        Shown whole if it is short, else its first forward and backward equations without names.
    include, exclude : collections of str, or None
        The MIME types that are asked for and that are not.
    """
    sections = (derivation.forward, derivation.backward)
    equations = [e for section in sections for line in section for e in line.equations]
    if not shown_equations(equations, "")[1]:
        return _bundle(derivation.text, derivation.latex, repr(derivation), include, exclude)
    shown: list[DerivedEquation] = []
    notes: list[str] = []
    for what, section in zip(("forward", "backward"), sections, strict=True):
        kept = _first(section)
        shown += kept
        if len(kept) < len(section):
            notes.append(f"{len(section) - len(kept):,} more {what} equations")

    def note(call: str) -> str:
        return f"… {' and '.join(notes) or 'parts of equations'}; {call} shows all"

    def text() -> str:
        rows = [_sides(line, "text") for line in shown]
        return "\n".join([*(f"{left} = {right}" for left, right in rows), note("print(d.text())")])

    def latex() -> str:
        rows = [rf"{left} &= {right}" for left, right in (_sides(line, "latex") for line in shown)]
        return _aligned([*rows, _remark(note("print(d.latex())"))])

    return _bundle(text, latex, repr(derivation), include, exclude)


def line_bundle(
    line: "DerivedEquation", include: Any, exclude: Any, form: str = "matrix"
) -> dict[str, str]:
    """Return a derived equation in the forms that a notebook knows; parameters as above."""

    def printed(language: str) -> Callable[[], str]:
        return lambda: " = ".join(_sides(line, language, form))

    return _bundle(printed("text"), printed("latex"), str(line.lhs), include, exclude)


def _bundle(
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


def _first(section: Sequence["DerivedEquation"]) -> list["DerivedEquation"]:
    """Return the first lines of a section: half of what a notebook shows."""
    equations = [equation for line in section for equation in line.equations]
    fit = max(len(shown_equations(equations, "")[0]) // 2, 1)
    kept: list[DerivedEquation] = []
    for line in section:
        if kept and sum(len(other.equations) for other in (*kept, line)) > fit:
            break
        kept.append(line)
    return kept


def _sides(line: "DerivedEquation", language: str, form: str = "matrix") -> tuple[str, str]:
    """Return both sides of a line, cut to what a notebook shows."""
    shown, note = shown_equations(list(line.equations), "print(line)")
    if not note:
        return equation_sides(line, form, style_of(language))
    style = style_of(language)
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
    return _aligned([*rows, _remark(note)] if note else rows)


def _aligned(rows: Sequence[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _remark(note: str) -> str:
    # MathJax knows no dots inside of text.
    dots = r"\dots\ " if note.startswith("…") else ""
    return f"&{dots}\\text{{{note.removeprefix('… ')}}}"


register(_equations_latex)
