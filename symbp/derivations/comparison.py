"""Reverse mode, forward mode and the enumeration of paths compared by their operations.

It is the reason why backpropagation exists, in one table. What is counted as one operation is
said in :mod:`symbp.calculus.counts`, what a path is in :mod:`symbp.calculus.path_counts`.

- *forward pass*: the cost alone, by the forward equations as they are printed.
- *reverse mode*: the forward pass and the backward equations as they are printed. The cheap
  gradient principle (Baur and Strassen, 1983; Griewank and Walther, "Evaluating Derivatives",
  2nd ed., 2008, sections 3.3 and 4.6) bounds it by a small multiple of the forward pass, whatever
  the number of parameters.
- *forward mode*: the forward pass and every local derivative once, and for each scalar parameter
  one pass of tangents, sums of products of local derivatives and tangents, with all parameters'
  tangents as inputs; that most of these are zero is not made use of.
- *path enumeration*: the forward pass and every local derivative once, and for each path from the
  cost to an entry of a parameter the product of its local derivatives, added up entry by entry.

A local derivative that is 1 or -1, as that of a bias, is never multiplied with.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy.core.expr import Expr
from sympy.polys.domains import QQ
from sympy.polys.rings import PolyElement, ring

from symbp.calculus.counts import (
    Counts,
    Size,
    local_derivatives,
    operations,
    tangent_operations,
)
from symbp.calculus.normalise import normalise
from symbp.calculus.path_counts import PathCounts, count_paths, is_recurrent
from symbp.calculus.sizes import Sizes, axes_of, sizes_of
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import Words, words_of
from symbp.derivations.printing import style_of
from symbp.derivations.quantities import formula_in, number_in, ratio_in
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["OperationCounts", "OperationRow", "operation_counts"]

COLUMNS = ("multiplications", "additions", "calls")
# A formula with more terms is not made: blocks with shortcuts double the paths' with each.
MOST_TERMS = 1000


@dataclass(frozen=True)
class OperationRow:
    """The operations of one method.

    Attributes
    ----------
    method : str
        For example ``"reverse mode"``.
    numbers : Counts or None
        Integers; polynomials in the batch size where the program is one of a whole batch. None
        if they cannot be counted.
    formulas : Counts or None
        SymPy expressions in the sizes; None where there is none.
    remark : str
        Why there is no formula, or no number.
    """

    method: str
    numbers: Counts | None
    formulas: Counts | None
    remark: str = ""


@dataclass(frozen=True)
class OperationCounts:
    """The table of operation counts of a derivation.

    Attributes
    ----------
    rows : tuple of OperationRow
        Forward pass, reverse mode, forward mode and path enumeration.
    sizes : dict of Symbol to int
        What each size stands for.
    axes : dict of Symbol to (Index, Tensor or None)
        An index that runs over so many, and a tensor, if possible a parameter, that has it.
    parameters : int
        The number of scalar parameters.
    paths : int or SymPy expression or None
        The number of paths from the cost to all of them.
    per_example : bool
        Whether the counts are those of one example.
    style : Style
        How it prints.
    """

    rows: tuple[OperationRow, ...]
    sizes: Mapping[sympy.Symbol, int]
    axes: Mapping[sympy.Symbol, tuple[Index, Tensor | None]]
    parameters: int
    paths: Any
    per_example: bool
    style: Style = NIELSEN

    def row(self, method: str) -> OperationRow:
        """Return the row of a method, such as ``"reverse mode"``."""
        return next(row for row in self.rows if row.method == method)

    def text(self) -> str:
        """Return the table, the formulas below it and what the sizes are, for a terminal."""
        table = [self.header, *self._cells("text")]
        widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
        lines = [self._caption("text"), ""]
        for line in table:
            cells = [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
            lines.append(f"{line[0]:<{widths[0]}}  {'  '.join(cells)}".rstrip())
        lines.append("")
        for row in self.rows:
            lines.append(self.method(row))
            lines += [f"  {name}: {formula}" for name, formula in self._formulas(row, "text")]
        return "\n".join([*lines, "", *self._with("text")]).rstrip()

    def latex(self) -> str:
        """Return the table and the formulas as tabulars; amsmath is the only package needed.

        Large numbers are rounded, so that the table fits on a page.
        """
        rows = [
            " & ".join((row[0], *(f"${cell}$" if cell else "" for cell in row[1:])))
            for row in self._cells("latex", exact=False)
        ]
        heads = " & ".join(self.header).replace("×", r"$\times$")
        table = " \\\\\n".join(rows)
        formulas = [
            rf"{self.method(row) if position == 0 else ''} & {name} & \raggedright {text}"
            for row in self.rows
            for position, (name, text) in enumerate(self._formulas(row, "latex"))
        ]
        blocks = [
            self._caption("latex"),
            "\\begin{tabular}{@{}lrrrrr@{}}\n"
            f"{heads} \\\\ \\hline\n{table}\n\\end{{tabular}}",
            "\\begin{tabular}{@{}llp{0.55\\linewidth}@{}}\n"
            + " \\tabularnewline\n".join(formulas)
            + "\n\\end{tabular}",
            ", ".join(self.legend("latex")),
        ]
        # Footnote size and narrow columns: the table fits into a text width of 345 pt.
        body = "\n\n\\medskip\\noindent\n".join(block for block in blocks if block)
        return f"{{\\footnotesize\\tabcolsep=4pt\\noindent\n{body}\\par}}\n"

    def markdown(self) -> str:
        """Return the table and the formulas in Markdown, formulas between dollar signs."""
        lines = [self._caption("latex"), ""]
        lines.append("| | " + " | ".join(self.header[1:]) + " |")
        lines.append("|:--|" + "--:|" * (len(self.header) - 1))
        for row in self._cells("latex"):
            cells = [f"${cell}$" if cell else "" for cell in row[1:]]
            lines.append("| " + " | ".join([row[0], *cells]) + " |")
        lines += ["", "| | | formula |", "|:--|:--|:--|"]
        for entry in self.rows:
            for position, (name, text) in enumerate(self._formulas(entry, "latex")):
                shown = self.method(entry) if position == 0 else ""
                lines.append(f"| {shown} | {name} | {text} |")
        return "\n".join([*lines, "", ", ".join(self.legend("latex"))]).rstrip() + "\n"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<OperationCounts: {', '.join(row.method for row in self.rows)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": self.text(), "text/markdown": self.markdown()}
        return {
            kind: text
            for kind, text in bundle.items()
            if (include is None or kind in include) and kind not in (exclude or ())
        }

    @property
    def words(self) -> Words:
        """The words of the language in which it prints."""
        return words_of(self.style.language)

    @property
    def header(self) -> tuple[str, ...]:
        """The titles of the table's columns."""
        return ("", *(self.words.say(f"count.{column}") for column in (*COLUMNS, "all", "ratio")))

    def method(self, row: OperationRow) -> str:
        """Return the name of a row's method."""
        return self.words.say(f"method.{row.method}")

    def _formulas(self, row: OperationRow, language: str) -> list[tuple[str, str]]:
        return formulas_of(row, language, self.style)

    def _caption(self, language: str) -> str:
        example = self.words.say("count.example") if self.per_example else ""
        style = style_of(language, self.style)
        dollars = "${}$" if language == "latex" else "{}"
        count = dollars.format(number_in(self.parameters, style))
        paths = ""
        if self.paths is not None:
            number = dollars.format(number_in(self.paths, style))
            paths = self.words.say("count.paths", paths=number)
        return self.words.say("count.caption", count=count, example=example, paths=paths)

    def _cells(self, language: str, exact: bool = True) -> list[tuple[str, ...]]:
        first = self.rows[0].numbers
        style = style_of(language, self.style)
        lines: list[tuple[str, ...]] = []
        for row in self.rows:
            counts = row.numbers
            if counts is None:
                lines.append((self.method(row), *("–" if language == "text" else "-",) * 5))
                continue
            values = (counts.multiplications, counts.additions, counts.calls, counts.total)
            cells = [number_in(value, style, exact) for value in values]
            ratio = ""
            if first is not None and all(isinstance(c.total, int) for c in (first, counts)):
                ratio = ratio_in(counts.total, first.total, style)
            lines.append((self.method(row), *cells, ratio))
        return lines

    def _with(self, language: str) -> list[str]:
        entries = self.legend(language)
        return [self.words.say("count.with", sizes=", ".join(entries))] if entries else []

    def legend(self, language: str = "text") -> list[str]:
        """Return what each size is, such as ``n₁ = 784 (k of w²ⱼₖ)``; LaTeX in dollar signs."""
        style = style_of(language, self.style)
        entries = []
        for symbol, value in self.sizes.items():
            index, tensor = self.axes[symbol]
            parts = [
                f"{formula_in(symbol, style)} = {number_in(value, style)}",
                style.name(index.name),
            ]
            if tensor is not None:
                names = [style.name(other.name) for other in tensor.indices]
                parts.append(IndexForm(style, tensor).tensor(tensor, names))
            if language == "latex":
                parts = [f"${part}$" for part in parts]
            entries.append(self.words.say(f"count.size.{len(parts)}", parts=parts))
        return entries


