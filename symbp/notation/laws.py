"""laws: what random numbers can be distributed by, as noise declares it."""

import math
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.errors import NotationError, suggest
from symbp.notation.numpy_operands import plain_number, short

__all__ = ["LAWS", "Law", "exact", "finite_number", "law_of"]

#: The numbers that each law takes, and what they are if they are not given.
LAWS: dict[str, dict[str, float]] = {
    "normal": {"mean": 0.0, "scale": 1.0},
    "uniform": {"low": 0.0, "high": 1.0},
    "bernoulli": {"probability": 0.5},
}
AT_INFERENCE = ("mean", "drawn")


@dataclass(frozen=True)
class Law:
    """A distribution, and what stands for its draws at inference.

    Attributes
    ----------
    name : {"normal", "uniform", "bernoulli"}
        The distribution.
    numbers : tuple of float
        Mean and standard deviation; the ends; or the probability of 1.
    at_inference : {"mean", "drawn"}
        What the program for inference reads.
    """

    name: str
    numbers: tuple[float, ...]
    at_inference: str = "mean"

    @property
    def mean(self) -> Expr:
        """The expected value."""
        first, *second = map(exact, self.numbers)
        return (first + second[0]) / 2 if self.name == "uniform" else first


def exact(number: float) -> Expr:
    """Return the number that a float was written as: 1/10 for 0.1.

    So that what an equation divides by it cancels: 0.9/0.9 is 1.
    """
    return sympy.Rational(repr(float(number)))


def law_of(name: str, law: Any, at_inference: Any, given: dict[str, Any]) -> Law:
    """Return a checked law.

    Parameters
    ----------
    name : str
        Of the noise, for errors.
    law : str
        Of `LAWS`.
    at_inference : str
        ``"mean"`` or ``"drawn"``.
    given : dict of str to float
        Numbers by name; None for those that are not given.
    """
    if not isinstance(law, str) or law not in LAWS:
        raise NotationError(f"noise {name}: law {short(law)}; {suggest(str(law), LAWS)}")
    if at_inference not in AT_INFERENCE:
        raise NotationError(
            f"noise {name}: at_inference {short(at_inference)}; "
            f"{suggest(str(at_inference), AT_INFERENCE)}"
        )
    takes = LAWS[law]
    numbers = dict(takes)
    for what, value in given.items():
        if value is None:
            continue
        if what not in takes:
            raise NotationError(
                f"noise {name}: {what}: a law {law!r} takes {' and '.join(takes)} only"
            )
        numbers[what] = finite_number(f"noise {name}: {what}", value)
    if law == "normal" and numbers["scale"] < 0:
        raise NotationError(f"noise {name}: scale: expected 0 or more, got {numbers['scale']}")
    if law == "uniform" and not numbers["low"] < numbers["high"]:
        raise NotationError(
            f"noise {name}: expected low below high, got {numbers['low']} and {numbers['high']}"
        )
    if law == "bernoulli" and not 0 <= numbers["probability"] <= 1:
        raise NotationError(
            f"noise {name}: probability: expected a number from 0 to 1, got "
            f"{numbers['probability']}"
        )
    return Law(law, tuple(numbers.values()), at_inference)


def finite_number(label: str, value: Any) -> float:
    """Return a finite number as a float; of anything else the error begins with a label."""
    plain = plain_number(value)
    value = value if plain is None else plain
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise NotationError(f"{label}: expected a finite number, got {value!r}")
    return float(value)
