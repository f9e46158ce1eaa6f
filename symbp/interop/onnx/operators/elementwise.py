"""Elementwise operators: one equation each, with broadcasting from the last axis on."""

import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import sympy

from symbp.interop.onnx.call import OPERATORS, Call, operator
from symbp.notation import elementary_functions as elementary
from symbp.notation.functions import (
    elu,
    gelu,
    gelu_tanh,
    leaky_relu,
    maximum,
    minimum,
    relu,
    sigmoid,
    silu,
    softplus,
    where,
)
from symbp.notation.standard import Abs, cos, erf, exp, log, sign, sin, sqrt, tanh

__all__: list[str] = []


def _truth(condition: Any) -> Any:
    """Return a condition as 1 or 0."""
    if condition in (sympy.true, sympy.false):
        return sympy.Integer(int(condition is sympy.true))
    return where(condition, 1, 0)


def _holds(value: Any) -> Any:
    """Return the condition that a value is not 0."""
    if value.is_number:
        return sympy.true if value != 0 else sympy.false
    return sympy.Ne(value, 0)


def _chosen(condition: Any, a: Any, b: Any) -> Any:
    if condition in (sympy.true, sympy.false):
        return a if condition is sympy.true else b
    return where(condition, a, b)


def _truncated(x: Any) -> Any:
    return _chosen(x < 0, elementary.ceil(x), elementary.floor(x))


_UNARY: dict[str, Callable[[Any], Any]] = {
    "Abs": Abs, "Neg": lambda x: -x, "Exp": exp, "Log": log, "Sqrt": sqrt,
    "Reciprocal": lambda x: 1 / x, "Sin": sin, "Cos": cos, "Tan": elementary.tan,
    "Asin": elementary.asin, "Acos": elementary.acos, "Atan": elementary.atan,
    "Sinh": elementary.sinh, "Cosh": elementary.cosh, "Asinh": elementary.asinh,
    "Acosh": elementary.acosh, "Atanh": elementary.atanh, "Sigmoid": sigmoid, "Tanh": tanh,
    "Relu": relu, "Softplus": softplus, "Softsign": lambda x: x / (1 + Abs(x)), "Erf": erf,
    "Floor": elementary.floor, "Ceil": elementary.ceil, "Round": elementary.round, "Sign": sign,
    "Identity": lambda x: x, "Not": lambda x: 1 - x,
    "HardSwish": lambda x: x * maximum(0, minimum(1, x / 6 + sympy.Rational(1, 2))),
    "Mish": lambda x: x * tanh(softplus(x)),
}  # fmt: skip


def _unary(call: Call) -> None:
    indices = call.indices(call.shape(0))
    call.define(indices, _UNARY[call.operator](call.at(0, indices)))


for _name in _UNARY:
    OPERATORS[_name] = _unary


def _divided(a: Any, b: Any) -> Any:
    return a / b


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": _divided,
    "Pow": lambda a, b: a**b,
    "PRelu": lambda a, b: leaky_relu(a, b),
    "Equal": lambda a, b: _truth(sympy.Eq(a, b)),
    "Less": lambda a, b: _truth(a < b),
    "LessOrEqual": lambda a, b: _truth(a <= b),
    "Greater": lambda a, b: _truth(a > b),
    "GreaterOrEqual": lambda a, b: _truth(a >= b),
    "And": lambda a, b: a * b,
    "Or": lambda a, b: maximum(a, b),
    "Xor": lambda a, b: Abs(a - b),
}


def _binary(call: Call) -> None:
    indices = call.broadcast(0, 1)
    a, b = (call.at(place, indices) for place in (0, 1))
    body = _BINARY[call.operator](a, b)
    if call.operator == "Div" and call.whole[0]:
        body = _truncated(body)
    call.define(indices, body)


for _name in _BINARY:
    OPERATORS[_name] = _binary

_SEVERAL: dict[str, Callable[[Any, Any], Any]] = {
    "Max": maximum, "Min": minimum, "Sum": lambda a, b: a + b, "Mean": lambda a, b: a + b
}  # fmt: skip


@operator(*_SEVERAL)
def several(call: Call) -> None:
    """Join any number of values."""
    places = range(len(call.inputs))
    indices = call.broadcast(*places)
    body = reduce(_SEVERAL[call.operator], [call.at(place, indices) for place in places])
    call.define(indices, body / len(places) if call.operator == "Mean" else body)


@operator("Mod")
def mod(call: Call) -> None:
    """Define what is left of a division, with the sign of the divisor or of the dividend."""
    indices = call.broadcast(0, 1)
    a, b = (call.at(place, indices) for place in (0, 1))
    if call.attribute("fmod", 0):
        call.define(indices, a - b * _truncated(a / b))
    else:
        call.define(indices, elementary.mod(a, b))


@operator("Where")
def where_(call: Call) -> None:
    """Choose one of two values."""
    indices = call.broadcast(0, 1, 2)
    condition, a, b = (call.at(place, indices) for place in range(3))
    call.define(indices, _chosen(_holds(condition), a, b))


