"""row_plan: what of a built function is done for the rows of a table, and what for few of them.

Read off the nests of a function: which lists of places of a batch look up rows of a table, which
arrays hold its gradient, and which what an update computes for each row. A plan is for
:mod:`symbp.loops.touched_rows`; where there is none, the reason is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, Statement, View
from symbp.loops.traverse import elements_of, reads_of, statements_in, writes_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "Lookup", "Nest", "Plan", "all_rows", "counted", "counts_of", "kept_by", "nests_of", "plan_for",
    "table_of",
]  # fmt: skip


def all_rows(function: Function) -> dict[str, str]:
    """Return why all rows of a table are gone over though an update changes few, by its name."""
    found = {}
    for count in counts_of(function):
        plan = plan_for(function, count)
        if isinstance(plan, str):
            found[table_of(count)] = plan
    return found


def counted(function: Function) -> list[str]:
    """Return the names of the tables whose updates are to change the rows of a batch alone."""
    return [table_of(count) for count in counts_of(function)]


def table_of(count: Tensor) -> str:
    """Return the name of the table whose rows a tensor counts."""
    for_table = count.name.rpartition("_looked_up")[0]
    return for_table or count.name


@dataclass(frozen=True)
class Nest:
    """Loops with one assignment or sum inside."""

    statement: Statement
    loops: tuple[For, ...]
    leaf: Assign | Accumulate

    @property
    def indices(self) -> tuple[Index, ...]:
        """The loops' indices."""
        return tuple(loop.index for loop in self.loops)


@dataclass(frozen=True)
class Lookup:
    """One of the lists of places of a batch that look up rows of a table."""

    places: tuple[Any, ...]
    loops: tuple[For, ...]

    def at(self, places: Sequence[Any]) -> dict[Index, Index] | None:
        """Return what the loops' indices are where other places are the same list's, or None."""
        given = list(dict.fromkeys(i for place in places for i in _indices(place)))
        own = [i for place in self.places for i in _indices(place)]
        mapping = dict(zip(dict.fromkeys(own), given, strict=False))
        if len(mapping) != len(given) or any(i.extent != o.extent for i, o in mapping.items()):
            return None
        moved = tuple(place.xreplace(mapping) for place in self.places)
        return mapping if moved == tuple(places) else None


@dataclass(frozen=True)
class Plan:
    """What is to be rewritten."""

    count: Tensor
    axes: tuple[int, ...]
    """Which axes of the tables are looked up."""
    lookups: tuple[Lookup, ...]
    gradients: frozenset[Tensor]
    values: frozenset[Tensor]
    """What an update computes for each row on the way."""
    shape: tuple[Any, ...]


def counts_of(function: Function) -> list[Tensor]:
    """Return the tensors that count how often a row is looked up."""
    found: dict[Tensor, None] = {}
    for statement in function.statements:
        equation = statement.equation if isinstance(statement, Accumulate) else None
        if equation is not None and equation.origin.rule == "lookup":
            found[equation.tensor] = None
    return list(found)


def nests_of(function: Function) -> Iterator[Nest | Statement]:
    """Yield the statements of a function, those that are simple as nests."""
    for statement in function.body:
        loops, inner = [], statement
        while isinstance(inner, For) and len(inner.body) == 1:
            loops.append(inner)
            inner = inner.body[0]
        simple = isinstance(inner, Assign | Accumulate)
        yield Nest(statement, tuple(loops), inner) if simple else statement  # type: ignore[arg-type]


def _indices(expression: Any) -> list[Index]:
    found: dict[Index, None] = {}

    def visit(node: sympy.Basic) -> None:
        if isinstance(node, Index):
            found.setdefault(node)
        for argument in node.args:
            visit(argument)

    visit(expression)
    return list(found)


def kept_by(leaf: Statement, count: Tensor) -> tuple[Element, Element] | None:
    """Return the count and the new value of ``X = where(count > 0, value, X)``."""
    if not (isinstance(leaf, Assign) and isinstance(leaf.value, where)):
        return None
    condition, new, old = leaf.value.args
    if not isinstance(condition, sympy.Gt) or condition.args[1] != 0 or old != leaf.target:
        return None
    counted = condition.args[0]
    if isinstance(counted, Element) and counted.tensor is count and isinstance(new, Element):
        return counted, new
    return None