def operation_counts(derivation: GradientEquations) -> OperationCounts:
    """Count the operations of reverse mode, forward mode and path enumeration.

    Parameters
    ----------
    derivation : GradientEquations
        Of any program; for one example where the derivation is.

    Returns
    -------
    OperationCounts
        Integers, and formulas in the sizes.

    Examples
    --------
    >>> import symbp as bp
    >>> counts = operation_counts(bp.derive(bp.mlp(784, 30, 10)))
    >>> counts.row("reverse mode").numbers.multiplications
    47991
    >>> counts.row("path enumeration").formulas.calls
    2*n_2 + 2*n_3
    """
    printed = derivation.printed_program
    shown = [equation for line in derivation.forward for equation in line.equations]
    backward = [equation for line in derivation.backward for equation in line.equations]
    program = Program(shown, printed.cost, derived=True)
    # Paths are those of `Derivation.paths`, of the equations as they were differentiated; only
    # that a read under a condition always counts, and reads that meet count each.
    given = [equation for line in derivation.forward for equation in line.sources]
    differentiated = Program(given, printed.cost, derived=True)
    normal = normalise(differentiated)
    sizes = sizes_of(program, [*backward, *given, *normal.equations])
    recurrent = is_recurrent(program)
    counting = _Counting(program, differentiated, normal, backward)
    numbers = counting.rows(_number_of(sizes))
    formulas = counting.rows(_polynomial_of(sizes), with_paths=not recurrent)
    rows = []
    for method, counts in numbers.items():
        formula, remark = formulas.get(method), ""
        if counts is None:
            remark = "not counted: which step of the recurrence is read is not known beforehand"
        elif formula is None:
            terms = f"no formula: a polynomial of over {MOST_TERMS} terms"
            remark = "no closed formula: recurrence" if recurrent else terms
        number = None if counts is None else counts.map(_plain)
        expressions = None if formula is None else formula.map(_expression)
        rows.append(OperationRow(method, number, expressions, remark))
    # That of forward mode is left as a product: passes times parameters.
    rows[2] = replace(rows[2], formulas=counting.forward_mode_formula(sizes))
    entries = sum(math.prod(map(int, parameter.shape)) for parameter in program.parameters)
    total = None if counting.paths is None else _plain(counting.paths.total)
    found = {s for row in rows if row.formulas for s in row.formulas.total.free_symbols}
    named = {symbol: value for symbol, value in sizes.values.items() if symbol in found}
    axes = {symbol: found for symbol, found in axes_of(program, sizes).items() if symbol in named}
    return OperationCounts(
        tuple(rows), named, axes, entries, total, derivation.per_example, derivation.style
    )


