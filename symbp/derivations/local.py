"""The derivative of one tensor's element by another's, by name: ``∂z_j/∂a_k`` before its value.

It is printed and never evaluated; a derivation says in another line what it is.
"""

from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Written
from symbp.notation.tensor import Element, Tensor

__all__ = ["LocalDerivative", "chain"]


class LocalDerivative(Written, Expr):
    """The partial derivative of an element by one that its equation reads.

    Parameters
    ----------
    above, below : Element
        What is differentiated, and by what.
    direct : bool, default False
        Whether only what the equation itself says is meant, where ∂above/∂below is also the
        name of the whole derivative.
    """

    is_commutative = True
    is_real = True
    is_number = False

    def __new__(cls, above: Element, below: Element, direct: Any = False) -> "LocalDerivative":
        """Return the name of the derivative."""
        made: LocalDerivative = super().__new__(cls, above, below, sympy.Integer(bool(direct)))
        return made

    @property
    def above(self) -> Element:
        """What is differentiated."""
        above: Element = self.args[0]
        return above

    @property
    def below(self) -> Element:
        """What it is differentiated by."""
        below: Element = self.args[1]
        return below

    @property
    def direct(self) -> bool:
        """Whether only the direct dependence is meant."""
        return bool(self.args[2])

    def _sympystr(self, printer: Any) -> str:
        direct = "|direct" if self.direct else ""
        return f"∂{printer._print(self.above)}/∂{printer._print(self.below)}{direct}"


def chain(tensor: Tensor) -> tuple[Element, tuple[Element, ...]]:
    """Return what a derivative in a program is of, and what by, in the tensor's own indices.

    ``∂(∂u/∂x)/∂y`` is of u, by x and y; a derivative by a derivative is of what it says.
    """
    assert tensor.partial_of is not None, "the caller looked"
    above, *below = tensor.partial_of
    if above.tensor.partial_of is None or any(e.tensor.partial_of for e in below):
        return above, tuple(below)
    inner, before = chain(above.tensor)
    names = dict(zip(above.tensor.indices, above.args, strict=True))
    return inner.xreplace(names), (*(e.xreplace(names) for e in before), *below)
