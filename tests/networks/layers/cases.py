"""A layer with the functions of JAX and PyTorch that it is compared with, and how it is evaluated.

The source is a parameter here, so that the gradient by it is compared with the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse

jax.config.update("jax_enable_x64", True)

BATCH, TOLERANCE = 3, 1e-11

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A layer, the shape of an example, and the same layer elsewhere.

    ``jax`` maps the source and the parameters, in order, to the output; ``torch`` maps
    ``torch.nn`` to a module, or to a module and a function of it and the source.
    """

    layer: Any
    shape: tuple[int, ...]
    jax: Callable[..., Any]
    torch: Callable[[Any], Any] | None = None
    words: int | None = None  # the source is integers below it


def program_of(case: Case, size: Any = BATCH) -> bp.Program:
    """Return the layer as a program whose cost is the sum of the output times a tensor ``r``."""
    indices = [bp.Index("n", size), *(bp.Index("abcd"[i], s) for i, s in enumerate(case.shape))]
    if case.words is not None:
        source = bp.input("x", *indices, kind="integer")
    else:
        source = (bp.parameter if size == BATCH else bp.input)("x", *indices)
    equations, output = case.layer.equations(source, 1)
    r, C = bp.target("r", *output.indices), bp.tensor("C")
    total = bp.Sum(output.element * r[output.indices], *output.indices)
    return bp.Program([*equations, bp.Equation(C, total)], cost=C, output=output)


def values_of(program: bp.Program, case: Case, seed: int = 0) -> Arrays:
    """Return random arrays for what a program is given, by name."""
    generator = np.random.default_rng(seed)
    values = {}
    for tensor in (*program.inputs, *program.parameters, *program.targets):
        shape = [BATCH if not isinstance(e, int) else e for e in tensor.shape]
        if tensor.kind == "integer":
            values[tensor.name] = generator.integers(0, case.words, shape)
        else:
            values[tensor.name] = generator.normal(size=shape)
    return values


def evaluated(case: Case, seed: int = 0) -> tuple[np.ndarray, Arrays, Arrays]:
    """Return the output, the gradients of the cost by name, and what was given."""
    program = program_of(case)
    values = values_of(program, case, seed)
    derived = reverse(normalise(program))
    found = interpret(derived, values)
    assert program.output is not None
    gradients = {tensor.name: found[adjoint.name] for tensor, adjoint in derived.gradients}
    return found[program.output.name], gradients, values


def in_jax(case: Case, values: Arrays) -> tuple[np.ndarray, Arrays]:
    """Return the output and the gradients of the same layer by JAX."""
    weights = {n: v for n, v in values.items() if n not in ("x", "r")}
    varying = weights if case.words is not None else {"x": values["x"], **weights}

    def cost(chosen: Arrays) -> tuple[Any, Any]:
        given = {**values, **chosen}
        output = case.jax(given["x"], *(given[name] for name in weights))
        return (output * values["r"]).sum(), output

    lowered = jax.jit(jax.value_and_grad(cost, has_aux=True)).lower(varying)
    # Each runs once, so XLA is told to be quick.
    quick = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    (_, output), gradients = lowered.compile(compiler_options=quick)(varying)
    return np.asarray(output), {n: np.asarray(g) for n, g in gradients.items()}


def in_torch(case: Case, values: Arrays) -> tuple[np.ndarray, Arrays]:
    """Return the output and the gradients of the same layer by PyTorch."""
    import torch

    assert case.torch is not None
    made = case.torch(torch.nn)
    module, call = made if isinstance(made, tuple) else (made, lambda m, x: m(x))
    module = module.double()
    names = [name for name in values if name not in ("x", "r")]
    parameters = dict(module.named_parameters())
    assert [tuple(p.shape) for p in parameters.values()] == [values[n].shape for n in names]
    with torch.no_grad():
        for parameter, name in zip(parameters.values(), names, strict=True):
            parameter.copy_(torch.from_numpy(np.asarray(values[name])))
    x = torch.from_numpy(values["x"])
    if case.words is None:
        x.requires_grad_()
    output = call(module, x)
    (output * torch.from_numpy(values["r"])).sum().backward()
    gradients = {n: p.grad.numpy() for n, p in zip(names, parameters.values(), strict=True)}
    if case.words is None:
        gradients["x"] = x.grad.numpy()
    return output.detach().numpy(), gradients