class _Counting:
    """The equations of each method; counted twice, with numbers and with symbols for the sizes."""

    def __init__(
        self,
        program: Program,
        differentiated: Program,
        normal: Program,
        backward: list[Equation],
    ) -> None:
        self.program, self.differentiated, self.normal = program, differentiated, normal
        self.backward = backward
        self.paths: PathCounts | None = None

    def rows(self, size: Size, with_paths: bool = True) -> dict[str, Counts | None]:
        forward_pass = operations(self.program.equations, size)
        reverse_mode = forward_pass + operations(self.backward, size)
        once = forward_pass + local_derivatives(self.normal, size)
        tangent_pass = tangent_operations(self.normal, size)
        rows: dict[str, Counts | None] = {
            "forward pass": forward_pass,
            "reverse mode": reverse_mode,
            "forward mode": once + tangent_pass.times(self.entries(size)),
            "path enumeration": None,
        }
        if with_paths:
            paths = self._paths(size)
            if paths is not None:
                rows["path enumeration"] = once + paths.operations
        return rows

    def _paths(self, size: Size) -> PathCounts | None:
        try:
            paths = count_paths(self.differentiated, size, MOST_TERMS)
        except UnsupportedError:
            return None
        self.paths = self.paths or paths
        return paths

    def entries(self, size: Size) -> Any:
        """Return the number of scalar parameters."""
        total: Any = 0
        for parameter in self.program.parameters:
            count: Any = 1
            for index in parameter.indices:
                count = count * size(index)
            total = total + count
        return total

    def forward_mode_formula(self, sizes: Sizes) -> Counts:
        """Return the formula of forward mode with the number of parameters as a factor."""
        size = _polynomial_of(sizes)
        entries = _expression(self.entries(size))
        once = operations(self.program.equations, size) + local_derivatives(self.normal, size)
        each = tangent_operations(self.normal, size).map(_expression)
        return each.times(entries) + once.map(_expression)


