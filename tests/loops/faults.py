"""Faults: random changes of sound loop programs, and what the interpreter says of them.

A change counts as a fault if the interpreter ends with an error for some small sizes and numbers of
members: an element outside of its array, one that was not written, two members that race or that
return or wait for different things. What changes no such thing may change values, or nothing.

Run as ``python -m tests.loops.faults [FAULTS] [SEED]`` it prints how many the verifier finds.
"""

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.loops.addends import addends
from symbp.loops.build import build
from symbp.loops.fuse import fuse
from symbp.loops.interpret import interpret
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    For,
    Function,
    If,
    Product,
    Statement,
    View,
)
from symbp.loops.products import products
from symbp.loops.report import Report, text_of
from symbp.loops.storage import storage
from symbp.loops.traverse import map_statements
from symbp.loops.verify import verify
from symbp.loops.whole import limits_of
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Element
from symbp.notation.whole_numbers import Limit
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.loops.running import ENTRIES, contracted, example, model_of
from tests.loops.team_programs import team_program

SIZES: tuple[dict[str, int], ...] = (
    {"N": 2, "batch_size": 2, "examples": 3},
    {"N": 1, "batch_size": 1, "examples": 1},
    {"N": 5, "batch_size": 3, "examples": 5},
    {"N": 4, "batch_size": 4, "examples": 6},
)
MEMBERS = (2, 1, 3)


@dataclass(frozen=True)
class Fault:
    """A changed program, what was changed, and what the interpreter said."""

    function: Function
    change: str
    error: str


def error_of(function: Function) -> str | None:
    """Return the error with which the interpreter ends a program for some sizes, if it does."""
    for sizes in SIZES:
        for members in MEMBERS if function.team else (1,):
            known = {size.name: sizes.get(size.name, 2) for size in function.sizes}
            try:
                interpret(
                    function, arguments_for(function, known), known, members, check_races=True
                )
            except SymbpError as error:
                return f"{known}, {members} members: {error}"
            except (KeyError, IndexError, ValueError) as error:
                return f"{known}, {members} members: {error!r}"
    return None


def arguments_for(function: Function, sizes: dict[str, int]) -> dict[str, Any]:
    """Return random arguments; data in subscripts reach both of their ends."""
    generator = np.random.default_rng(0)
    limits = limits_of(function)
    arrays: dict[str, Any] = {}

    def number(extent: Any) -> int:
        return int(extent) if not isinstance(extent, sympy.Symbol) else sizes[extent.name]

    for argument in function.arguments:
        tensor = argument.array
        shape = tuple(map(number, tensor.shape))
        if tensor.kind == "integer":
            limit = limits.get(tensor, Limit(0, 2))
            below = number(limit.below)
            low = -4 if limit.low is None else limit.low
            count = int(np.prod(shape))
            drawn = generator.permutation(np.arange(max(count, below - low)) % (below - low) + low)
            drawn = drawn[:count]
            arrays[tensor.name] = drawn.reshape(shape)
        else:
            arrays[tensor.name] = generator.normal(size=shape)
    return arrays


# Changes ------------------------------------------------------------------------------------------

Change = Callable[[Statement, random.Random], Statement | tuple[Statement, ...] | None]


def _dropped(statement: Statement, _: random.Random) -> Statement | tuple[Statement, ...] | None:
    return None if isinstance(statement, Allocate | View) else ()


def _without_meeting(statement: Statement, _: random.Random) -> tuple[Statement, ...] | None:
    return () if isinstance(statement, Barrier | AllReduce) else None


def _bound(statement: Statement, draw: random.Random) -> Statement | None:
    amount = draw.choice((-1, 1))
    if isinstance(statement, Product):
        group = draw.choice(("rows", "columns", "summed"))
        spans = list(getattr(statement, group))
        if not spans:
            return None
        place = draw.randrange(len(spans))
        spans[place] = replace(spans[place], end=spans[place].end + amount)
        return replace(statement, **{group: tuple(spans)})
    if not isinstance(statement, For):
        return None
    if draw.random() < 0.5:
        return replace(statement, start=statement.start + amount)
    return replace(statement, end=statement.end + amount)


def _undivided(statement: Statement, draw: random.Random) -> Statement | None:
    if isinstance(statement, For) and str(statement.end).startswith("last"):
        return replace(statement, start=0, end=statement.index.extent)
    return None


