"""Implicit equations: what they mean, and how the one rule differentiates them.

An implicit equation says that its left-hand side makes a residual zero. A solve, with
``R[i, j] = B[i, j] - Σ_k A[i, k] X[k, j]``, has the tangent ``A Ẋ = Ṙ`` and the adjoint
``Aᵀ R̄ = X̄``, where ``Ṙ`` and what ``R̄`` gives ``A`` and ``B`` are the one rule applied to the
residual, with ``X`` held constant. Both are solves again, so that higher derivatives need nothing
else. A Cholesky factor, with ``R = (A + Aᵀ)/2 - L Lᵀ``, has the tangent ``L Φ(L⁻¹ Ṙ L⁻ᵀ)`` and the
adjoint ``R̄ = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹``, where Φ takes the lower triangle with half of the diagonal (I.
Murray, "Differentiation of the Cholesky decomposition", 2016): triangular solves. The logarithm of
a determinant is no equation to solve; its derivative, the transposed inverse, is one.
"""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.collected import product_of
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import IMPLICIT, Factor, Unknown, unit
from symbp.notation.naming import fresh_name
from symbp.notation.reductions import ReduceOperation
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "Layout",
    "Residual",
    "has_residual",
    "is_implicit",
    "layout",
    "residual",
    "slope_of_logdet",
]

_HALF = sympy.Rational(1, 2)
_TRANSPOSED: dict[str, ReduceOperation] = {
    "solve": "solve", "solve_lower": "solve_upper", "solve_upper": "solve_lower",
}  # fmt: skip


def is_implicit(equation: Equation) -> bool:
    """Whether an equation, normalised, is solved for its left-hand side."""
    return bool(equation.reduce) and equation.operation in IMPLICIT


def has_residual(equation: Equation) -> bool:
    """Whether its derivatives are those of a residual."""
    return is_implicit(equation) and equation.operation != "logdet"


@dataclass(frozen=True)
class Layout:
    """Which indices of an implicit equation do what.

    Attributes
    ----------
    rows, columns : Index
        Those of the matrix, which are bound.
    batch : tuple of Index
        Those of the left-hand side that number matrices.
    free : tuple of Index
        Those of the left-hand side that number right-hand sides of one matrix.
    own : tuple of Index
        Those of the left-hand side that stand for the rows and columns outside.
    """

    rows: Index
    columns: Index
    batch: tuple[Index, ...]
    free: tuple[Index, ...]
    own: tuple[Index, ...]


def layout(equation: Equation) -> Layout:
    """Return which indices of an implicit equation do what."""
    rows, columns = equation.reduce
    body = equation.body
    left = indices_of(equation.lhs)
    left.sort(key=lambda index: equation.lhs.args.index(index))
    if isinstance(body, Factor):
        batch = tuple(index for index in left if index not in body.places)
        return Layout(rows, columns, batch, (), body.places)
    if not isinstance(body, Unknown):
        return Layout(rows, columns, tuple(left), (), ())
    read = set(indices_of(body.matrix))
    others = [index for index in left if index is not body.place]
    return Layout(
        rows,
        columns,
        tuple(index for index in others if index in read),
        tuple(index for index in others if index not in read),
        (body.place,),
    )


