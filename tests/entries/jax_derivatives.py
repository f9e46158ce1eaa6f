"""What JAX says each entry point computes, from a cost and an output written in JAX.

The answers bear the names of the tensors that an entry writes, so that they compare with what the
equations and the loop programs give.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symbp as bp
from symbp.entries.entry import Entry
from symbp.notation.tensor import Tensor
from tests import jax_oracle
from tests.programs import PROGRAMS
from tests.random_networks import example_with_reference
from tests.test_programs import BY_HAND

Values = Mapping[str, Any]
Function = Callable[[dict[str, Any]], Any]
# Each is run once, so XLA is told to be quick.
_OPTIONS = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


@dataclass(frozen=True)
class Case:
    """A program, a point, and its cost and output in JAX, from all values by name."""

    program: bp.Program
    values: dict[str, Any]
    cost: Function
    output: Function

    def given(self, tensors: tuple[Tensor, ...]) -> dict[str, Any]:
        """Return the values of some tensors as JAX's arrays, by name."""
        return {t.name: jnp.asarray(self.values[t.name], dtype=float) for t in tensors}

    def by(self, function: Function) -> Function:
        """Return a function of some of the values."""
        return lambda chosen: function({**self.values, **chosen})

    def row(self, n: int) -> "Case":
        """Return the same for one example of the batch."""
        batch = self.program.batch
        batched = {t.name for t in (*self.program.inputs, *self.program.targets)
                   if batch in t.shape}  # fmt: skip
        values = {name: a[n : n + 1] if name in batched else a for name, a in self.values.items()}
        return Case(self.program, values, self.cost, self.output)

    @property
    def rows(self) -> list["Case"]:
        """One case for each example; the case itself where there is no batch."""
        batch = self.program.batch
        if batch is None:
            return [self]
        sizes = {len(self.values[t.name]) for t in self.program.inputs if batch in t.shape}
        (size,) = sizes
        return [self.row(n) for n in range(size)]


def suite(name: str) -> Case:
    """Return a program of the suite, its cost by hand."""
    program, values = PROGRAMS[name]()

    def output(chosen: dict[str, Any]) -> Any:
        return jax_oracle.Oracle(program, chosen).full(program.output)

    return Case(program, values, BY_HAND[name], output)


def network(seed: int) -> Case:
    """Return a random network, both functions by hand."""
    example, _ = example_with_reference(seed)
    real = {t.name for t in example.program.tensors if t.kind != "integer"}
    values = {n: np.asarray(v, float) if n in real else v for n, v in example.values.items()}
    return Case(
        example.program,
        values,
        lambda chosen: example.forward(chosen)[0],
        lambda chosen: example.forward(chosen)[1][0],
    )


def answer(name: str, entry: Entry, case: Case, values: Values) -> dict[str, np.ndarray]:
    """Return what an entry point writes and returns, by JAX.

    `values` are those of the case and of the directions that the entry takes besides.
    """
    parameters = case.given(case.program.parameters)
    inputs = case.given(tuple(t for t in case.program.inputs if t.kind != "integer"))
    slots = {slot.name: slot.tensors for slot in entry.slots}
    output = case.program.output
    written = [t.name for slot in entry.slots if slot.role == "out" for t in slot.tensors]
    result: Any
    if name == "predict":
        result = [_run(case.by(case.output), parameters)]
    elif name in ("jvp", "input_jvp"):
        point = parameters if name == "jvp" else inputs
        along = slots["v"] if name == "jvp" else [
            slots[slot.name][0] for slot in entry.slots[1 + len(case.program.inputs) : -2]
        ]  # fmt: skip
        direction = {n: jnp.asarray(values[t.name]) for n, t in zip(point, along, strict=True)}
        result = _run(lambda p, d: jax.jvp(case.by(case.output), (p,), (d,)), point, direction)
    elif name in ("vjp", "input_vjp"):
        point = parameters if name == "vjp" else inputs
        weight = jnp.asarray(values[entry.slots[1 + len(case.program.inputs)].name])

        def pulled(at: Any, weight: Any) -> Any:
            value, pull = jax.vjp(case.by(case.output), at)
            return value, *_in_order(pull(weight)[0], point)

        result = _run(pulled, point, weight)
        assert output is not None
    elif name == "hvp":
        direction = {
            n: jnp.asarray(values[t.name]) for n, t in zip(parameters, slots["v"], strict=True)
        }

        def along(p: Any, d: Any) -> Any:
            return _in_order(jax.jvp(jax.grad(case.by(case.cost)), (p,), (d,))[1], parameters)

        result = _run(along, parameters, direction)
    elif name == "jacobian":
        rows = _run(jax.jacfwd(case.by(case.output)), parameters)
        result = [_flat(rows, parameters)]
    elif name == "hessian":
        blocks = _run(jax.hessian(case.by(case.cost)), parameters)
        result = [_matrix(blocks, parameters)]
    elif name == "per_example_gradients":
        rows = [_run(jax.grad(row.by(row.cost)), parameters) for row in case.rows]
        result = [np.stack([_flat(row, parameters) for row in rows])]
    elif name == "input_gradient":
        result = _in_order(_run(jax.grad(case.by(case.cost)), inputs), inputs)
    elif name in ("input_jacobian", "input_hessian"):
        result = [_by_inputs(name, case)]
    else:
        assert name in ("loss", "gradient", "loss_and_gradient")
        result = []
        if name != "loss":
            result = _in_order(_run(jax.grad(case.by(case.cost)), parameters), parameters)
    found = {n: np.asarray(v) for n, v in zip(written, result, strict=True)}
    if entry.returns is not None:
        found["returned"] = np.asarray(_run(case.by(case.cost), parameters))
    return found


def _by_inputs(name: str, case: Case) -> np.ndarray:
    found = []
    for row in case.rows:
        inputs = row.given(tuple(t for t in case.program.inputs if t.kind != "integer"))
        if name == "input_jacobian":
            flat = _flat(_run(jax.jacfwd(row.by(row.output)), inputs), inputs)
        else:
            flat = _matrix(_run(jax.hessian(row.by(row.cost)), inputs), inputs)
        if case.program.batch is None:
            return flat
        found.append(flat[0] if name == "input_jacobian" else flat)
    return np.stack(found)


def _run(function: Callable[..., Any], *arguments: Any) -> Any:
    return jax.jit(function).lower(*arguments).compile(compiler_options=_OPTIONS)(*arguments)


def _in_order(found: Mapping[str, Any], of: Mapping[str, Any]) -> list[Any]:
    return [found[name] for name in of]  # JAX sorts them


def _flat(blocks: Mapping[str, Any], of: Mapping[str, Any]) -> np.ndarray:
    """Return arrays with the axes of some variables last, joined along one axis of all."""
    parts = []
    for name, variable in of.items():
        array = np.asarray(blocks[name])
        parts.append(array.reshape(*array.shape[: array.ndim - variable.ndim], -1))
    return np.concatenate(parts, axis=-1)


def _matrix(blocks: Mapping[str, Mapping[str, Any]], of: Mapping[str, Any]) -> np.ndarray:
    rows = []
    for name, variable in of.items():
        row = _flat(blocks[name], of)
        rows.append(row.reshape(variable.size, -1))
    return np.concatenate(rows)
