"""Values at which a program is checked: random numbers, and the points where formulas break.

Random numbers alone never meet an exact 0, a tie or a negative number where there is none, and
these are where derivatives become NaN: so some draws have nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.notation.program import Program
from symbp.notation.whole_numbers import Limit

__all__ = ["Draw", "draws", "random_values"]

Values = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Draw:
    """Values for everything that a program is given.

    Attributes
    ----------
    name : str
        What kind of numbers they are.
    values : dict of str to ndarray
        By name: parameters, inputs and targets.
    special : bool
        Whether they were chosen to lie where formulas break; the cost need not be defined there.
    """

    name: str
    values: Values
    special: bool = False


def draws(program: Program, examples: int, seed: int) -> list[Draw]:
    """Return what a program is checked at, if its user does not say.

    Parameters
    ----------
    program : Program
        The program.
    examples : int
        The batch size.
    seed : int
        Of the random values.
    """
    plain = {
        name: _in_single_precision(array)
        for name, array in random_values(program, examples, seed).items()
    }
    generator = np.random.default_rng([seed, 1])
    data = [t.name for t in (*program.inputs, *program.targets) if t.kind == "real"]
    parameters = [tensor.name for tensor in program.trained]

    def with_special(names: list[str], law: Callable[..., Any], positive: bool = False) -> Values:
        values = {n: np.abs(a) if positive and n in parameters else a for n, a in plain.items()}
        return {n: law(generator, a) if n in names else a for n, a in values.items()}

    found = [Draw("random numbers", plain)]
    if data:
        mixed = with_special(data, _mixed)
        found.append(Draw("data of zeros, ones, minus ones and ties", mixed, True))
    name = "no negative number" + ", data of zeros, ones and ties" * bool(data)
    found.append(Draw(name, with_special(data, _not_negative, positive=True), True))
    mixed = with_special(parameters, _mixed)
    found.append(Draw("parameters of zeros, ones and ties", mixed, True))
    return found


def _in_single_precision(array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers that float32 and float64 have, so that both modules are given the same."""
    if array.dtype.kind != "f":
        return array
    return array.astype(np.float32).astype(np.float64)


def _mixed(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Return zeros, ones, minus ones, equal numbers and some that are as before."""
    tie = array.reshape(-1)[0] if array.size else 0.0
    choices = np.stack([array * 0, array * 0 + 1, array * 0 - 1, array * 0 + tie, array])
    return _picked(generator, choices, (0.3, 0.2, 0.1, 0.2, 0.2))


def _not_negative(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Return zeros, ones, equal numbers and the sizes of what was there."""
    tie = abs(array.reshape(-1)[0]) if array.size else 0.0
    choices = np.stack([array * 0, array * 0 + 1, array * 0 + tie, np.abs(array)])
    return _picked(generator, choices, (0.3, 0.2, 0.2, 0.3))


def _picked(
    generator: np.random.Generator, choices: NDArray[Any], weights: tuple[float, ...]
) -> NDArray[Any]:
    shape = choices.shape[1:]
    law = generator.choice(len(weights), size=shape, p=weights)
    law = np.asarray(law)
    if law.size:
        # However few the numbers are, the first kind, which is zero, is among them.
        law.reshape(-1)[generator.integers(law.size)] = 0
    picked: NDArray[Any] = np.take_along_axis(choices, law[np.newaxis], axis=0)[0]
    return picked


def _number(size: Any, examples: int) -> int:
    """Return a size as a number; all that arrays tell are as many as there are examples."""
    given = sympy.sympify(size, strict=True)
    return int(given.xreplace(dict.fromkeys(given.free_symbols, sympy.Integer(examples))))


def random_values(program: Program, examples: int = 4, seed: int = 0) -> Values:
    """Return random arrays of the right shape and kind for everything a program is given.

    Parameters
    ----------
    program : Program
        The program.
    examples : int
        The batch size.
    seed : int
        Of the random values.

    Returns
    -------
    dict of str to ndarray
        By name: parameters, inputs and targets.
    """
    generator = np.random.default_rng(seed)
    limits = program.integer_limits
    result: Values = {}
    for tensor in (*program.parameters, *program.inputs, *program.targets, *program.states):
        shape = [extent if isinstance(extent, int) else examples for extent in tensor.shape]
        if tensor.kind == "integer":
            limit = limits.get(tensor, Limit(0, 2))
            low = -4 if limit.low is None else limit.low
            below = low + 10 if limit.below is None else _number(limit.below, examples)
            result[tensor.name] = generator.integers(low, below, shape)
        elif tensor.kind in ("classes", "distribution") and shape and shape[-1] > 1:
            labels = generator.integers(0, shape[-1], shape[:-1])
            result[tensor.name] = np.eye(shape[-1])[labels]
        elif tensor.initial is not None and isinstance(tensor.initial[1], tuple):
            result[tensor.name] = np.array(tensor.initial[1])
        elif tensor.role == "state":
            _, start = tensor.initial or ("constant", 0.0)
            # Counts and variances stay positive.
            result[tensor.name] = start + np.abs(generator.normal(size=shape))
        elif tensor.kind == "weight":
            result[tensor.name] = np.abs(generator.normal(size=shape))
        elif tensor.kind == "distribution":
            result[tensor.name] = np.ones(shape)
        elif tensor.kind == "classes":
            result[tensor.name] = generator.integers(0, 2, shape).astype(np.float64)
        else:
            columns = shape[-1] if len(shape) > 1 and tensor.role == "parameter" else 1
            result[tensor.name] = generator.normal(size=shape) / np.sqrt(columns)
    return result
