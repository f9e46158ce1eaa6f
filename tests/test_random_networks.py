"""Random networks: the interpreted gradient and the emitted module against ``jax.grad``.

Errors are the largest difference in a parameter's gradient relative to its largest entry.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numba.core.caching import NullCache
from numba.core.dispatcher import Dispatcher

import symbp as bp
from symbp import compiler
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.activations import ACTIVATIONS
from symbp.networks.costs import COSTS
from tests.networks.cost_cases import CASES
from tests.random_networks import (
    COST_FUNCTIONS,
    COUNT,
    FUNCTIONS,
    Example,
    Reference,
    example_with_reference,
    random_network,
)

# Compiling one takes seconds: these have every feature among them, the others are for `slow`.
QUICK = {0, 19, 22, 35, 44, 53, 56, 61, 70, 98, 154, 179}
INTERPRETED, EMITTED = 1e-12, 1e-11
RATE = 0.25


def error(got: Any, expected: Any) -> float:
    """Return max |Δ| / max |expected|, and infinity for a wrong shape or a nan."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        return float("inf")
    difference = float(np.max(np.abs(got - expected), initial=0.0))
    scale = float(np.max(np.abs(expected), initial=0.0))
    if difference == 0:
        return 0.0
    return difference / scale if difference < np.inf and scale else float("inf")


def largest_error(got: Mapping[str, Any], expected: Mapping[str, Any]) -> float:
    assert set(got) == set(expected)
    return max(error(got[name], expected[name]) for name in expected)


# The pasted functions by their text, which is the same in every module: compiled once a process.
_compiled: dict[str, Any] = {}


def compiled(program: bp.Program) -> Any:
    """Return the emitted module, with the functions that earlier ones have compiled already.

    Without its LaTeX, a fifth of the time, which has tests of its own.
    """
    with patch.object(compiler, "_latex", lambda program: {}):
        module = bp.compile(program, bp.SGD(RATE)).module
    del sys.modules[module.__name__]  # two hundred modules are much memory
    for name, function in list(vars(module).items()):
        if not isinstance(function, Dispatcher):
            continue
        if name.endswith(("_kernel", "_part")):
            function._cache = NullCache()  # nobody will load it again
        else:
            text = inspect.getsource(function.py_func)
            setattr(module, name, _compiled.setdefault(text, function))
    return module


def interpreted(example: Example) -> tuple[float, dict[str, Any]]:
    derived = reverse(normalise(example.program))
    result = interpret(derived, example.values)
    assert derived.cost is not None
    gradients = {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}
    return float(result[derived.cost.name]), gradients


def check_everything(module: Any, example: Example, answer: Reference) -> float:
    """Compare what else a module offers; return the largest error."""
    found = [
        error(module.loss(example.parameters, *example.arrays()), answer.cost),
        error(module.loss(example.parameters, *example.arrays(labels=True)), answer.cost),
        error(
            module.predict(example.parameters, *example.arrays()[: len(example.program.inputs)]),
            answer.output,
        ),
    ]
    # One step on the full batch, in a random order of the examples.
    trained = module.Trainer(parameters=example.parameters, seed=1)
    examples = example.values["x"].shape[0]
    trained.fit(*example.arrays(), epochs=1, batch_size=examples)
    step = {n: p - RATE * answer.gradients[n] for n, p in example.parameters.items()}
    found.append(largest_error(trained.parameters._asdict(), step))
    found.append(error(trained.history[0]["cost"], answer.cost))
    return max(found)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(s, marks=[] if s in QUICK else [pytest.mark.slow]) for s in range(COUNT)],
)
def test_gradients_of_a_random_network_are_those_of_jax(
    seed: int, record_property: Callable[[str, Any], None]
) -> None:
    example, answer = example_with_reference(seed)

    cost, gradients = interpreted(example)
    found = max(error(cost, answer.cost), largest_error(gradients, answer.gradients))
    record_property("error of the interpreter against jax.grad", found)
    assert found <= INTERPRETED, sorted(example.features)

    module = compiled(example.program)
    arrays = example.arrays(labels=seed % 2 == 0)
    cost, emitted = module.gradient(example.parameters, *arrays)
    found = max(error(cost, answer.cost), largest_error(emitted._asdict(), answer.gradients))
    record_property("error of the emitted gradient against jax.grad", found)
    assert found <= EMITTED, sorted(example.features)

    # The other kernels take as long again to compile.
    if seed % 8 == 0:
        found = check_everything(module, example, answer)
        record_property("error of the emitted loss, output and training step", found)
        assert found <= EMITTED, sorted(example.features)


def test_the_random_networks_cover_what_they_claim_to() -> None:
    found = frozenset().union(*(random_network(seed).features for seed in QUICK))
    assert found >= set(ACTIVATIONS) | set(COST_FUNCTIONS)
    assert found >= {f"depth {depth}" for depth in range(1, 7)}
    assert found >= {"mlp", "Network", "Program", "L1", "L2", "labels", "soft targets"}
    assert found >= {
        "shared parameters", "tied weights", "skip connection", "bilinear equation",
        "normalising equation", "attention among features", "attention among examples",
        "recurrence", "constant", "without a bias", "activation layer", "residual layer",
        "normalising layer",
    }  # fmt: skip


def test_every_activation_and_cost_has_a_formula_of_its_own_in_jax() -> None:
    assert set(FUNCTIONS) >= set(ACTIVATIONS)
    # The others are compared one by one.
    assert set(COST_FUNCTIONS) | set(CASES) >= set(COSTS)
