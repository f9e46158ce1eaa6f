"""Line: one line of a derivation as data. Printers read it, and it knows none of them."""

from dataclasses import dataclass

from symbp.derivations.style import NIELSEN, Style
from symbp.notation.equation import Equation
from symbp.notation.tensor import Element, Tensor

__all__ = ["Line"]


@dataclass(frozen=True, repr=False)
class Line:
    """An equation and where it comes from; a :class:`~.equations.DerivedEquation` prints itself.

    Attributes
    ----------
    equations : tuple of Equation
        What the line says: one equation, or several that add to one tensor when an index is
        shifted or read from data (a scatter). After
        :func:`symbp.calculus.normalise.normalise` the interpreter evaluates them.
    cost : Tensor
        What is differentiated: the ``C`` of ``∂C/∂w``.
    sources : tuple of Equation
        The equations that the rule gave and that this line puts together, each with its origin.
    general : bool
        Whether it stands for every layer, its labels being ``l``, ``l+1``, …, ``L``.
    renamed : bool
        Whether indices print as j, k, … whatever they are called.
    count_from : {1, 0} or None
        What the first place of an axis is called; None as where it is printed.
    style : Style
        How it prints.
    """

    equations: tuple[Equation, ...]
    cost: Tensor
    sources: tuple[Equation, ...] = ()
    general: bool = False
    renamed: bool = False
    count_from: int | None = None
    style: Style = NIELSEN

    @property
    def lhs(self) -> Element:
        """The left-hand side as it prints."""
        first = self.equations[0]
        return first.tensor.element if first.is_scatter else first.lhs

    @property
    def tensor(self) -> Tensor:
        """The tensor that is defined."""
        return self.lhs.tensor
