"""operations: the table that compares forward and reverse mode, as blocks of a report."""

from collections.abc import Iterator

from symbp.derivations.comparison import COLUMNS, OperationRow, operation_counts
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.printing import style_of
from symbp.derivations.quantities import formula_in, number_in, ratio_in
from symbp.derivations.report.blocks import Block, Equations, Heading, Prose, Row, Table

__all__ = ["operations_of"]


def operations_of(derivation: GradientEquations) -> Iterator[Block]:
    """Yield the numbers of operations of each method, and below them the formulas.

    Parameters
    ----------
    derivation : GradientEquations
        What is counted.
    """
    counts = operation_counts(derivation)
    style = style_of("latex", derivation.style)
    words = counts.words
    example = words.say("count.example") if counts.per_example else ""
    paths = ""
    if counts.paths is not None:
        paths = words.say("count.paths", paths=f"${_short(counts.paths)}$")
    number = f"${number_in(counts.parameters, style)}$"
    yield Prose(words.say("count.caption", example=example, count=number, paths=paths))
    first = counts.rows[0].numbers
    whole = first.total if first is not None else None
    rows = tuple((counts.method(row), *_cells(row, whole)) for row in counts.rows)
    yield Table(counts.header, rows, numeric=(1, 2, 3, 4, 5))
    yield Heading(words.say("heading.sizes"))
    # Each a formula of its own: lines break between them.
    sizes = counts.legend("latex")
    if sizes:
        said = words.say("count.with", sizes=", ".join(sizes))
        yield Prose(_capital(said) + words.say("colon"))
    for row in counts.rows:
        method = _capital(counts.method(row))
        if row.formulas is None:
            yield Prose(words.say("count.remark", method=method, remark=words.note(row.remark)))
            continue
        found = (row.formulas.multiplications, row.formulas.additions, row.formulas.calls)
        yield Prose(words.say("count.method", method=method))
        yield Equations(
            tuple(
                Row(style.remark(words.say(f"count.{name}")), formula_in(formula, style))
                for name, formula in zip(COLUMNS, found, strict=True)
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
