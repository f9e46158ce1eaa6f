"""Values of a program as it was written, in arithmetic of many digits, with their first and second
derivatives: those are the condition numbers of values and gradients.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import sympy

import symbp as bp
from symbp.calculus.normalise import normalise
from symbp.notation.bounds import COMPARISONS
from symbp.notation.functions import expm1, log1p, log_sum_exp, sigmoid, softplus, where
from symbp.notation.index import Index
from symbp.notation.tensor import Element

# So that 1 is seen beside exp(±1000), and beside products of several such numbers.
DIGITS = 1800
mp = mpmath.mp


class Jet:
    """A value with its gradient and its matrix of second derivatives."""

    def __init__(self, value: Any, first: dict[Any, Any], second: dict[Any, Any]) -> None:
        self.value, self.first, self.second = value, first, second

    def through(self, value: Any, slope: Any, curvature: Any) -> "Jet":
        """Return a function of it, from the function's value and derivatives."""
        first = {i: slope * d for i, d in self.first.items()}
        second = {ij: slope * d for ij, d in self.second.items()}
        for i, j in itertools.product(self.first, repeat=2):
            change = curvature * self.first[i] * self.first[j]
            second[i, j] = second.get((i, j), 0) + change
        return Jet(value, first, second)

    def __add__(self, other: "Jet") -> "Jet":
        return Jet(
            self.value + other.value,
            _added(self.first, other.first),
            _added(self.second, other.second),
        )

    def __mul__(self, other: "Jet") -> "Jet":
        first = _added(_times(self.first, other.value), _times(other.first, self.value))
        second = _added(_times(self.second, other.value), _times(other.second, self.value))
        for (i, a), (j, b) in itertools.product(self.first.items(), other.first.items()):
            second[i, j] = second.get((i, j), 0) + a * b
            second[j, i] = second.get((j, i), 0) + a * b
        return Jet(self.value * other.value, first, second)


def _added(left: dict[Any, Any], right: dict[Any, Any]) -> dict[Any, Any]:
    return {k: left.get(k, 0) + right.get(k, 0) for k in {**left, **right}}


def _times(values: dict[Any, Any], factor: Any) -> dict[Any, Any]:
    return {k: v * factor for k, v in values.items()}


def _exp(x: Jet) -> Jet:
    e = mpmath.exp(x.value)
    return x.through(e, e, e)


def _log(x: Jet) -> Jet:
    if x.value <= 0:
        return x.through(-mpmath.inf if x.value == 0 else mpmath.nan, mpmath.nan, mpmath.nan)
    return x.through(mpmath.log(x.value), 1 / x.value, -1 / x.value**2)


def _power(x: Jet, exponent: Any) -> Jet:
    n, v = exponent, x.value
    slope = n * v ** (n - 1)
    return x.through(v**n, slope, n * (n - 1) * v ** (n - 2) if v != 0 else mpmath.mpf(0))


def _sigmoid(x: Jet) -> Jet:
    e = mpmath.exp(x.value)
    s, t = e / (1 + e), 1 / (1 + e)
    return x.through(s, s * t, s * t * (t - s))


def _tanh(x: Jet) -> Jet:
    e = mpmath.exp(2 * x.value)
    t, slope = (e - 1) / (e + 1), 4 * e / (1 + e) ** 2
    return x.through(t, slope, -2 * t * slope)


def _constant(value: Any) -> Jet:
    return Jet(mpmath.mpf(value), {}, {})


_FUNCTIONS: dict[Any, Callable[..., Jet]] = {
    sympy.exp: _exp,
    sympy.log: _log,
    sympy.tanh: _tanh,
    sigmoid: _sigmoid,
    softplus: lambda x: _log(_constant(1) + _exp(x)),
    log1p: lambda x: _log(_constant(1) + x),
    expm1: lambda x: _exp(x) + _constant(-1),
    log_sum_exp: lambda *x: _log(_sum(map(_exp, x))),
}


def _sum(jets: Any) -> Jet:
    total = _constant(0)
    for jet in jets:
        total += jet
    return total


def exact(program: bp.Program, name: str, values: Mapping[str, Any], wrt: tuple[str, ...]) -> Jet:
    """Return a scalar of a program with its derivatives by the elements of the arrays ``wrt``."""
    return exact_all(program, values, wrt)[name][()]


def exact_all(
    program: bp.Program, values: Mapping[str, Any], wrt: tuple[str, ...]
) -> dict[str, dict[tuple[int, ...], Jet]]:
    """Return every tensor of a program, element by element."""
    with mp.workdps(DIGITS):
        arrays: dict[str, dict[tuple[int, ...], Jet]] = {}
        for given, array in values.items():
            arrays[given] = {}
            for place in np.ndindex(np.shape(array)):
                jet = _constant(float(np.asarray(array)[place]))
                if given in wrt:
                    jet.first[given, place] = mpmath.mpf(1)
                arrays[given][place] = jet
        for equation in normalise(program).equations:
            lhs = equation.lhs
            into = arrays.setdefault(equation.tensor.name, {})
            for place in itertools.product(*(range(i.extent) for i in lhs.args)):
                at = dict(zip(lhs.args, place, strict=True))
                bodies = [
                    _value(
                        equation.body, at | dict(zip(equation.reduce, inner, strict=True)), arrays
                    )
                    for inner in itertools.product(*(range(i.extent) for i in equation.reduce))
                ]
                if equation.operation == "sum":
                    result = _sum(bodies)
                elif equation.operation == "max":
                    result = max(bodies, key=lambda jet: jet.value)
                else:
                    result = _log(_sum(map(_exp, bodies)))
                into[place] = into[place] + result if place in into else result
        return arrays


def _value(node: Any, at: Mapping[Index, int], arrays: Mapping[str, Any]) -> Any:
    if isinstance(node, Index):
        return _constant(at[node])
    if isinstance(node, Element):
        place = tuple(int(_value(s, at, arrays).value) for s in node.args)
        return arrays[node.tensor.name][place]
    if node.is_Rational:
        return _constant(mpmath.mpf(node.p) / node.q)
    if node.is_number:
        return _constant(-mpmath.inf if node == -sympy.oo else mpmath.mpf(float(node)))
    if isinstance(node, where):
        left, right = (_value(a, at, arrays).value for a in node.args[0].args)
        compare = next(f for k, f in COMPARISONS.items() if isinstance(node.args[0], k))
        return _value(node.args[1 if compare(left, right) else 2], at, arrays)
    parts = [_value(argument, at, arrays) for argument in node.args]
    if isinstance(node, sympy.Add):
        return _sum(parts)
    if isinstance(node, sympy.Mul):
        total = _constant(1)
        for part in parts:
            total *= part
        return total
    if isinstance(node, sympy.Pow):
        if not parts[1].first:
            return _power(parts[0], parts[1].value)
        return _exp(parts[1] * _log(parts[0]))
    for kind, function in _FUNCTIONS.items():
        if isinstance(node, kind):
            return function(*parts)
    raise NotImplementedError(node)
