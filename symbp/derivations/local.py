"""The derivative of one tensor's element by another's, by name: ``∂z_j/∂a_k`` before its value.

It is printed and never evaluated; a derivation says in another line what it is.
"""

from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Written
from symbp.notation.tensor import Element

__all__ = ["LocalDerivative"]


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
