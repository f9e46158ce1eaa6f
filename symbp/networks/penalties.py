"""Penalties on the weights: further terms of the cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sympy.core.expr import Expr

from symbp.networks.options import checked_number, checks_options
from symbp.notation.arithmetic import Plus
from symbp.notation.constants import constant
from symbp.notation.errors import SymbpError
from symbp.notation.reductions import Sum
from symbp.notation.standard import Abs
from symbp.notation.tensor import Tensor

__all__ = ["L1", "L2", "Penalty", "checked_penalties"]


@runtime_checkable
class Penalty(Protocol):
    """Anything that returns a term of the cost."""

    def term(self, weights: Iterable[Tensor]) -> Expr:
        """Return a scalar expression of the weight matrices."""


@checks_options
@dataclass(frozen=True)
class L1:
    """The penalty ``strength · Σ |w|`` over all weight matrices, not the biases.

    Tibshirani, "Regression shrinkage and selection via the lasso", 1996. The derivative of
    ``|w|`` at zero is taken as zero.

    Parameters
    ----------
    strength : float
        Not negative. In a program it is the constant ``l1_strength``, printed as λ₁.
    """

    strength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", checked_number("L1 strength", self.strength, least=0))

    def term(self, weights: Iterable[Tensor]) -> Expr:
        """Return the penalty as a term of the cost."""
        strength = constant("l1_strength", self.strength, symbol=r"\lambda_1").element
        return Plus(*(strength * Sum(Abs(w.element), *w.indices) for w in weights))


@checks_options
@dataclass(frozen=True)
class L2:
    """The penalty ``strength/2 · Σ w²`` over all weight matrices, not the biases.

    Nielsen, "Neural Networks and Deep Learning", eq. (85), with λ/n written as one number, so
    that it does not depend on the size of the training set.

    Parameters
    ----------
    strength : float
        Not negative. In a program it is the constant ``l2_strength``, printed as λ.

    Examples
    --------
    >>> import symbp as bp
    >>> W = bp.parameter("W", *bp.indices("j k", 3, 2))
    >>> L2(0.1).term([W])
    l2_strength*Sum(W[j, k]**2, j, k)/2
    """

    strength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", checked_number("L2 strength", self.strength, least=0))

    def term(self, weights: Iterable[Tensor]) -> Expr:
        """Return the penalty as a term of the cost."""
        strength = constant("l2_strength", self.strength, symbol=r"\lambda").element
        return Plus(*(strength / 2 * Sum(w.element**2, *w.indices) for w in weights))


def checked_penalties(value: object) -> tuple[Penalty, ...]:
    """Return one penalty, several or none as a tuple."""
    penalties = () if value is None else value if isinstance(value, (tuple, list)) else (value,)
    for penalty in penalties:
        if not isinstance(penalty, Penalty) or isinstance(penalty, type):
            raise SymbpError(
                f"penalty {penalty!r}: expected bp.L1(strength), bp.L2(strength) or a list of them"
            )
    if len({type(penalty) for penalty in penalties}) < len(penalties):
        raise SymbpError("penalty: each kind can be given once; add the strengths")
    return tuple(penalties)
