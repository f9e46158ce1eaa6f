"""intervals: the arithmetic of ranges, and the range of each function from those of its arguments.

It is what :mod:`symbp.calculus.ranges` computes with. Ends are floats and are not rounded outwards:
what is asked is on which side of 0 a value lies, and whether it can be infinite or NaN.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "ANY", "BOUNDED", "GROWING", "RULES", "SLOPES", "UNKNOWN", "ZERO", "Range", "exponential",
    "power", "widened",
]  # fmt: skip

# Where exp overflows in float32, with room for the product that it stands in.
_LARGEST_EXPONENT = 80.0


@dataclass(frozen=True)
class Range:
    """The least interval known to hold a value, and whether it is always finite.

    Attributes
    ----------
    low, high : float
        The ends; a value that may be NaN is not finite.
    finite : bool
        Whether it is, wherever the data are.
    masked : bool
        Of what is not: whether it is -inf in places that a mask by indices gives, else finite.
    """

    low: float = -math.inf
    high: float = math.inf
    finite: bool = True
    masked: bool = False

    def __or__(self, other: "Range") -> "Range":
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Range(low, high, self.finite and other.finite, self._masked_beside(other))

    def __add__(self, other: "Range") -> "Range":
        low, high = self.low + other.low, self.high + other.high
        return Range(low, high, self.finite and other.finite, self._masked_beside(other))

    def _masked_beside(self, other: "Range") -> bool:
        parts = (self, other)
        return any(p.masked for p in parts) and all(p.finite or p.masked for p in parts)

    def __mul__(self, other: "Range") -> "Range":
        ends = [_times(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(ends), max(ends), self.finite and other.finite)

    @property
    def holds_zero(self) -> bool:
        """Whether the value may be 0."""
        return self.low <= 0 <= self.high

    def reciprocal(self) -> "Range":
        """Return the range of one over the value."""
        if self.low > 0 or self.high < 0:
            return Range(_over(self.high), _over(self.low), self.finite)
        return Range(0.0 if self.low >= 0 else -math.inf, math.inf, False)


ANY = Range()
UNKNOWN = Range(finite=False)
ZERO = Range(0.0, 0.0)

_UNIT = (0.0, 1.0)
_BELOW_ONE = (0.0, 1.0 - 2.0**-53)
# Values and derivatives that are bounded whatever the argument; sup |gelu'| is 1.13.
BOUNDED = {"sigmoid": _UNIT, "tanh": (-1.0, 1.0), "erf": (-1.0, 1.0), "sin": (-1.0, 1.0),
            "cos": (-1.0, 1.0), "sign": (-1.0, 1.0), "atan": (-1.6, 1.6), "atan2": (-3.2, 3.2),
            "erfc": (0.0, 2.0), "random_unit": _BELOW_ONE, "random_turn": _BELOW_ONE,
            "random_coarse": _BELOW_ONE}  # fmt: skip
SLOPES = {"sigmoid": (0.0, 0.25), "tanh": _UNIT, "relu": _UNIT, "softplus": _UNIT,
           "gelu": (-0.2, 1.2), "gelu_tanh": (-0.2, 1.2), "silu": (-0.2, 1.2),
           "log_ndtr": (0.0, math.inf)}  # fmt: skip
# Finite wherever the argument is, as far down as the first number.
GROWING = {"softplus": 0.0, "relu": 0.0, "gelu": -0.2, "gelu_tanh": -0.2, "silu": -0.3,
            "leaky_relu": -math.inf, "elu": -math.inf, "asinh": -math.inf,
            "inverse_mills_ratio": 0.0}  # fmt: skip


def exponential(x: Range) -> Range:
    """Return the range of exp; -inf becomes 0."""
    finite = (x.finite or x.masked) and x.high <= _LARGEST_EXPONENT
    low = math.exp(x.low) if x.low <= _LARGEST_EXPONENT else math.exp(_LARGEST_EXPONENT)
    return Range(low, math.exp(x.high) if finite else math.inf, finite)


def _logarithm(x: Range) -> Range:
    low = math.log(x.low) if x.low > 0 else -math.inf
    high = math.log(x.high) if 0 < x.high < math.inf else math.inf
    return Range(low, high, x.finite and x.low > 0)


def _absolute(x: Range) -> Range:
    if x.low >= 0:
        return x
    low = -x.high if x.high <= 0 else 0.0
    return Range(low, max(-x.low, x.high), x.finite)


def _hyperbolic(x: Range, even: bool) -> Range:
    finite = x.finite and max(-x.low, x.high) <= _LARGEST_EXPONENT
    if even:
        return Range(1.0, math.inf, finite)
    return Range(0.0 if x.low >= 0 else -math.inf, 0.0 if x.high <= 0 else math.inf, finite)


def _inside(x: Range, low: float, high: float, result: tuple[float, float]) -> Range:
    """Return the range of a function that is finite between two ends only, ends included."""
    return Range(*result, x.finite and x.low >= low and x.high <= high)


def _stepped(x: Range, step: Callable[[float], float]) -> Range:
    low, high = (end if math.isinf(end) else step(end) for end in (x.low, x.high))
    return Range(low, high, x.finite)


def _remainder(a: Range, b: Range) -> Range:
    """Return the range of a remainder, which has the sign of what is divided by."""
    finite = a.finite and b.finite and not b.holds_zero
    return Range(0.0 if b.low >= 0 else b.low, 0.0 if b.high <= 0 else b.high, finite)


# The range of a function from those of its arguments.
RULES: dict[str, Callable[..., Range]] = {
    "identity": lambda x: x,
    "stop_gradient": lambda x: x,
    "abs": _absolute,
    "log": _logarithm,
    "log1p": lambda x: _logarithm(x + Range(1.0, 1.0)),
    "expm1": lambda x: exponential(x) + Range(-1.0, -1.0),
    "maximum": lambda a, b: Range(
        max(a.low, b.low), max(a.high, b.high), a.finite and b.finite
    ),
    "minimum": lambda a, b: Range(
        min(a.low, b.low), min(a.high, b.high), a.finite and b.finite
    ),
    "largest": lambda *x: Range(
        max(each.low for each in x), max(each.high for each in x), all(each.finite for each in x)
    ),
    "log_sum_exp": lambda *x: Range(
        max(each.low for each in x), math.inf, all(each.finite for each in x)
    ),
    "tan": lambda x: UNKNOWN,
    "sinh": lambda x: _hyperbolic(x, even=False),
    "cosh": lambda x: _hyperbolic(x, even=True),
    "asin": lambda x: _inside(x, -1.0, 1.0, (-1.6, 1.6)),
    "acos": lambda x: _inside(x, -1.0, 1.0, (0.0, 3.2)),
    "acosh": lambda x: _inside(x, 1.0, math.inf, (0.0, math.inf)),
    "atanh": lambda x: Range(finite=x.finite and x.low > -1 and x.high < 1),
    "log_ndtr": lambda x: Range(-math.inf, 0.0, x.finite),
    "gammaln": lambda x: Range(-0.2, math.inf, x.finite and x.low > 0),
    "digamma": lambda x: Range(finite=x.finite and x.low > 0),
    "trigamma": lambda x: Range(0.0, math.inf, x.finite and x.low > 0),
    "floor": lambda x: _stepped(x, math.floor),
    "ceil": lambda x: _stepped(x, math.ceil),
    "round": lambda x: _stepped(x, round),
    "mod": _remainder,
    "heaviside": lambda x, at_zero: Range(0.0, 1.0, x.finite) | at_zero,
    "norm": lambda s: power(s, 0.5, whole=False),
    "half_reciprocal": lambda r: Range(finite=r.finite),
    "root": lambda s, q: Range(0.0, math.inf, s.finite and q.finite),
    "root_slope": lambda s, q: Range(finite=s.finite and q.finite),
    "xlogy": lambda x, y: (x * _logarithm(y)),
    "xlog1py": lambda x, y: (x * _logarithm(y + Range(1.0, 1.0))),
}  # fmt: skip


def power(x: Range, exponent: float, whole: bool) -> Range:
    """Return the range of a power with a number that is not negative in the exponent."""
    if whole and exponent % 2 == 1:
        return Range(_raised(x.low, exponent), _raised(x.high, exponent), x.finite)
    if whole:
        size = _absolute(x)
        return Range(_raised(size.low, exponent), _raised(size.high, exponent), x.finite)
    low, high = max(x.low, 0.0), max(x.high, 0.0)
    return Range(_raised(low, exponent), _raised(high, exponent), x.finite and x.low >= 0)


def _raised(base: float, exponent: float) -> float:
    try:
        return math.copysign(abs(base) ** exponent, base)
    except OverflowError:
        return math.copysign(math.inf, base)


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _over(x: float) -> float:
    return 0.0 if math.isinf(x) else 1 / x


def widened(before: Range, after: Range) -> Range:
    """Return a range with the ends that moved at infinity: a recurrence may move them on."""
    return Range(
        before.low if after.low >= before.low else -math.inf,
        before.high if after.high <= before.high else math.inf,
        after.finite,
    )
