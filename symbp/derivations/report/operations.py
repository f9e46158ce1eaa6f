"""operations: the table that compares forward and reverse mode, as blocks of a report."""

from collections.abc import Iterator

from symbp.derivations.comparison import OperationRow, operation_counts
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.printing import style_of
from symbp.derivations.quantities import formula_in, number_in, ratio_in
from symbp.derivations.report.blocks import Block, Equations, Heading, Prose, Row, Table

__all__ = ["operations_of"]

_COLUMNS = ("multiplications", "additions", "function calls")


def operations_of(derivation: GradientEquations) -> Iterator[Block]:
    """Yield the numbers of operations of each method, and below them the formulas.

    Parameters
    ----------
    derivation : GradientEquations
        What is counted.
    """
    counts = operation_counts(derivation)
    style = style_of("latex")
    example = " for one example" if counts.per_example else ""
    paths = ""
    if counts.paths is not None:
        paths = f"; ${_short(counts.paths)}$ paths lead to them from the cost"
    number = number_in(counts.parameters, style)
    yield Prose(f"What it takes to compute the gradient{example} by ${number}$ parameters{paths}.")
    first = counts.rows[0].numbers
    whole = first.total if first is not None else None
    rows = tuple((row.method, *_cells(row, whole)) for row in counts.rows)
    header = ("", *_COLUMNS, "all", "× forward pass")
    yield Table(header, rows, numeric=(1, 2, 3, 4, 5))
    yield Heading("The same in the sizes")
    # Each a formula of its own: lines break between them.
    sizes = counts.legend("latex")
    if sizes:
        yield Prose(f"With {', '.join(sizes)}:")
    for row in counts.rows:
        if row.formulas is None:
            yield Prose(f"{_capital(row.method)}: {row.remark}.")
            continue
        found = (row.formulas.multiplications, row.formulas.additions, row.formulas.calls)
        yield Prose(f"{_capital(row.method)}:")
        yield Equations(
            tuple(
                Row(style.remark(name), formula_in(formula, style))
                for name, formula in zip(_COLUMNS, found, strict=True)
            )
        )


def _cells(row: OperationRow, whole: object) -> tuple[str, ...]:
    numbers = row.numbers
    if numbers is None:
        return ("–",) * 5
    shown = (numbers.multiplications, numbers.additions, numbers.calls, numbers.total)
    ratio = ""
    if isinstance(whole, int) and whole and isinstance(numbers.total, int):
        ratio = f"${ratio_in(numbers.total, whole, style_of('latex'))}$"
    return (*(f"${_short(number)}$" for number in shown), ratio)


def _short(number: object) -> str:
    """Return a number; of one that is also given rounded, only that."""
    return number_in(number, style_of("latex")).rsplit(r"\approx", 1)[-1].strip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