def _subscript(statement: Statement, draw: random.Random) -> Statement | None:
    if not isinstance(statement, Assign | Accumulate):
        return None
    elements = sorted(
        {e for e in (statement.target, *statement.value.atoms(Element)) if e.args}, key=str
    )
    if not elements:
        return None
    element = draw.choice(elements)
    place = draw.randrange(len(element.args))
    old = element.args[place]
    if old.atoms(Element):
        return None
    indices = sorted({i for e in elements for i in e.atoms(Index)}, key=str)
    new = draw.choice([old + 1, old - 1, sympy.S.Zero, *indices])
    changed = element.tensor[(*element.args[:place], new, *element.args[place + 1 :])]
    if changed == element:
        return None
    if element == statement.target and draw.random() < 0.5:
        return replace(statement, target=changed)
    return replace(statement, value=statement.value.xreplace({element: changed}))


def _guard(statement: Statement, draw: random.Random) -> Statement | tuple[Statement, ...] | None:
    if isinstance(statement, If):
        return statement.body
    if isinstance(statement, Assign | Accumulate):
        found = sorted(statement.value.atoms(where), key=str)
        if found:
            chosen = draw.choice(found)
            return replace(statement, value=statement.value.xreplace({chosen: chosen.args[1]}))
    return None


def _kind_of_write(statement: Statement, _: random.Random) -> Statement | None:
    if isinstance(statement, Assign) and not isinstance(statement.value, Element):
        return Accumulate(statement.target, statement.value)
    if isinstance(statement, Product):
        return replace(statement, addend=statement.target)
    return None


def _memory(statement: Statement, draw: random.Random) -> Statement | None:
    if isinstance(statement, View):
        return replace(statement, offset=statement.offset + draw.choice((-1, 1)))
    if not isinstance(statement, Allocate) or not statement.shape:
        return None
    if draw.random() < 0.3 and statement.kind != "register":
        other = "member" if statement.kind == "heap" else "heap"
        return replace(statement, kind=other)  # type: ignore[arg-type]
    place = draw.randrange(len(statement.shape))
    shape = list(statement.shape)
    shape[place] = shape[place] - 1
    return replace(statement, shape=tuple(shape))


CHANGES: dict[str, Change] = {
    "statement dropped": _dropped,
    "meeting dropped": _without_meeting,
    "bound altered": _bound,
    "loop not divided": _undivided,
    "subscript altered": _subscript,
    "guard dropped": _guard,
    "set or added": _kind_of_write,
    "memory altered": _memory,
}


def changed(function: Function, name: str, draw: random.Random) -> tuple[Function, str] | None:
    """Return a function with one of its statements changed, and what was changed."""
    places = range(len(function.statements))
    for chosen in draw.sample(places, len(places)):
        counter = iter(places)
        found: list[str] = []

        def change(
            statement: Statement, chosen: int = chosen, counter: Iterator[int] = counter,
            found: list[str] = found,
        ) -> Any:  # fmt: skip
            if next(counter) != chosen:
                return statement
            result = CHANGES[name](statement, draw)
            if result is None or result == statement:
                return statement
            found.append(text_of(statement))
            return result

        body = map_statements(function.body, change)
        if found:
            return function.replace(body=body), f"{name}: {found[0]}"
    return None


# Programs -----------------------------------------------------------------------------------------


def sound_programs(seed: int) -> Iterator[Function]:
    """Yield sound programs without end: of a team, and of entry points."""
    draw = random.Random(seed)
    while True:
        if draw.random() < 0.5:
            yield team_program(draw.randrange(10**6))
            continue
        if draw.random() < 0.4:
            widths = [draw.randint(1, 4) for _ in range(draw.randint(2, 3))]
            made = draw.choice((epoch, ENTRIES["gradient"]))(model_of(bp.mlp(*widths)))
            limits = Limits(strip=2, most_operations=0, short_row=draw.choice((0, 2)))
            yield lower(made, limits).function
            continue
        kind = draw.choice(("equations", "recurrence"))
        model, _ = example(f"{kind} {draw.randrange(100)}")
        entry = contracted(ENTRIES[draw.choice(("loss", "gradient", "step"))](model))
        function = build(entry)
        for apply in draw.choice(((), (products,), (fuse, storage), (products, addends, fuse))):
            function = apply(function)
        yield function


def faults(seed: int) -> Iterator[Fault]:
    """Yield faults without end: programs with one change that the interpreter does not allow."""
    draw = random.Random(seed)
    names = list(CHANGES)
    for function in sound_programs(seed):
        made = changed(function, draw.choice(names), draw)
        if made is None:
            continue
        error = error_of(made[0])
        if error is not None:
            yield Fault(made[0], made[1], error)


def main() -> None:
    """Print how many faults are found, and each that is not."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    refuted = unproved = 0
    for fault, _ in zip(faults(seed), range(number), strict=False):
        report: Report = verify(fault.function)
        refuted += bool(report.findings)
        unproved += bool(report.unproved) and not report.findings
        if report.sound:
            print(f"not found: {fault.change}; {fault.error}")
    print(f"{refuted} of {number} refuted, {unproved} more not proved")


if __name__ == "__main__":
    main()
