"""noise: from tensors that are drawn to equations that draw them, or to their means.

::

    a[n, j] = x[n, j]·e[n, j]     ─►    e[n, j] = 1 if coarse(30 n + j, e, key) < p, else 0
                                        a[n, j] = x[n, j]·e[n, j]

What is drawn is then an equation like any other: fused, divided among threads and written out by
the same passes. The key, a seed and the number of a step, is a state; a training step adds one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symbp.notation import philox
from symbp.notation.conditions import compared
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError
from symbp.notation.functions import where
from symbp.notation.laws import Law, exact
from symbp.notation.naming import fresh_name
from symbp.notation.noise import random_coarse, random_turn, random_unit
from symbp.notation.philox import KEY_NAMES, key_parts, stream_of
from symbp.notation.program import Program
from symbp.notation.standard import cos, log, sqrt
from symbp.notation.tensor import Element, Tensor

__all__ = ["Drawn", "advanced", "at_mean", "drawn", "replayed", "values_of"]

# A part of the key counts so many of the one before.
_PART = 2**22
# A probability is a multiple of one over this, so that every precision draws the same.
_COARSE = 2**24


@dataclass(frozen=True)
class Drawn:
    """A program that draws its noise, and the key that it reads: states without a next value.

    Attributes
    ----------
    program : Program
        Without tensors of role ``"noise"``.
    key : tuple of Tensor
        Scalars, named in :data:`symbp.notation.philox.KEY_NAMES`; none if nothing is drawn.
    """

    program: Program
    key: tuple[Tensor, ...] = ()


def drawn(program: Program) -> Drawn:
    """Return the program with an equation in the place of each noise tensor.

    Parameters
    ----------
    program : Program
        As its author wrote it.

    Examples
    --------
    >>> import symbp as bp
    >>> e, w, C = bp.noise("e", law="uniform"), bp.parameter("w"), bp.tensor("C")
    >>> print(drawn(bp.Program([bp.Equation(C, w * e)], cost=C)).program.equations[1])
    C = w*e
    """
    tensors = program.with_role("noise")
    if not tensors:
        return Drawn(program)
    names = {tensor.name for tensor in program.tensors}
    # Without other values it is the key of seed 0 and step 0.
    key = tuple(Tensor(fresh_name(name, names), (), "state", value=0.0) for name in KEY_NAMES)
    made = {tensor: tensor.like(tensor.name, symbol=tensor.symbol, label=tensor.label)
            for tensor in tensors}  # fmt: skip
    draws = [_draw(old, new, key) for old, new in made.items()]
    rest = _replaced(program, {old: new.__getitem__ for old, new in made.items()})
    return Drawn(program.replace(equations=(*draws, *rest)), key)


def at_mean(program: Program) -> Program:
    """Return the program for inference: noise is its mean, unless it is drawn there too.

    Parameters
    ----------
    program : Program
        As its author wrote it.

    Examples
    --------
    >>> import symbp as bp
    >>> e, w, C = bp.noise("e", law="uniform"), bp.parameter("w"), bp.tensor("C")
    >>> print(at_mean(bp.Program([bp.Equation(C, w * e)], cost=C)))
    C = w/2
    """
    means = {
        tensor: (lambda _, mean=tensor.law.mean: mean)
        for tensor in program.with_role("noise")
        if tensor.law is not None and tensor.law.at_inference == "mean"
    }
    return program.replace(equations=_replaced(program, means)) if means else program


def advanced(program: Program, key: tuple[Tensor, ...]) -> Program:
    """Return a program of one step after which the number of the step is one more.

    Parameters
    ----------
    program : Program
        With an optimizer's updates.
    key : tuple of Tensor
        What it reads, see :class:`Drawn`.
    """
    if not key:
        return program
    low, high = key[-2:]
    names = {tensor.name for tensor in program.tensors}
    is_full = compared(sympy.Ge, low[()] + 1, sympy.Integer(_PART))
    nexts = {
        low: where(is_full, 0, low[()] + 1),
        high: high[()] + where(is_full, 1, 0),
    }
    made = {old: old.like(fresh_name(f"{old.name}_next", names)) for old in nexts}
    equations = [
        Equation(made[old][()], body, origin=Origin("update")) for old, body in nexts.items()
    ]
    return program.replace(
        equations=(*program.equations, *equations),
        updates=(*program.updates, *made.items()),
        passed=program.passed,
    )


def replayed(
    program: Program, rows: int | None = None, seed: int = 0, step: int = 0
) -> dict[str, NDArray[Any]]:
    """Return the noise that a module draws, in double precision.

    Parameters
    ----------
    program : Program
        As its author wrote it.
    rows : int, optional
        Examples of the batch.
    seed, step : int
        The trainer's seed, and how many steps came before.

    Returns
    -------
    dict of str to ndarray
        The values of each noise tensor by name.

    Raises
    ------
    NotationError
        A number is negative or too large, or the noise has rows and none are said.

    Examples
    --------
    >>> import symbp as bp
    >>> e, w, C = bp.noise("e", law="bernoulli"), bp.parameter("w"), bp.tensor("C")
    >>> replayed(bp.Program([bp.Equation(C, w * e)], cost=C), seed=1)["e"]
    array(1.)
    """
    if not isinstance(program, Program):
        raise NotationError(f"replayed: expected a program, got {program!r}")
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 0):
        raise NotationError(f"replayed: rows: expected an int >= 0, got {rows!r}")
    return {
        tensor.name: values_of(tensor, {program.batch: rows}, seed, step)
        for tensor in program.with_role("noise")
    }


def values_of(
    tensor: Tensor, extents: Mapping[Any, int | None], seed: int = 0, step: int = 0
) -> NDArray[Any]:
    """Return the draws of a noise tensor, as :func:`replayed`."""
    sizes = [extent if isinstance(extent, int) else extents.get(extent) for extent in tensor.shape]
    for size in sizes:
        if size is None:
            raise NotationError(f"noise {tensor.name}: say how many rows a batch has")
    shape = tuple(int(size) for size in sizes if size is not None)
    places = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    arguments = places, stream_of(tensor.name), *key_parts(seed, step)
    law = tensor.law
    assert law is not None, "noise has a law"
    if law.name == "bernoulli":
        bound = float(_multiple(exact(law.numbers[0])))
        return np.where(philox.coarse(*arguments) < bound, 1.0, 0.0)
    first, second = law.numbers
    if law.name == "uniform":
        return first + (second - first) * philox.unit(*arguments)
    radius: NDArray[Any] = np.sqrt(-2 * np.log1p(-philox.unit(*arguments)))
    normal: NDArray[Any] = radius * np.cos(2 * np.pi * philox.turn(*arguments))
    return first + second * normal


def _draw(tensor: Tensor, made: Tensor, key: tuple[Tensor, ...]) -> Equation:
    place: Expr = sympy.S.Zero
    for index in made.indices:
        place = place * index.extent + index
    assert tensor.law is not None, "noise has a law"
    stream = sympy.Integer(stream_of(tensor.name))
    arguments = sympy.expand(place), stream, *(part[()] for part in key)
    return Equation(made.element, _value(tensor.law, arguments), origin=Origin("noise"))


def _value(law: Law, arguments: tuple[Any, ...]) -> Expr:
    """Return what an element is, of the functions that draw."""
    first, *second = map(exact, law.numbers)
    unit: Any = random_unit(*arguments)
    if law.name == "bernoulli":
        return where(compared(sympy.Lt, random_coarse(*arguments), _multiple(first)), 1, 0)
    if law.name == "uniform":
        return first + (second[0] - first) * unit
    # Box and Muller's: the first factor is exact in its tail, as log(1 - u) is there.
    radius = sqrt(-2 * log(1 - unit))
    return first + second[0] * (radius * cos(2 * sympy.pi * random_turn(*arguments)))


def _multiple(probability: Expr) -> Expr:
    """Return the least multiple that `random_coarse` is below with at least a probability."""
    return sympy.ceiling(probability * _COARSE) / _COARSE


def _replaced(program: Program, values: Mapping[Tensor, Any]) -> tuple[Equation, ...]:
    """Return the equations with the elements of some tensors replaced by what is made of them."""

    def change(equation: Equation) -> Equation:
        mapping = {
            element: values[element.tensor](element.args)
            for element in equation.body.atoms(Element)
            if element.tensor in values
        }
        return equation.replace(body=equation.body.xreplace(mapping)) if mapping else equation

    return tuple(map(change, program.equations))
