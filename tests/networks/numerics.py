"""What the tests of the front ends share: random arrays, and differences to compare with."""

from typing import Any

import numpy as np

from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.notation.program import Program

Arrays = dict[str, Any]


def random_values(program: Program, batch: int, seed: int = 0) -> Arrays:
    generator = np.random.default_rng(seed)
    values: Arrays = {}
    for tensor in program.tensors:
        if tensor.role == "intermediate" or tensor.value is not None:
            continue
        shape = [batch if not isinstance(extent, int) else extent for extent in tensor.shape]
        array = generator.normal(size=shape)
        if tensor.kind == "classes":
            array = generator.uniform(size=shape)
        elif tensor.kind == "distribution":
            array = np.exp(array) / np.exp(array).sum(axis=-1, keepdims=True)
        values[tensor.name] = array
    return values


def cost_at(program: Program, values: Arrays) -> float:
    assert program.cost is not None
    return float(interpret(normalise(program), values)[program.cost.name])


def gradients_of(program: Program, values: Arrays) -> Arrays:
    derived = reverse(normalise(program))
    result = interpret(derived, values)
    return {parameter.name: result[adjoint.name] for parameter, adjoint in derived.gradients}


def differences_of(program: Program, values: Arrays, step: float = 1e-5) -> Arrays:
    normalised = normalise(program)
    assert program.cost is not None
    result: Arrays = {}
    for parameter in program.parameters:
        original = np.asarray(values[parameter.name], dtype=float)
        slope = np.empty_like(original)
        for place in np.ndindex(original.shape):
            costs = []
            for sign in (1, -1):
                moved = original.copy()
                moved[place] += sign * step
                arrays = interpret(normalised, {**values, parameter.name: moved})
                costs.append(float(arrays[program.cost.name]))
            slope[place] = (costs[0] - costs[1]) / (2 * step)
        result[parameter.name] = slope
    return result


def assert_gradients_match_differences(program: Program, batch: int = 3, seed: int = 0) -> None:
    values = random_values(program, batch, seed)
    gradients, differences = gradients_of(program, values), differences_of(program, values)
    assert gradients.keys() == differences.keys()
    for name, slope in differences.items():
        np.testing.assert_allclose(gradients[name], slope, rtol=2e-6, atol=2e-8, err_msg=name)