@dataclass(frozen=True)
class Residual:
    """What an implicit equation makes zero.

    Attributes
    ----------
    implicit : Equation
        What is solved.
    equations : tuple of Equation
        Of the residual's tensor, as if it were computed; only their derivatives are.
    solved : Element
        The left-hand side of the implicit equation, which is held constant in them.
    names : set of str
        Of all tensors.
    """

    implicit: Equation
    equations: tuple[Equation, ...]
    solved: Element
    names: set[str]

    @property
    def whole(self) -> list[Equation]:
        """The equations with those that hold nothing but what is solved for, as they are read."""
        if not isinstance(self.implicit.body, Factor):
            return list(self.equations)
        i, m = self._places()
        between, lower = m.fresh(), self.solved.tensor[self.solved.args]
        product = product_of(-self._at(lower, i, between), self._at(lower, m, between))
        place = self.equations[0]
        taken = Equation(place.lhs, product, (between,), accumulate=True, origin=place.origin)
        return [*self.equations, taken]

    def holds(self, element: Element) -> bool:
        """Whether an element is what is solved for, which is constant in the residual."""
        return element.tensor is self.solved.tensor and element.args == self.solved.args

    def adjoint(self, given: Expr) -> tuple[Element, list[Equation]]:
        """Return the residual's adjoint, and its equations, from that of the left-hand side."""
        if isinstance(self.implicit.body, Factor):
            return self._factor_adjoint(given)
        body, (rows, columns) = self.implicit.body, self.implicit.reduce
        assert isinstance(body, Unknown)
        element = self.equations[0].lhs
        found = self._tensor("residual_adjoint", element, adjoint_of=element.tensor)
        # The transposed matrix: rows are the unknowns of before, unknowns the rows.
        place, inner = body.place.fresh(), rows.fresh()
        matrix = body.matrix.xreplace({rows: inner, columns: place})
        right = given.xreplace({body.place: place})
        made = self._solve(
            found[element.args], _TRANSPOSED[self.implicit.operation],
            Unknown(matrix, right, rows), place, inner,
        )  # fmt: skip
        return made.lhs, [made]

    def tangent(self, given: Element, target: Element) -> list[Equation]:
        """Return the equations of the left-hand side's tangent from that of the residual."""
        if isinstance(self.implicit.body, Factor):
            return self._factor_tangent(given, target)
        body, (rows, columns) = self.implicit.body, self.implicit.reduce
        assert isinstance(body, Unknown)
        operation = self.implicit.operation
        return [
            self._solve(target, operation, Unknown(body.matrix, given, body.place), rows, columns)
        ]

    def _factor_adjoint(self, given: Expr) -> tuple[Element, list[Equation]]:
        i, m = self._places()
        k, j, inner = m.fresh(), i.fresh(), m.fresh()
        lower = self.solved
        product = self._tensor("factor_product", lower)
        half = self._tensor("half_solved", lower)
        of_zero = self.equations[0].tensor
        found = self._tensor("residual_adjoint", lower, adjoint_of=of_zero)
        at = self._at
        first = Equation(
            at(product[lower.args], k, m),
            product_of(at(lower, i, k), given),
            (i,),
            origin=Origin("reverse", self.implicit),
        )
        second = self._solve(
            half[lower.args], "solve_upper",
            Unknown(at(lower, inner, k), _phi(at(product[lower.args], k, m), k, m), i), k, inner,
        )  # fmt: skip
        third = self._solve(
            at(found[lower.args], i, j), "solve_upper",
            Unknown(at(lower, inner, m), half[lower.args], j), m, inner,
        )  # fmt: skip
        # As the residual's equations name their indices.
        return found[lower.args], [first, second, third]

    def _factor_tangent(self, given: Element, target: Element) -> list[Equation]:
        i, m = self._places()
        k, j, inner = m.fresh(), i.fresh(), m.fresh()
        lower, at = self.solved, self._at
        half = self._tensor("half_solved", lower)[lower.args]
        whole = self._tensor("whole_solved", lower)[lower.args]
        first = self._solve(
            at(half, k, j), "solve_lower",
            Unknown(at(lower, i, inner), at(given, i, j), k), i, inner,
        )  # fmt: skip
        second = self._solve(
            at(whole, k, m), "solve_lower",
            Unknown(at(lower, j, inner), at(half, k, j), m), j, inner,
        )  # fmt: skip
        third = Equation(
            target,
            product_of(at(lower, i, k), _phi(at(whole, k, m), k, m)),
            (k,),
            origin=Origin("forward", self.implicit),
        )
        return [first, second, third]

    def _places(self) -> tuple[Index, Index]:
        body = self.implicit.body
        assert isinstance(body, Factor)
        return body.places

    def _at(self, element: Element, row: Index, column: Index) -> Element:
        """Return an element at another row and column."""
        i, m = self._places()
        moved: Element = element.xreplace({i: row, m: column})
        return moved

    def _tensor(self, what: str, like: Element, **told: Tensor) -> Tensor:
        name = fresh_name(f"{self.implicit.tensor.name}_{what}", self.names)
        return Tensor(name, tuple(like.args), **told)

    def _solve(
        self, lhs: Element, operation: ReduceOperation, body: Unknown, rows: Index, columns: Index
    ) -> Equation:
        origin = Origin("implicit", self.implicit)
        return Equation(lhs, body, (rows, columns), operation, origin=origin)


def residual(equation: Equation, names: set[str]) -> Residual:
    """Return what an implicit equation makes zero.

    Parameters
    ----------
    equation : Equation
        One that :func:`has_residual`.
    names : set of str
        Of all tensors; those of new ones are added.
    """
    body, (rows, columns) = equation.body, equation.reduce
    name = fresh_name(f"R_{equation.tensor.name}", names)
    origin = Origin("residual", equation)
    if isinstance(body, Factor):
        i, m = body.places
        tensor = Tensor(name, tuple(equation.lhs.args))
        there = body.matrix.xreplace({rows: i, columns: m})
        across = body.matrix.xreplace({rows: m, columns: i})
        whole = product_of(_HALF, there) + product_of(_HALF, across)
        made = Equation(tensor[equation.lhs.args], whole, origin=origin)
        return Residual(equation, (made,), equation.lhs, names)
    assert isinstance(body, Unknown)
    places = tuple(rows if each is body.place else each for each in equation.lhs.args)
    tensor = Tensor(name, places)
    matrix = body.matrix.xreplace({columns: body.place})
    if equation.operation != "solve":
        lower = equation.operation == "solve_lower"
        there = sympy.Le(body.place, rows) if lower else sympy.Ge(body.place, rows)
        matrix = where(there, matrix, 0)
    # Anew, so that it prints behind the matrix.
    solved = equation.tensor[equation.lhs.args]
    product = product_of(-matrix, solved)
    return Residual(
        equation,
        (
            Equation(tensor[places], body.right, origin=origin),
            Equation(tensor[places], product, (body.place,), accumulate=True, origin=origin),
        ),
        equation.lhs,
        names,
    )


def slope_of_logdet(equation: Equation, names: set[str]) -> tuple[Expr, list[Equation]]:
    """Return ∂lhs/∂A[i, k] of ``log |det A|``: the inverse's element at k and i; its equation."""
    rows, columns = equation.reduce
    row, column, place = rows.fresh(), columns.fresh(), columns.fresh()
    name = fresh_name(f"{equation.tensor.name}_inverse", names)
    left = tuple(equation.lhs.args)
    at = rows.fresh()
    tensor = Tensor(name, (*left, place, at))
    matrix = equation.body.xreplace({rows: row, columns: column})
    made = Equation(
        tensor[(*left, place, at)], Unknown(matrix, unit(row, at), place), (row, column),
        "solve", origin=Origin("implicit", equation),
    )  # fmt: skip
    return tensor[(*left, columns, rows)], [made]


def _phi(value: Expr, row: Index, column: Index) -> Any:
    """Return the lower triangle of a matrix with half of its diagonal."""
    half = where(sympy.Eq(row, column), product_of(_HALF, value), 0)
    return where(sympy.Lt(column, row), value, half)
