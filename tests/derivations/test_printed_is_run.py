"""What is printed is what is run: the printed equations against the emitted module."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from tests.derivations.evaluation import printed_gradients
from tests.emitted_text import emitted_module
from tests.programs import attention, bilinear, convolution, embedding, gram, lstm
from tests.random_networks import Example, random_network

TOLERANCE = 1e-11


def assert_printed_is_run(program: bp.Program, values: dict[str, np.ndarray]) -> float:
    """Return the largest error of the printed gradients, relative to the emitted ones."""
    derivation = bp.derive(program)
    values = {**{t.name: t.value for t in program.tensors if t.value is not None}, **values}
    printed = printed_gradients(derivation, values)
    module = emitted_module(program, bp.SGD(0.1))
    parameters = {t.name: values[t.name] for t in program.parameters}
    arrays = [values[t.name] for t in (*program.inputs, *program.targets)]
    with np.errstate(all="ignore"):
        cost, gradient = module.gradient(parameters, *arrays)
    emitted = {**gradient._asdict(), "cost": cost}
    assert printed.keys() == emitted.keys()
    errors = []
    for name, value in emitted.items():
        largest = float(np.max(np.abs(value), initial=0.0))
        difference = float(np.max(np.abs(printed[name] - value), initial=0.0))
        errors.append(difference / largest if largest else difference)
    return max(errors)


@pytest.mark.parametrize(
    "seed", [pytest.param(s, marks=[pytest.mark.slow] if s >= 8 else []) for s in range(24)]
)
def test_the_printed_equations_of_random_networks_are_those_that_are_run(seed: int) -> None:
    example: Example = random_network(seed)
    assert assert_printed_is_run(example.program, example.values) <= TOLERANCE


@pytest.mark.parametrize("example", [attention, bilinear, convolution, embedding, gram, lstm])
def test_the_printed_equations_of_programs_are_those_that_are_run(example: Any) -> None:
    program, values = example()
    assert assert_printed_is_run(program, values) <= TOLERANCE
