"""preparation: what stands between a table and a network, and behind its outputs.

Records of plain values, so that a target can write them as literals: no name of a column or of a
class becomes code.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbp.notation.errors import SymbpError

__all__ = ["Feature", "Preparation", "literal", "literals"]

Steps = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Feature:
    """One number that a network reads.

    Attributes
    ----------
    column : int
        The column that it is made of.
    kind : {"number", "date", "gap", "is", "code"}
        The column itself; a number that is made of a date; whether there is a gap; whether it
        holds a category; the place of its category.
    detail : object
        The category, or the categories in their order; of a date the format of text, the period
        and the phase, see ``runtime/dates.py``.
    fill : object
        What stands for a gap; None if there may be none.
    steps : tuple of (str, float)
        Arithmetic that follows: ``(("-", mean), ("/", scale))``.
    """

    column: int
    kind: str = "number"
    detail: Any = None
    fill: Any = None
    steps: Steps = ()


@dataclass(frozen=True)
class Preparation:
    """What a predictor does besides the network.

    Attributes
    ----------
    count : int
        How many columns a table has.
    features : tuple of Feature
        What the network reads, in order.
    names : tuple of str
        Of the columns; empty if they have none.
    known : mapping of int to tuple
        The categories of columns in which no others may stand.
    kind : {"softmax", "logit", "probability", "margin", "numbers"}
        What the outputs are: logits of all classes together; a logit or probability of each; what
        is decided by only; or no classes.
    threshold : float
        What a single output exceeds for the second class.
    several : bool
        Whether an example has any number of labels, instead of one class.
    classes : tuple
        Their names.
    units : tuple of (str, tuple of float)
        Arithmetic that brings each number that is predicted back to its own units.
    missing : tuple of str
        What text stands for a gap, besides None and NaN.
    named : str
        What the function of numbers is called: ``predict`` or ``transform``.
    """

    count: int
    features: tuple[Feature, ...]
    names: tuple[str, ...] = ()
    known: Mapping[int, tuple[Any, ...]] = field(default_factory=dict)
    kind: str = "numbers"
    threshold: float = 0.5
    several: bool = False
    classes: tuple[Any, ...] = ()
    units: tuple[tuple[str, tuple[float, ...]], ...] = ()
    missing: tuple[str, ...] = ()
    named: str = "predict"

    @staticmethod
    def plain(count: int) -> "Preparation":
        """Return that of a network that reads a table as it is."""
        return Preparation(count, tuple(Feature(column) for column in range(count)))


def literal(value: Any) -> str:
    r"""Return the text of a value that is written into code.

    Parameters
    ----------
    value : None, str, bool, int, float, NumPy's scalars, or a sequence of such
        Anything else is refused.

    Examples
    --------
    >>> literal(("a'b", 2, 0.5, None))
    '("a\'b", 2, 0.5, None)'
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | list):
        inside = ", ".join(map(literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, float):
        if math.isnan(value):
            return "None"  # a gap
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    raise SymbpError(
        f"predictor: expected names that are text or numbers, got {value!r} of "
        f"{type(value).__name__}"
    )


def _text(value: str) -> str:
    # ASCII alone, so that nothing in it can look like something else.
    return ascii(str(value))


def literals(values: Sequence[Any]) -> str:
    """Return the text of a tuple, a line for each of its values."""
    return "(\n" + "".join(f"    {literal(value)},\n" for value in values) + ")"
