"""Forms: which passes a program has been through, as far as that still holds.

A pass says at its door which forms it needs and which it cannot take, so that the order of the
passes is checked where it matters. Some forms can be seen in the equations, whoever wrote them; the
others are known from the passes that have run, and are lost when equations are put in by hand.
"""

import enum
from collections.abc import Iterable

import sympy

from symbp.notation.by_identity import remembered
from symbp.notation.errors import SymbpError
from symbp.notation.functions import operation_of, stop_gradient
from symbp.notation.prime import Prime
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element

__all__ = ["NO_FORM", "Form", "PassOrderError", "check_door", "seen_in"]


# They stand in subscripts and conditions, and are no functions of real numbers.
_OF_INDICES = (sympy.floor, sympy.ceiling, sympy.Mod)


class Form(enum.Flag):
    """What a program is, after its passes.

    NORMALISED: no reduction stands inside a body.
    STABLE: what was written cannot overflow on its way to a value that is in range.
    DIFFERENTIATED: equations of derivatives are among its equations.
    UPDATED: equations of an optimizer's step are.
    EXPANDED: bodies hold functions that the generated code has, no derivative by name.
    SHARED: what is expensive is computed once.
    """

    NORMALISED = enum.auto()
    STABLE = enum.auto()
    DIFFERENTIATED = enum.auto()
    UPDATED = enum.auto()
    EXPANDED = enum.auto()
    SHARED = enum.auto()

    def __str__(self) -> str:
        return ", ".join(str(form.name).lower() for form in self) or "as it was written"


#: Of a program as it was written, before any pass.
NO_FORM = Form(0)


class PassOrderError(SymbpError):
    """A pass was run on a program that another pass should have seen before, or not yet."""


def seen_in(bodies: Iterable[sympy.Basic]) -> Form:
    """Return the forms that can be seen in the bodies of a program's equations."""
    seen = Form.NORMALISED | Form.EXPANDED
    for body in bodies:
        seen &= _seen_in(body)
    return seen


# Each pass asks of a program whose bodies are mostly those of the one before.
@remembered(4096)
def _seen_in(body: sympy.Basic) -> Form:
    seen = NO_FORM if body.has(Reduction) else Form.NORMALISED
    return seen | Form.EXPANDED if _is_written_out(body) else seen


def _is_written_out(body: sympy.Basic) -> bool:
    """Whether generated code has every function that stands in a body."""
    if body.has(Prime, Reduction, stop_gradient):
        return False
    applications = body.atoms(sympy.Function)
    return all(
        isinstance(each, (Element, *_OF_INDICES)) or not operation_of(type(each)).written_out
        for each in applications
    )


def check_door(name: str, forms: Form, needs: Form, refuses: Form = NO_FORM) -> None:
    """Raise :class:`PassOrderError` unless a program has the forms that a pass needs.

    Parameters
    ----------
    name : str
        The pass.
    forms : Form
        Of the program that it was given.
    needs, refuses : Form
        What the program has to be, and what it may not be yet.
    """
    if needs & ~forms or forms & refuses:
        unless = f" and not yet {refuses}" if refuses else ""
        raise PassOrderError(
            f"pass {name}: needs a program that is {needs}{unless}; got one that is {forms}"
        )
