"""Entry points of test programs, run as equations and as loop programs on the same numbers."""

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.contract import contract
from symbp.calculus.interpreter import interpret as interpret_equations
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.entries.entry import Entry
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.model import Model
from symbp.entries.predict import predict
from symbp.entries.step import step
from symbp.loops.build import build
from symbp.loops.interpret import interpret
from symbp.loops.nodes import Function
from symbp.networks.optimizers import Optimizer, optimise
from symbp.notation.whole_numbers import Limit
from tests.programs import PROGRAMS
from tests.random_equations import random_equations, random_recurrence

ENTRIES: dict[str, Callable[[Model], Entry]] = {
    "predict": predict, "loss": loss, "gradient": gradient, "step": step,
}  # fmt: skip
EXAMPLES = [
    *PROGRAMS,
    *(f"equations {seed}" for seed in range(6)),
    *(f"recurrence {seed}" for seed in range(6)),
]
ROWS = 3


def sampled(*kinds: Iterable[str], least: int = 4) -> list[Any]:
    """Return all combinations of some names; one in so many is tried in every run.

    Each name of each kind is among those: the places of a combination sum to a multiple.
    """
    return [
        pytest.param(
            *(name for _, name in combination),
            marks=[pytest.mark.slow] if sum(place for place, _ in combination) % least else [],
        )
        for combination in itertools.product(*(list(enumerate(names)) for names in kinds))
    ]


def model_of(program: bp.Program, optimizer: Optimizer | None = None) -> Model:
    """Return what entry points are made from."""
    chosen = bp.Momentum(0.3, 0.8) if optimizer is None else optimizer
    return Model(program, lambda differentiated: optimise(differentiated, chosen))


# Each is read by many tests, and changed by none.
@functools.cache
def example(name: str) -> tuple[Model, dict[str, Any]]:
    """Return a test program by name, with values for its arguments."""
    if name in PROGRAMS:
        program, values = PROGRAMS[name]()
        return model_of(program), values
    kind, seed = name.split()
    made = (random_equations if kind == "equations" else random_recurrence)(int(seed))
    return model_of(made.program, made.optimizer), values_of(made.program, int(seed))


def values_of(program: bp.Program, seed: int) -> dict[str, Any]:
    """Return random values for the inputs, targets and parameters of a program."""
    generator = np.random.default_rng(seed)
    limits = program.integer_limits
    values: dict[str, Any] = {}
    for tensor in (*program.inputs, *program.targets, *program.parameters):
        shape = [extent if isinstance(extent, int) else ROWS for extent in tensor.shape]
        if tensor.kind == "integer":
            limit = limits.get(tensor, Limit(0, 2))
            low = -4 if limit.low is None else limit.low
            below = low + 10 if limit.below is None else limit.below
            values[tensor.name] = generator.integers(low, below, size=shape)
        else:
            values[tensor.name] = generator.normal(size=shape)
    return values


def contracted(entry: Entry) -> Entry:
    """Return an entry whose sums are products of two tensors where they can be."""
    return replace(entry, program=share(contract(lower_logsumexp(entry.program))))


def all_values(entry: Entry, values: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Return values also for states, constants and tangents that an entry reads."""
    generator = np.random.default_rng(seed)
    result = dict(values)
    rows = _rows(entry, values)
    for slot in entry.slots:
        for tensor in slot.tensors:
            if slot.role != "out" and tensor.name not in result:
                shape = [e if isinstance(e, int) else rows for e in tensor.shape]
                default = np.abs(generator.normal(size=shape))
                result[tensor.name] = default if tensor.value is None else tensor.value
    return result


def expected(entry: Entry, values: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry writes and returns, from its equations."""
    batch = {e.name for s in entry.slots for t in s.tensors for e in t.shape
             if not isinstance(e, int)}  # fmt: skip
    found = interpret_equations(entry.program, values, dict.fromkeys(batch, _rows(entry, values)))
    result = {t.name: found[t.name] for s in entry.slots if s.role == "out" for t in s.tensors}
    result |= {old.name: found[new.name] for old, new in entry.program.updates}
    if entry.returns is not None:
        result["returned"] = found[entry.returns.name]
    return result


@functools.cache
def prepared(
    name: str, entry_name: str, contract: bool = True
) -> tuple[Entry, dict[str, Any], dict[str, Any]]:
    """Return an entry point of a test program, values for it, and what it computes of them."""
    model, values = example(name)
    entry = ENTRIES[entry_name](model)
    entry = contracted(entry) if contract else entry
    values = all_values(entry, values)
    return entry, values, expected(entry, values)


@functools.cache
def built(name: str, entry_name: str) -> Function:
    """Return the loop program of an entry point as it is before any pass."""
    return build(prepared(name, entry_name)[0])


def run(
    entry: Entry, function: Function, values: dict[str, Any], members: int = 1
) -> dict[str, Any]:
    """Return what a loop program of an entry writes and returns."""
    arrays: dict[str, Any] = {}
    batch = {}
    arguments = iter(function.arguments)
    for slot in entry.slots:
        if slot.packed and not slot.tensors:
            continue
        name = next(arguments).array.name
        if slot.packed:
            parts = [_start(t, slot.role, values, ()).ravel() for t in slot.tensors]
            arrays[name] = np.concatenate(parts)
            continue
        (tensor,) = slot.tensors
        shape = [e if isinstance(e, int) else _rows(entry, values) for e in tensor.shape]
        arrays[name] = _start(tensor, slot.role, values, shape)
        batch[name] = tensor
    returned = interpret(function, arrays, {}, members)
    result: dict[str, Any] = {}
    arguments = iter(function.arguments)
    for slot in entry.slots:
        if slot.packed and not slot.tensors:
            continue
        array = arrays[next(arguments).array.name]
        if slot.role == "in":
            continue
        offset = 0
        for tensor in slot.tensors:
            if not slot.packed:
                result[tensor.name] = array
                continue
            size = int(np.prod(tensor.shape, dtype=int))
            result[tensor.name] = array[offset : offset + size].reshape(tensor.shape)
            offset += size
    if entry.returns is not None:
        result["returned"] = returned
    updated = {old for old, _ in entry.program.updates}
    unchanged = {t.name for s in entry.slots if s.role == "inout" for t in s.tensors} - {
        t.name for t in updated
    }
    return {name: value for name, value in result.items() if name not in unchanged}


def _start(tensor: Any, role: str, values: dict[str, Any], shape: Any) -> Any:
    kind = np.int64 if tensor.kind == "integer" else np.float64
    if role == "out":
        shape = shape or list(tensor.shape)
        return np.full(shape, np.nan)
    return np.array(values[tensor.name], dtype=kind)


def _rows(entry: Entry, values: dict[str, Any]) -> int:
    for slot in entry.slots:
        for tensor in slot.tensors:
            for extent, size in zip(
                tensor.shape, np.shape(values.get(tensor.name, ())), strict=False
            ):
                if not isinstance(extent, int):
                    return int(size)
    return ROWS