# With the attributes of each, and their defaults.
_WITH_ATTRIBUTES: dict[str, tuple[dict[str, Any], Callable[..., Any]]] = {
    "LeakyRelu": ({"alpha": 0.01}, lambda x, alpha: leaky_relu(x, alpha)),
    "Elu": ({"alpha": 1.0}, lambda x, alpha: elu(x, alpha)),
    "Celu": ({"alpha": 1.0}, lambda x, alpha: elu(x / alpha, 1) * alpha),
    "Selu": (
        {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
        lambda x, alpha, gamma: gamma * elu(x, alpha),
    ),
    "HardSigmoid": (
        {"alpha": 0.2, "beta": 0.5},
        lambda x, alpha, beta: maximum(0, minimum(1, alpha * x + beta)),
    ),
    "ThresholdedRelu": ({"alpha": 1.0}, lambda x, alpha: where(x > alpha, x, 0)),
    "Shrink": (
        {"lambd": 0.5, "bias": 0.0},
        lambda x, lambd, bias: where(x < -lambd, x + bias, where(x > lambd, x - bias, 0)),
    ),
    "Swish": (
        {"alpha": 1.0},
        lambda x, alpha: silu(x) if alpha == 1 else x * sigmoid(alpha * x),
    ),
}


@operator(*_WITH_ATTRIBUTES)
def with_attributes(call: Call) -> None:
    """Apply activations with a slope, a threshold and the like."""
    defaults, rule = _WITH_ATTRIBUTES[call.operator]
    values = {name: call.attribute(name, default) for name, default in defaults.items()}
    indices = call.indices(call.shape(0))
    call.define(indices, rule(call.at(0, indices), **values))


@operator("Gelu")
def gelu_(call: Call) -> None:
    """Apply the Gaussian error linear unit, exact or approximate."""
    indices = call.indices(call.shape(0))
    form = gelu_tanh if call.attribute("approximate", "none") == "tanh" else gelu
    call.define(indices, form(call.at(0, indices)))


@operator("Clip")
def clip(call: Call) -> None:
    """Keep what is between two bounds."""
    indices = call.indices(call.shape(0))
    body = call.at(0, indices)
    lowest, highest = call.attribute("min"), call.attribute("max")
    if call.has(1):
        lowest = call.at(1, indices)
    if call.has(2):
        highest = call.at(2, indices)
    if lowest is not None and abs(lowest) != sympy.oo:
        body = maximum(body, lowest)
    if highest is not None and abs(highest) != sympy.oo:
        body = minimum(body, highest)
    call.define(indices, body)


# Of float64: in a smaller precision it is infinity itself.
_LARGEST = sympy.Float(sys.float_info.max, 17)

# Codes of element types: what each keeps of a real number.
_REAL, _HALF, _WHOLE, _BOOL = {1, 11}, {10, 16}, {2, 3, 4, 5, 6, 7, 12, 13}, 9


@operator("Cast", "CastLike")
def cast(call: Call) -> None:
    """Change the type: to whole numbers by truncation; fewer digits are not rounded to."""
    to = call.attribute("to")
    if call.operator == "CastLike":
        to = call.attribute("like")
    indices = call.indices(call.shape(0))
    x = call.at(0, indices)
    if to in _REAL | _HALF:
        call.define(indices, x)
    elif to in _WHOLE:
        call.define(indices, x if call.whole[0] else _truncated(x))
    elif to == _BOOL:
        call.define(indices, _truth(_holds(x)))
    else:
        raise call.refuse(f"the type {to} has no counterpart")


@operator("IsInf", "IsNaN")
def not_finite(call: Call) -> None:
    """Tell whether a value is infinite, or is none."""
    indices = call.indices(call.shape(0))
    x = call.at(0, indices)
    if call.operator == "IsNaN":
        call.define(indices, where(x < 0, 0, where(x >= 0, 0, 1)))
        return
    above = x > _LARGEST if call.attribute("detect_positive", 1) else sympy.false
    below = x < -_LARGEST if call.attribute("detect_negative", 1) else sympy.false
    call.define(indices, _truth(sympy.Or(above, below)))


@operator("Dropout")
def dropout(call: Call) -> None:
    """Drop nothing, at inference."""
    if len(call.inputs) > 2 and call.has(2) and bool(call.known(2)):
        raise call.refuse("training_mode: dropout is bp.Dropout in a network that is trained")
    if len(call.outputs) > 1 and call.outputs[1]:
        indices = call.indices(call.shape(0))
        call.define(indices, sympy.S.One, 1)
    indices = call.indices(call.shape(0))
    call.define(indices, call.at(0, indices))


@operator("DequantizeLinear")
def dequantize(call: Call) -> None:
    """Define ``(x - zero point)·scale``."""
    indices, own = _by_axis(call)
    zero = call.element(2, own(2)) if call.has(2) else sympy.S.Zero
    call.define(indices, (call.at(0, indices) - zero) * call.element(1, own(1)))


def _by_axis(call: Call) -> tuple[Any, Callable[[int], Any]]:
    if call.attribute("block_size", 0):
        raise call.refuse("block_size: scales of blocks are not read")
    indices = call.indices(call.shape(0))
    axis = call.axis(call.attribute("axis", 1), call.rank(0))

    def own(place: int) -> Any:
        return [indices[axis]] if call.rank(place) else []

    return indices, own
