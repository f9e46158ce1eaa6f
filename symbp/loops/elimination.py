"""elimination: the loops that solve an implicit equation for its left-hand side.

Gaussian elimination with partial pivoting, substitution, and the Cholesky factorisation, as loop
programs like any other: they are verified and interpreted, and every target prints them. A row
whose pivot is larger than that of the rows above it is exchanged with the uppermost as it is met,
so that no order of rows has to be kept, and the pivot ends up the largest of its column.
"""

from collections.abc import Callable, Sequence

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import Layout, layout
from symbp.loops.nodes import Accumulate, Allocate, Assign, For, If, Statement
from symbp.notation.collected import product_of
from symbp.notation.equation import Equation
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Factor, Unknown
from symbp.notation.naming import fresh_name
from symbp.notation.standard import Abs, log, sqrt
from symbp.notation.tensor import Element, Tensor

__all__ = ["elimination"]


def elimination(
    equation: Equation,
    fixed: frozenset[Index],
    stored: Callable[[Expr], Expr],
    names: set[str],
) -> tuple[list[Allocate], list[Statement]]:
    """Return the memory for what is worked on, and the loops.

    Parameters
    ----------
    equation : Equation
        An implicit one.
    fixed : frozenset of Index
        The indices of loops around it.
    stored : callable
        Gives an expression with elements of the arrays in whose memory they lie.
    names : set of str
        Of all tensors; those of new ones are added.
    """
    return _Eliminator(equation, fixed, stored, names).nest()


