"""gradient_program: from a program as it was written to the equations of its gradient.

There is one way, for what is printed, for what is compiled and for what is checked::

    written ─► (textbook) ─► normalised ─► (stable) ─► differentiated

Two of its arrows are branches. What is read takes the first: the equations of one example, with
the textbook formulas of functions that state more, such as ``xlogy``. What is computed takes the
second: forms that cannot overflow. Where neither changes anything, both are the same equations.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from symbp.calculus.collapse import collapse
from symbp.calculus.derivative import define_derivatives, has_derivatives
from symbp.calculus.inline_denominators import inline_denominators
from symbp.calculus.normalise import normalise, separate
from symbp.calculus.per_example import per_example
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from symbp.calculus.zero_weights import plain_program
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["Arrow", "GradientProgram", "gradient_program", "prepared_program"]

Arrow = tuple[Callable[[Program], Program], Program]


@dataclass(frozen=True)
class GradientProgram:
    """A program at each arrow of its differentiation.

    Attributes
    ----------
    written : Program
        As it was given, or its textbook form.
    per_example : bool
        Whether that is the program of one example; cost and gradients are then means over a batch.
    normal : Program
        What was differentiated: one reduction an equation.
    differentiated : Program
        The same, followed by the equations of the adjoints.
    arrows : tuple of (callable, Program)
        Each pass that ran, and what it gave.
    """

    written: Program
    per_example: bool
    normal: Program
    differentiated: Program
    arrows: tuple[Arrow, ...] = ()


def prepared_program(program: Program, *, stable: bool = False) -> tuple[Arrow, ...]:
    """Return the arrows from a program as it was written to what is differentiated.

    Parameters
    ----------
    program : Program
        With a cost or without.
    stable : bool, default False
        Whether it is for computing: in forms that cannot overflow.
    """
    # a user's equations -> one reduction each
    passes: list[Callable[[Program], Program]] = [normalise]
    # -> in forms that cannot overflow, from which derivatives that are operands follow
    if stable and has_derivatives(program):
        passes = [separate, stabilise, inline_denominators, define_derivatives, collapse]
    elif stable:
        passes += [stabilise, inline_denominators]
    arrows: list[Arrow] = []
    for change in passes:
        program = change(program)
        arrows.append((change, program))
    return tuple(arrows)


def gradient_program(
    program: Program,
    *,
    textbook: bool = False,
    stable: bool = False,
    prepared: tuple[Arrow, ...] | None = None,
    wrt: Iterable[Tensor] | None = None,
    named: Callable[[Program], Program] | None = None,
) -> GradientProgram:
    """Derive the equations of the gradient of a program's cost by every parameter.

    Parameters
    ----------
    program : Program
        With a cost.
    textbook : bool, default False
        Whether it is for reading: of one example, where examples do not depend on each other.
    stable : bool, default False
        Whether it is for computing: in forms that cannot overflow.
    prepared : tuple of (callable, Program), optional
        What :func:`prepared_program` gave of it, where that is at hand.
    wrt : iterable of Tensor, optional
        What to differentiate by, if not the parameters.
    named : callable, optional
        For reading: gives the derivatives that are operands equations, as one would write them.

    Returns
    -------
    GradientProgram
        With the equations of the gradient.

    Raises
    ------
    NotationError
        The program has no cost.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y, f = bp.parameter("x"), bp.parameter("y"), bp.tensor("f")
    >>> program = bp.Program([bp.Equation(f, bp.sin(x) * y)], cost=f)
    >>> print(gradient_program(program).differentiated)
    f = sin(x)*y
    x_adjoint = cos(x)*y
    y_adjoint = sin(x)
    """
    written, single = program, None
    # a batch's equations -> those of one example, as a textbook writes them
    if textbook:
        written = plain_program(program)
        single = per_example(written)
        written = written if single is None else single
        written = written if named is None else named(written)
    # -> one reduction each, in forms that cannot overflow
    arrows = prepared_program(written, stable=stable) if prepared is None else prepared
    normal = arrows[-1][1]
    # -> and the equations of the gradient
    # Of one example, a tensor of the batch is another one, of the same name.
    wanted = None if wrt is None else [normal.tensor(tensor.name) for tensor in wrt]
    result = reverse(normal, wanted)
    arrows = (*arrows, (reverse, result))
    return GradientProgram(written, single is not None, normal, result, arrows)
