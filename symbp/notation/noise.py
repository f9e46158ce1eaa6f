"""noise: tensors that are drawn anew in each step, and the functions that draw them.

A noise tensor is data: equations read its elements, and nothing is differentiated by it. What is
computed has an equation in its place (:mod:`symbp.calculus.noise`), whose body is made of the
functions here. They are pure: the same seed, step, tensor and place give the same number.
"""

from collections.abc import Iterable
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation import philox
from symbp.notation.arithmetic import Written
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.laws import law_of
from symbp.notation.operation import Operation, register
from symbp.notation.tensor import Tensor

__all__ = ["Random", "check_streams", "noise", "random_coarse", "random_turn", "random_unit"]


def noise(
    name: str,
    *indices: Index,
    law: str = "normal",
    mean: float | None = None,
    scale: float | None = None,
    low: float | None = None,
    high: float | None = None,
    probability: float | None = None,
    at_inference: str = "mean",
    symbol: str | None = None,
    label: int | str | None = None,
) -> Tensor:
    """Declare random numbers, drawn anew in each step of the training.

    Element by element they are a function of the trainer's seed, of the number of the step, of
    the name and of the place in the tensor, whose first axis is usually the example's: the same
    for any number of threads, for every target, and after a training was resumed.

    Parameters
    ----------
    name : str
        The name; tensors of other names are independent.
    *indices : Index
        Give the shape.
    law : {"normal", "uniform", "bernoulli"}
        The distribution.
    mean, scale : float, optional
        Of a normal law: the expected value and the standard deviation, by default 0 and 1.
    low, high : float, optional
        Of a uniform law: the ends, the second not included, by default 0 and 1.
    probability : float, optional
        Of a Bernoulli law: that of 1, by default 0.5; other elements are 0.
    at_inference : {"mean", "drawn"}
        What ``predict`` and ``loss`` have in its place: its expected value, or draws for a seed
        and step that they are given.
    symbol, label : optional
        How it prints, see :class:`Tensor`.

    Returns
    -------
    Tensor
        Of role ``"noise"``.

    Raises
    ------
    NotationError
        The law is unknown, or a number is not one that it takes.

    Examples
    --------
    >>> import symbp as bp
    >>> n, j = bp.indices("n j", "N", 3)
    >>> x, e = bp.input("x", n, j), bp.noise("e", n, j, scale=0.1)
    >>> print(bp.Equation(bp.tensor("a", n, j)[n, j], x[n, j] + e[n, j]))
    a[n, j] = x[n, j] + e[n, j]
    """
    given = {
        "mean": mean, "scale": scale, "low": low, "high": high, "probability": probability
    }  # fmt: skip
    checked = law_of(str(name), law, at_inference, given)
    return Tensor(name, indices, "noise", symbol=symbol, label=label, law=checked)


def check_streams(tensors: Iterable[Tensor]) -> None:
    """Raise an error if two noise tensors would be drawn alike."""
    found: dict[int, str] = {}
    for tensor in tensors:
        if tensor.role == "noise":
            other = found.setdefault(philox.stream_of(tensor.name), tensor.name)
            if other != tensor.name:
                raise NotationError(
                    f"noise {tensor.name} would be drawn like {other}: give it another name"
                )


class Random(Written, sympy.Function):
    """A random number: of the place of an element, a tensor, and the parts of a seed and a step.

    The place is a whole number, made of indices; passes leave it as it is.
    """

    is_real = True
    is_commutative = True
    nargs = 2 + len(philox.KEY_NAMES)

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        """Return the application; there is nothing in it to simplify."""
        made = Expr.__new__(cls, *map(sympy.sympify, arguments))
        made.nargs = sympy.FiniteSet(cls._nargs[0])
        return made

    @property
    def place(self) -> Expr:
        """The place of the element in its tensor, row after row."""
        return self.args[0]

    @property
    def key(self) -> tuple[Expr, ...]:
        """Which tensor it is, and the parts of the seed and of the step."""
        tensor, *parts = self.args[1:]
        return (tensor, *parts)

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({printer._print(self.place)})"

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return 0: what is drawn is data."""
        return sympy.S.Zero


class random_unit(Random):  # noqa: N801 - functions are written in lower case
    """A number in [0, 1), of as many digits as the precision has."""


class random_turn(Random):  # noqa: N801
    """Another such number of the same element."""


class random_coarse(Random):  # noqa: N801
    """The first 24 bits of `random_unit`: a number that every precision has."""


for _function, _value in (
    (random_unit, philox.unit),
    (random_turn, philox.turn),
    (random_coarse, philox.coarse),
):
    _name = _function.__name__
    _text = _name.removeprefix("random_")
    register(
        Operation(
            _name,
            _function,
            _value,
            lambda *arguments: (sympy.S.Zero,) * len(arguments),
            rf"\operatorname{{{_text}}}",
            _text,
            named_derivative=False,
            domain="whole numbers",
        ),
        listed=False,
    )
