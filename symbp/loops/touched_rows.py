"""touched_rows: an update that changes the rows of a batch alone goes over these, not over a table.

::

    for u: count[u] = 0                          for n: last[user[n]] = n
    for n: count[user[n]] += 1                   for n, k: rows[n, k] = 0
    for u, k: G[u, k] = 0                        for n, k: rows[last[user[n]], k] += δ[n, k]
    for n, k: G[user[n], k] += δ[n, k]     ─►    for n, k:
    for u, k: m_next[u, k] =                         m_next[n, k] =
                  f(m[u, k], G[u, k])                    f(m[user[n], k], rows[last[user[n]], k])
    for u, k: m[u, k] = m_next[u, k]             for n, k: m[user[n], k] = m_next[n, k]
              where count[u] > 0, else m[u, k]

Of the places in a batch that look up one row, the last one holds the sum of what all of them add to
its gradient. Each place then computes what becomes of its row: those of one row the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy

from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, Statement
from symbp.loops.row_plan import Nest, Plan, counts_of, kept_by, nests_of, plan_for, table_of
from symbp.loops.traverse import elements_of, reads_of, renamed, writes_of
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = ["touched_rows"]


def touched_rows(function: Function) -> Function:
    """Return an equivalent function that goes over the rows of a batch where these are enough.

    Parameters
    ----------
    function : Function
        As it is built: a nest for each equation.
    """
    for count in counts_of(function):
        plan = plan_for(function, count)
        if isinstance(plan, Plan):
            function = _Rewriting(function, plan).function()
    return function


class _Rewriting:
    """Rewrites a function by a plan."""

    def __init__(self, given: Function, plan: Plan) -> None:
        self.given, self.plan = given, plan
        names = {element.tensor.name for s in given.statements
                 for element in (*reads_of(s), *writes_of(s))}  # fmt: skip
        names |= {tensor.name for tensor in given.allocations} | {t.name for t in given.views}
        self.loops = plan.lookups[0].loops
        # How long the lists may be, where arrays have room for more than a batch.
        room = {tensor.shape[0]: made.shape[0] for tensor, made in given.allocations.items()
                if tensor.rank and not isinstance(tensor.shape[0], int)}  # fmt: skip
        lists = [Index("p", len(plan.lookups))] if len(plan.lookups) > 1 else []
        self.extents = (*lists, *(Index(loop.index.name, loop.end) for loop in self.loops))
        self.room = tuple(room.get(i.extent, i.extent) for i in self.extents)
        rows = tuple(Index("i", plan.shape[axis]) for axis in plan.axes)
        stem = table_of(plan.count)
        self.last = [
            Tensor(fresh_name(f"{stem}_last_{i.name}", names), rows, kind="integer")
            for i in self.extents
        ]
        self.rows = {
            tensor: Tensor(fresh_name(f"{tensor.name}_rows", names), self.axes_of(tensor))
            for tensor in sorted((*plan.gradients, *plan.values), key=lambda t: t.serial)
        }

    def axes_of(self, tensor: Tensor) -> tuple[Index, ...]:
        """Return the axes of the rows of a table."""
        rest = (i for axis, i in enumerate(tensor.indices) if axis not in self.plan.axes)
        return (*(index.fresh() for index in self.extents), *(index.fresh() for index in rest))

    def function(self) -> Function:
        """Return the function."""
        nests = list(nests_of(self.given))
        uses = [place for place, nest in enumerate(nests) if self.is_of_rows(nest)]
        body: list[Statement] = []
        noted: list[Statement] = []
        values: list[list[_Row]] = [[] for _ in self.plan.lookups]
        kept: list[list[_Row]] = [[] for _ in self.plan.lookups]
        for nest in nests:
            if not isinstance(nest, Nest) or not isinstance(nest.leaf, Accumulate):
                continue
            if nest.leaf.target.tensor is self.plan.count:
                noted += self.noted(nest)
        for place, nest in enumerate(nests):
            if place == uses[0]:
                body += noted
            if isinstance(nest, Allocate) and nest.array is self.plan.count:
                body += [Allocate(last, last.shape) for last in self.last]
            elif not isinstance(nest, Nest):
                body.append(self.memory(nest))
            elif not self.is_of_rows(nest):
                body.append(nest.statement)
            elif nest.leaf.target.tensor in self.plan.gradients:
                body += self.gradient(nest)
            elif nest.leaf.target.tensor is not self.plan.count:
                found = kept_by(nest.leaf, self.plan.count)
                value, rows = (nest.leaf.value, values) if found is None else (found[1], kept)
                for each, row in zip(rows, self.rows_of(nest, value), strict=True):
                    each.append(row)
            if place == uses[-1]:
                # All is computed before anything changes, each of it for the same rows.
                body += [_together(rows) for rows in (*values, *kept) if rows]
        limits = {last: Limit(0, room) for last, room in zip(self.last, self.room, strict=True)}
        return self.given.replace(body=tuple(body), limits={**self.given.limits, **limits})

    def is_of_rows(self, nest: Nest | Statement) -> bool:
        """Whether a nest is to be rewritten."""
        if not isinstance(nest, Nest):
            return False
        target = nest.leaf.target.tensor
        return (
            target is self.plan.count
            or target in self.rows
            or kept_by(nest.leaf, self.plan.count) is not None
        )

    def memory(self, statement: Statement) -> Statement:
        """Return the memory of rows in the place of that of a table; other statements stay."""
        if isinstance(statement, Allocate) and statement.array in self.rows:
            made = self.rows[statement.array]
            return Allocate(made, (*self.room, *made.shape[len(self.room) :]))
        return statement

    def gradient(self, nest: Nest) -> list[Statement]:
        """Return what begins the sums of rows, or adds to them."""
        if isinstance(nest.leaf, Assign):
            return self.zeros(nest.leaf.target.tensor, nest.leaf)
        target = self.summed(nest.leaf.target)
        return [_around(nest.loops, [replace(nest.leaf, target=target)])]

    def noted(self, nest: Nest) -> list[Statement]:
        """Return the loops in which the places of a list note where they are."""
        number = next(p for p, each in enumerate(self.plan.lookups)
                      if each.places == nest.leaf.target.args)  # fmt: skip
        where_ = [*([number] if len(self.plan.lookups) > 1 else []), *nest.indices]
        places = nest.leaf.target.args
        leaves = [
            Assign(last[places], sympy.sympify(value, strict=True), nest.leaf.equation)
            for last, value in zip(self.last, where_, strict=True)
        ]
        return [_around(nest.loops, leaves)]

    def zeros(self, gradient: Tensor, leaf: Assign) -> list[Statement]:
        """Return the loops that begin the sums of all rows that there is room for."""
        rows = self.rows[gradient]
        indices = tuple(index.fresh() for index in rows.indices)
        statement: Statement = Assign(rows[indices], leaf.value, leaf.equation)
        ends = (*self.room, *rows.shape[len(self.room) :])
        for index, end in reversed(list(zip(indices, ends, strict=True))):
            statement = For(index, 0, end, (statement,))
        return [statement]

    def summed(self, element: Element) -> Element:
        """Return where the gradient of a row is."""
        places = tuple(element.args[axis] for axis in self.plan.axes)
        rest = (s for axis, s in enumerate(element.args) if axis not in self.plan.axes)
        return self.rows[element.tensor][(*(last[places] for last in self.last), *rest)]

    def rows_of(self, nest: Nest, value: Any) -> list["_Row"]:
        """Return, for each list of places, what a nest over all rows computes for a place."""
        target, plan, result = nest.leaf.target, self.plan, []
        rest = tuple(s for axis, s in enumerate(target.args) if axis not in plan.axes)
        inner = {loop.index: loop for loop in nest.loops}
        for number, lookup in enumerate(plan.lookups):
            fresh = {loop.index: loop.index.fresh() for loop in lookup.loops}
            own = {index: index.fresh() for index in rest}
            place = tuple(subscript.xreplace(fresh) for subscript in lookup.places)
            names = {target.args[axis]: p for axis, p in zip(plan.axes, place, strict=True)}
            names |= own
            numbers = [number] if len(plan.lookups) > 1 else []
            row = (*numbers, *fresh.values(), *own.values())
            mapping: dict[Any, Any] = {}
            for element in (target, *elements_of(value)):
                moved = element.tensor[tuple(s.xreplace(names) for s in element.args)]
                if element.tensor in plan.gradients:
                    moved = self.summed(moved)
                elif element.tensor in plan.values:
                    moved = self.rows[element.tensor][row]
                mapping[element] = moved
            leaf = Assign(mapping[target], value.xreplace(mapping), nest.leaf.equation)
            loops = [replace(loop, index=fresh[loop.index]) for loop in lookup.loops]
            loops += [replace(inner[index], index=own[index]) for index in rest]
            result.append(_Row(tuple(loops), leaf))
        return result


@dataclass(frozen=True)
class _Row:
    """What is computed for each of a list of places, and along its row."""

    loops: tuple[For, ...]
    leaf: Assign


def _together(rows: Sequence[_Row]) -> Statement:
    """Return one nest that computes what several do."""
    loops = rows[0].loops
    leaves = [
        renamed(row.leaf, {r.index: l.index for r, l in zip(row.loops, loops, strict=True)})
        for row in rows
    ]
    return _around(loops, leaves)


def _around(loops: Sequence[For], leaves: Sequence[Statement]) -> Statement:
    """Return loops around statements."""
    body = tuple(leaves)
    for loop in reversed(loops):
        body = (replace(loop, body=body),)
    return body[0]
