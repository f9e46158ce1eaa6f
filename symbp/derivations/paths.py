"""Paths: an entry of the gradient as the sum over all paths from the cost to it.

Each adjoint is linear in the adjoints that it comes from; the coefficient is the local
derivative of that step. A path is a product of local derivatives, one for each step. Counting
the paths takes one visit to each vertex; there can be exponentially many of them, which is why
backpropagation adds up at each vertex instead.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from sympy.core.expr import Expr

from symbp.derivations.components import components_of
from symbp.derivations.counting import counted_from
from symbp.derivations.entry import adjoint_and_place
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import words_of
from symbp.derivations.markup import Markup
from symbp.derivations.number_form import MUL
from symbp.derivations.path_graph import Path, PathGraph
from symbp.derivations.printing import style_of
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.collected import sum_of
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Tensor

__all__ = ["Path", "PathSum", "paths"]


@dataclass(frozen=True, repr=False)
class PathSum:
    """An entry of the gradient as the sum over all paths.

    Attributes
    ----------
    entry : Tensor
        The scalar that the cost is differentiated by.
    cost : Tensor
        What is differentiated.
    count : int
        How many paths there are.
    limit : int
        How many are written out at the most; beyond it `paths` is empty.
    paths : tuple of Path
        In the order in which the equations name their vertices.
    count_from : {1, 0} or None
        What the first place of an axis is called; None as where it is printed.
    style : Style
        How it prints.

    Examples
    --------
    >>> import symbp as bp
    >>> print(bp.derive(bp.mlp(1, 2, 1)).paths("W1", 1, 0))
    ∂C/∂w²₂₁ = ∂C/∂a³₁ · ∂a³₁/∂z³₁ · ∂z³₁/∂a²₂ · ∂a²₂/∂z²₂ · ∂z²₂/∂w²₂₁
             = (a³₁ - y₁) σ′(z³₁) w³₁₂ σ′(z²₂) a¹₁
    """

    entry: Tensor
    cost: Tensor
    count: int
    limit: int
    paths: tuple[Path, ...]
    count_from: int | None = None
    style: Style = NIELSEN

    @property
    def expression(self) -> Expr:
        """The sum over all paths, in the scalars of the forward pass; zero without a path.

        Raises
        ------
        ValueError
            There are more paths than the limit.
        """
        if self.count > self.limit:
            raise ValueError(self._left_out())
        return sum_of(*(path.product for path in self.paths))

    def rows(self, language: str) -> list[tuple[str, str]]:
        """Return left and right sides: the products of derivatives, then their values."""
        with counted_from(self.count_from):
            return self._rows(language)

    def _rows(self, language: str) -> list[tuple[str, str]]:
        style = style_of(language, self.style)
        printer = IndexForm(style, self.cost)
        left = style.partial(printer.tensor(self.cost), printer.tensor(self.entry))
        if self.count > self.limit:
            return [(left, style.remark(self._left_out()))]
        if not self.paths:
            return [(left, "0")]
        named = [_derivatives(path, printer, style) for path in self.paths]
        values = [_values(path, printer, style) for path in self.paths]
        rows = [(left if not i else "", f"+ {text}" if i else text) for i, text in enumerate(named)]
        for position, text in enumerate(values):
            negative = text.startswith("-")
            sign = "" if not position or negative else "+ "
            rows.append(("=" if not position else "", sign + text))
        return rows

    def latex(self) -> str:
        """Return an aligned block: one line a path, first in derivatives, then in values."""
        lines = []
        for left, right in self.rows("latex"):
            if left == "=":
                lines.append(f"&= {right}")
            else:
                lines.append(f"{left} &= {right}" if left else rf"&\quad {right}")
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def text(self) -> str:
        """Return the same in Unicode."""
        rows = self.rows("text")
        width = max(len(left) for left, _ in rows)
        lines = []
        for left, right in rows:
            if left == "=":
                lines.append(f"{'':{width}} = {right}")
            elif left:
                lines.append(f"{left:{width}} = {right}")
            else:
                lines.append(f"{'':{width}}   {right}")
        return "\n".join(lines)

    def _left_out(self) -> str:
        return words_of(self.style.language).say(
            "paths.left out", count=f"{self.count:,}", most=f"{self.limit:,}"
        )

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<PathSum: {self.count:,} paths>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


def paths(
    derivation: GradientEquations, tensor: Any, place: tuple[Any, ...], limit: int = 64
) -> PathSum:
    """Return the sum over all paths to an entry; see :meth:`Derivation.paths`."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SymbpError(f"paths: limit {limit!r}: expected a positive int")
    line, checked = adjoint_and_place(derivation, tensor, place)
    elements = components_of(derivation.links)
    adjoint = elements.component(line.tensor, checked)
    graph = PathGraph(elements, derivation.program.cost)  # type: ignore[arg-type]
    count = graph.count(line.tensor, checked)
    found = graph.paths(adjoint) if count <= limit else ()
    entry = adjoint.adjoint_of
    assert entry is not None, "an adjoint is the adjoint of a tensor"
    return PathSum(entry, graph.cost, count, limit, found, style=derivation.style)


def _derivatives(path: Path, printer: IndexForm, style: Markup) -> str:
    names = [printer.tensor(vertex) for vertex in path.vertices]
    steps = [style.partial(a, b) for a, b in itertools.pairwise(names)]
    if path.direct:
        steps[0] = style.direct(steps[0])
    return (style.dot if style.one_line else style.times).join(steps)


def _values(path: Path, printer: IndexForm, style: Markup) -> str:
    """Print the factors in the order of the path, a factor 1 left out."""
    sign = ""
    shown = []
    for factor in path.factors:
        if factor == 1:
            continue
        if factor == -1:
            sign = "" if sign else "-"
            continue
        text, level = printer.scalar(factor)
        shown.append(text if level >= MUL and not text.startswith("-") else style.parentheses(text))
    if not shown:
        return sign + "1"
    return sign + style.times.join(shown)