class _Eliminator:
    """Writes the loops of one equation."""

    def __init__(
        self,
        equation: Equation,
        fixed: frozenset[Index],
        stored: Callable[[Expr], Expr],
        names: set[str],
    ) -> None:
        self.equation, self.names = equation, names
        self.layout: Layout = layout(equation)
        body = equation.body
        self.matrix = stored(getattr(body, "matrix", body))
        self.right = stored(body.right) if isinstance(body, Unknown) else None
        lhs = stored(equation.lhs)
        assert isinstance(lhs, Element)
        self.lhs = lhs
        size = self.layout.rows.extent
        assert isinstance(size, int), "checked where it is defined"
        self.size = size
        self.batch = tuple(index for index in self.layout.batch if index not in fixed)
        self.free = tuple(index for index in self.layout.free if index not in fixed)
        row, column = Index("row", self.size), Index("column", self.size)
        self.work = Tensor(self.name("matrix"), (*self.batch, row, column))

    def name(self, what: str) -> str:
        return fresh_name(f"{self.equation.tensor.name}_{what}", self.names)

    def nest(self) -> tuple[list[Allocate], list[Statement]]:
        """Return the memory and the loops."""
        operation = self.equation.operation
        if operation == "cholesky":
            return [], self.over(self.batch, self.cholesky())
        if operation in ("solve_lower", "solve_upper"):
            return [], self.over(self.batch, self.substitution(operation == "solve_lower"))
        memory = [Allocate(self.work, self.work.shape)]
        made = self.determinant() if operation == "logdet" else self.solution()
        return memory, self.over(self.batch, made)

    # Pieces -----------------------------------------------------------------------------------

    def over(self, indices: Sequence[Index], body: Sequence[Statement]) -> list[Statement]:
        """Return loops over whole indices."""
        statements = list(body)
        for index in reversed(indices):
            statements = [For(index, 0, index.extent, tuple(statements))]
        return statements

    def loop(self, index: Index, start: object, body: Sequence[Statement]) -> For:
        return For(index, start, self.size, tuple(body))

    def index(self, name: str) -> Index:
        return Index(name, self.size)

    def apart(self) -> dict[Index, Index]:
        """Return new indices for the columns of the right-hand sides: each loop has its own."""
        return {index: index.fresh() for index in self.free}

    def at(self, row: object, column: object) -> Element:
        element: Element = self.work[(*self.batch, row, column)]
        return element

    def of_lhs(self, *places: object) -> Element:
        """Return the element of the left-hand side at other places of its own indices."""
        moved: Element = self.lhs.xreplace(dict(zip(self.layout.own, places, strict=True)))
        return moved

    def set(self, target: Element, value: Expr) -> Assign:
        return Assign(target, value, self.equation)

    def take(self, target: Element, one: Expr, other: Expr) -> Accumulate:
        """Return ``target -= one * other``."""
        return Accumulate(target, product_of(-one, other), equation=self.equation)

    def exchange(self, one: Element, other: Element) -> list[Statement]:
        held = Tensor(self.name("held"))
        return [
            Allocate(held, (), "register"),
            self.set(held[()], one), self.set(one, other), self.set(other, held[()]),
        ]  # fmt: skip

    def columns(self, body: Callable[[dict[Index, Index]], list[Statement]]) -> list[Statement]:
        """Return statements for each right-hand side."""
        mapping = self.apart()
        return self.over(list(mapping.values()), body(mapping))

    # Gaussian elimination ---------------------------------------------------------------------

    def copied(self) -> Statement:
        """Return the loops that put the matrix where it is worked on."""
        rows, columns = self.layout.rows, self.layout.columns
        made = self.over((rows, columns), [self.set(self.at(rows, columns), self.matrix)])
        return made[0]

    def eliminated(self, with_right: bool) -> For:
        """Return the loop that makes the matrix upper triangular, the right-hand sides with it."""
        step, lower, below = self.index("p"), self.index("q"), self.index("r")
        column, other = self.index("s"), self.index("u")
        factor = Tensor(self.name("factor"))
        swap: list[Statement] = [
            self.loop(column, step, self.exchange(self.at(lower, column), self.at(step, column)))
        ]
        take: list[Statement] = [
            self.loop(
                other,
                step + 1,
                [self.take(self.at(below, other), factor[()], self.at(step, other))],
            )
        ]
        if with_right:
            swap += self.columns(
                lambda to: self.exchange(
                    self.of_lhs(lower).xreplace(to), self.of_lhs(step).xreplace(to)
                )
            )
            take += self.columns(
                lambda to: [
                    self.take(
                        self.of_lhs(below).xreplace(to), factor[()], self.of_lhs(step).xreplace(to)
                    )
                ]
            )
        larger = sympy.Gt(Abs(self.at(lower, step)), Abs(self.at(step, step)))
        quotient = self.at(below, step) / self.at(step, step)
        return self.loop(
            step,
            0,
            [
                self.loop(lower, step + 1, [If(larger, tuple(swap))]),
                self.loop(
                    below,
                    step + 1,
                    [
                        Allocate(factor, (), "register"),
                        self.set(factor[()], quotient),
                        *take,
                    ],
                ),
            ],
        )

    def solution(self) -> list[Statement]:
        made = [self.copied(), *self.right_copied()]
        return [*made, self.eliminated(True), self.substituted(self.at, upper=True)]

    def determinant(self) -> list[Statement]:
        step = self.index("p")
        adding = Accumulate(self.lhs, log(Abs(self.at(step, step))), equation=self.equation)
        return [
            self.copied(),
            self.eliminated(False),
            self.set(self.lhs, sympy.S.Zero),
            self.loop(step, 0, [adding]),
        ]

    # Substitution -----------------------------------------------------------------------------

    def right_copied(self) -> list[Statement]:
        """Return the loops that put the right-hand sides where the solutions will be."""
        assert self.right is not None
        row = self.layout.rows.fresh()
        rows = {self.layout.rows: row}
        return self.over(
            (row,),
            self.columns(
                lambda to: [
                    self.set(
                        self.of_lhs(row).xreplace(to),
                        self.right.xreplace({**rows, **to}),  # type: ignore[union-attr]
                    )
                ]
            ),
        )

    def substituted(self, at: Callable[[object, object], Expr], upper: bool) -> For:
        """Return the loop that solves a triangular system, whose right-hand side lies in place."""
        step, other = self.index("p"), self.index("q")
        start, end = (step + 1, self.size) if upper else (0, step)

        def take(to: dict[Index, Index]) -> list[Statement]:
            solved = self.of_lhs(other).xreplace(to)
            return [self.take(self.of_lhs(step).xreplace(to), at(step, other), solved)]

        def divide(to: dict[Index, Index]) -> list[Statement]:
            target = self.of_lhs(step).xreplace(to)
            return [self.set(target, target / at(step, step))]

        body = (
            For(other, start, end, tuple(self.columns(take))),
            *self.columns(divide),
        )
        if upper:
            return For(step, self.size - 1, -1, body, -1)
        return For(step, 0, self.size, body)

    def substitution(self, lower: bool) -> list[Statement]:
        rows, columns = self.layout.rows, self.layout.columns

        def at(row: object, column: object) -> Expr:
            found: Expr = self.matrix.xreplace({rows: row, columns: column})
            return found

        return [*self.right_copied(), self.substituted(at, upper=not lower)]

    # Cholesky ---------------------------------------------------------------------------------

    def cholesky(self) -> list[Statement]:
        """Return the factorisation, row by row, in the memory of the factor."""
        body = self.equation.body
        assert isinstance(body, Factor)
        rows, columns = self.layout.rows, self.layout.columns
        row, column = rows.fresh(), columns.fresh()
        half = sympy.Rational(1, 2)

        def at(one: object, other: object) -> Expr:
            found: Expr = self.matrix.xreplace({rows: one, columns: other})
            return found

        value = product_of(half, at(row, column)) + product_of(half, at(column, row))
        start = self.set(
            self.of_lhs(row, column), where(sympy.Le(column, row), value, sympy.S.Zero)
        )
        p, q, r = self.index("p"), self.index("q"), self.index("r")
        s = self.index("s")
        there = self.of_lhs
        return [
            *self.over((row, column), [start]),
            self.loop(
                p,
                0,
                [
                    For(q, 0, p, (
                        For(r, 0, q, (self.take(there(p, q), there(p, r), there(q, r)),)),
                        self.set(there(p, q), there(p, q) / there(q, q)),
                    )),
                    For(s, 0, p, (self.take(there(p, p), there(p, s), there(p, s)),)),
                    self.set(there(p, p), sqrt(there(p, p))),
                ],
            ),
        ]  # fmt: skip
