"""The phase of a program as a condition: what differs between training and inference.

``where(is_training, batch_mean[j], m[j])`` is one value while a program is trained and another
when it is used. :mod:`symbp.calculus.phases` chooses; after that the condition is gone.
"""

from typing import Any, NoReturn

from sympy.core.basic import Atom
from sympy.logic.boolalg import Boolean

from symbp.notation.errors import OperandError

__all__ = ["Phase", "is_training"]


class Phase(Boolean, Atom):
    """Whether the program is being trained: a condition for ``where``."""

    is_Boolean = True

    def _sympystr(self, printer: Any) -> str:
        return "is_training"

    def _latex(self, printer: Any) -> str:
        return r"\text{training}"

    def _hashable_content(self) -> tuple[Any, ...]:
        return ()

    def __bool__(self) -> NoReturn:
        raise OperandError(
            "is_training is a condition, neither true nor false before a program is used: write "
            "bp.where(bp.is_training, a, b) for `a if is_training else b`"
        )


#: Holds in a gradient, a step and an epoch; does not in ``predict``, ``loss`` and evaluation.
is_training = Phase()