def plan_for(function: Function, count: Tensor) -> Plan | str:
    """Return what is to be rewritten for one table, or why that cannot be."""
    nests = list(nests_of(function))
    simple = [nest for nest in nests if isinstance(nest, Nest)]
    lookups: list[Lookup] = []
    kept: list[tuple[Nest, Element, Element]] = []
    for nest in nests:
        statement = nest.statement if isinstance(nest, Nest) else nest
        if not any(
            count in (e.tensor for e in (*reads_of(s), *writes_of(s)))
            for s in statements_in((statement,))
        ) or isinstance(statement, Allocate):
            continue  # fmt: skip
        if not isinstance(nest, Nest):
            return f"{count.name} is read under a condition"
        if nest.leaf.target.tensor is count:
            if isinstance(nest.leaf, Accumulate):
                lookups.append(Lookup(nest.leaf.target.args, nest.loops))
            continue
        found = kept_by(nest.leaf, count)
        if found is None:
            return f"{nest.leaf.target} depends on the count of a row otherwise than by keeping it"
        kept.append((nest, *found))
    if not kept:
        return "nothing is kept"
    if len({tuple(loop.end for loop in lookup.loops) for lookup in lookups}) > 1:
        return "its rows are looked up in lists of different lengths"
    target = kept[0][0].leaf.target
    axes = tuple(target.args.index(place) for place in kept[0][1].args)
    values: dict[Tensor, None] = {new.tensor: None for _, _, new in kept}
    gradients: dict[Tensor, None] = {}
    own = {t for t, made in function.allocations.items() if made.kind == "heap"}
    waiting = list(values)
    changed = {nest.leaf.target.tensor for nest, _, _ in kept}
    shared = {s.array for s in function.body if isinstance(s, View)} - changed
    roles = {argument.array: argument.role for argument in function.arguments}
    others = {tensor for tensor in shared if roles[function.memory(tensor)] == "inout"}
    while waiting:
        tensor = waiting.pop()
        writers = [nest for nest in simple if nest.leaf.target.tensor is tensor]
        scattered = [nest for nest in writers if not nest.leaf.target.is_plain]
        if scattered:
            values.pop(tensor, None)
            gradients[tensor] = None
            continue
        for nest in writers:
            if not isinstance(nest.leaf, Assign) or set(nest.indices) != set(nest.leaf.target.args):
                return f"{tensor.name} is no value of one row"
            for element in elements_of(nest.leaf.value):
                if element.tensor in others and element.args:
                    return f"{tensor.name} depends on {element.tensor.name}, which changes too"
                if (
                    element.tensor in own
                    and element.args == nest.leaf.target.args
                    and element.tensor not in values
                    and element.tensor not in gradients
                ):
                    values[element.tensor] = None
                    waiting.append(element.tensor)
    plan = Plan(
        count, axes, tuple(lookups), frozenset(gradients), frozenset(values), target.tensor.shape
    )
    why = _obstacle(function, nests, plan)
    return plan if why is None else why


def _obstacle(function: Function, nests: Sequence[Nest | Statement], plan: Plan) -> str | None:
    """Return what uses the rows of a table in another way than a plan expects, if anything does."""
    tables = {*plan.gradients, *plan.values}
    if not plan.gradients:
        return "its gradient is not added up on its own"
    for nest in nests:
        statement = nest.statement if isinstance(nest, Nest) else nest
        inside = statements_in((statement,))
        used = [e for s in inside for e in (*reads_of(s), *writes_of(s)) if e.tensor in tables]
        if not used:
            continue
        if not isinstance(nest, Nest):
            return f"{used[0].tensor.name} is used under a condition, or in several loops at once"
        leaf, target = nest.leaf, nest.leaf.target
        if target.tensor in plan.gradients:
            if isinstance(leaf, Assign) and leaf.value == 0 and target.is_plain:
                continue
            places = tuple(target.args[axis] for axis in plan.axes)
            if not isinstance(leaf, Accumulate) or leaf.operation != "sum":
                return f"{target} is not a sum"
            if all(lookup.at(places) is None for lookup in plan.lookups):
                return f"{target} is another place than those that are looked up"
            if any(element.tensor in tables for element in elements_of(leaf.value)):
                return f"{target} depends on other rows"
            continue
        if target.tensor not in plan.values and kept_by(leaf, plan.count) is None:
            return f"{target} depends on all of {used[0].tensor.name}"
        if any(element.args != target.args for element in used):
            return f"{target} depends on other rows"
        free = leaf.value.free_symbols & set(nest.indices)
        if free - {i for e in elements_of(leaf.value) for i in e.free_symbols}:
            return f"{target} depends on the number of its row"
    return None