def _number_of(sizes: Sizes) -> Size:
    """Return the size of an index as an int, or in a ring over the extents of run time."""
    symbols = sorted({*sizes.symbols.values()} - {*sizes.values}, key=str)
    values: dict[sympy.Symbol, Any] = dict(sizes.values)
    if symbols:
        values.update(zip(symbols, ring(symbols, QQ)[1:], strict=True))
    return lambda index: values[sizes.of_index(index)]


def _polynomial_of(sizes: Sizes) -> Size:
    """Return the size of an index in a ring over all sizes: exact, and fast to multiply."""
    run_time = sorted({*sizes.symbols.values()} - {*sizes.values}, key=str)
    symbols = [*sizes.values, *run_time]
    if not symbols:
        return lambda index: 1
    generators = dict(zip(symbols, ring(symbols, QQ)[1:], strict=True))
    return lambda index: generators[sizes.of_index(index)]


def _expression(count: Any) -> Expr:
    made = count.as_expr() if isinstance(count, PolyElement) else count
    return sympy.sympify(made, strict=True)


def _plain(count: Any) -> Any:
    """Return an int, or an expression in the batch size."""
    expression = _expression(count)
    return int(expression) if expression.is_Integer else expression


def formulas_of(row: OperationRow, language: str, book: Style = NIELSEN) -> list[tuple[str, str]]:
    """Return the formula of each column, in dollar signs where it is LaTeX."""
    words = words_of(book.language)
    if row.formulas is None:
        return [(words.say("count.all"), words.note(row.remark))]
    style = style_of(language, book)
    counts = (row.formulas.multiplications, row.formulas.additions, row.formulas.calls)
    shown = [formula_in(count, style) for count in counts]
    if language == "latex":
        shown = [f"${text}$" for text in shown]
    names = [words.say(f"count.{column}") for column in COLUMNS]
    return list(zip(names, shown, strict=True))
