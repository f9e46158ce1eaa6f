"""What symbp gives at the points of the table: by the interpreter, and by a generated module."""

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

import symbp as bp
from symbp import api
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from symbp.networks import costs
from tests.conventions.table import Point, cell

__all__ = ["by_interpreter", "by_module", "by_trace", "program_of"]

_NAMES = {name: getattr(bp, name) for name in api.__all__} | {"sympy": sympy, "costs": costs}


class _Written:
    """A point as equations; its tensors' names end in a number, so that points can be joined.

    With ``copies`` every scalar of a point without vectors becomes a vector of so many equal
    entries, and the formula an elementwise one.
    """

    def __init__(self, point: Point, number: int = 0, copies: int | None = None) -> None:
        self.point = point
        self.copies = copies
        self.variables: dict[str, bp.Tensor] = {}
        self.data: dict[str, bp.Tensor] = {}
        self.copy = () if copies is None else (bp.Index("c", copies),)
        names = dict(_NAMES)
        shapes = {np.shape(value) for value in (*point.at.values(), *point.data.values())}
        (shape,) = shapes - {()} or {()}
        indices = [
            bp.Index(name, size) for name, size in zip("nk"[2 - len(shape) :], shape, strict=True)
        ]
        for declare, values, into in (
            (bp.parameter, point.at, self.variables),
            (bp.input, point.data, self.data),
        ):
            for name, value in values.items():
                into[name] = declare(
                    f"{name}_{number}", *(indices if np.ndim(value) else self.copy)
                )
                names[name] = into[name] if np.ndim(value) else into[name].element
        names |= {index.name: index for index in indices}
        self.equations = []
        *earlier, formula = point.formulas["symbp"].split("; ")
        for line in earlier:
            left, right = line.split(" = ", 1)
            name, _, subscript = left.partition("[")
            own = bp.tensor(f"{name}_{number}", *(indices if subscript else self.copy))
            self.equations.append(bp.Equation(own.element, eval(right, names)))
            names[name] = own if subscript else own.element
        self.cost = eval(formula, names)

    @property
    def values(self) -> dict[str, Any]:
        """An array for each variable and datum, by its tensor's name."""
        given = {**self.point.at, **self.point.data}
        tensors = {**self.variables, **self.data}
        return {tensor.name: np.full(tensor.shape, given[name]) for name, tensor in tensors.items()}


def program_of(point: Point) -> bp.Program:
    """Return the point's equations with their cost, ``f``."""
    written = _Written(point)
    f = bp.tensor("f")
    return bp.Program([*written.equations, bp.Equation(f, written.cost)], cost=f)


def by_interpreter(point: Point, adjoint: float | None = None) -> str:
    """Return the value and the derivatives that the interpreter finds.

    Parameters
    ----------
    point : Point
        Where.
    adjoint : float, optional
        The adjoint of the point's formula: the cost is then this number, a parameter, times it.
    """
    written = _Written(point)
    f, g = bp.tensor("f"), bp.parameter("g")
    values = written.values
    equations = [*written.equations, bp.Equation(f, written.cost)]
    cost = f
    if adjoint is not None:
        cost = bp.tensor("C")
        equations.append(bp.Equation(cost, g.element * f.element))
        values["g"] = np.array(adjoint)
    derived = reverse(stabilise(normalise(bp.Program(equations, cost=cost))))
    found = interpret(derived, values)
    gradients = {tensor.name: found[gradient.name] for tensor, gradient in derived.gradients}
    return cell(
        float(found["f"]),
        [
            gradients.get(tensor.name, np.zeros(np.shape(written.values[tensor.name]))).tolist()
            for tensor in written.variables.values()
        ],
    )


def by_trace(point: Point) -> str:
    """Return what the computational graph with numbers has."""
    written = _Written(point)
    f = bp.tensor("f")
    program = bp.Program([*written.equations, bp.Equation(f, written.cost)], cost=f)
    read = {tensor.name for tensor in program.tensors}
    values = {name: value for name, value in written.values.items() if name in read}
    traced = bp.trace(program, values)
    derivatives = [
        np.asarray(traced.gradient[tensor] if tensor.name in read else 0.0).tolist()
        for tensor in written.variables.values()
    ]
    return cell(traced.value, derivatives)


def by_module(points: Sequence[Point], copies: int | None = None) -> list[str]:
    """Return what one generated module finds for the points, in double precision.

    The cost is the sum of the formulas, each times a parameter that is 1; the derivative by that
    parameter is the formula's value.

    Parameters
    ----------
    points : sequence of Point
        Where.
    copies : int, optional
        Compute each point so many times, as the entries of vectors; only for points without
        vectors. An entry unlike the others is an error.
    """
    written = [_Written(point, number, copies) for number, point in enumerate(points)]
    ones = [bp.parameter(f"g_{number}", *each.copy) for number, each in enumerate(written)]
    terms = [bp.tensor(f"f_{number}", *each.copy) for number, each in enumerate(written)]
    C = bp.tensor("C")
    equations = [equation for each in written for equation in each.equations]
    equations += [
        bp.Equation(term.element, each.cost) for term, each in zip(terms, written, strict=True)
    ]
    products = [
        bp.Sum(product, *one.indices) if one.rank else product
        for one, term in zip(ones, terms, strict=True)
        for product in [one.element * term.element]
    ]
    equations.append(bp.Equation(C, functools.reduce(operator.add, products)))
    program = bp.Program(equations, cost=C)
    module = bp.compile(program, bp.SGD(0.1), "float64").module
    values = {name: value for each in written for name, value in each.values.items()}
    values |= {one.name: np.ones(one.shape) for one in ones}
    arrays = [values[tensor.name] for tensor in (*program.inputs, *program.targets)]
    parameters = {tensor.name: values[tensor.name] for tensor in program.parameters}
    _, gradient = module.gradient(parameters, *arrays)
    found = gradient._asdict()

    def of(tensor: bp.Tensor) -> Any:
        array = np.asarray(found.get(tensor.name, np.zeros(tensor.shape)))
        if copies is not None:
            np.testing.assert_array_equal(array, array[0])
            array = array[0]
        return array.tolist()

    return [
        cell(of(one), [of(tensor) for tensor in each.variables.values()])
        for one, each in zip(ones, written, strict=True)
    ]
