"""phases: the two programs that one is, for training and for inference.

A condition :data:`symbp.is_training` chooses between two values of one equation. The training form
is what is differentiated and stepped; it holds the next values of states. The inference form is
what ``predict``, ``loss`` and evaluation compute; it changes nothing. Neither has the condition,
nor equations that only the other needs, so that no later pass knows of it. Noise is its mean in
the inference form.
"""

import sympy
from sympy.logic.boolalg import Boolean

from symbp.calculus.noise import at_mean
from symbp.notation.phase import Phase
from symbp.notation.program import Program

__all__ = ["inference_form", "training_form"]


def training_form(program: Program) -> Program:
    """Return what is computed in a gradient, a step and an epoch.

    Parameters
    ----------
    program : Program
        As its author wrote it. One without phases is its own training form.

    Examples
    --------
    >>> import symbp as bp
    >>> w, C = bp.parameter("w"), bp.tensor("C")
    >>> program = bp.Program([bp.Equation(C, bp.where(bp.is_training, w, 2 * w) ** 2)], cost=C)
    >>> print(training_form(program))
    C = w**2
    """
    return _chosen(program, sympy.true)


def inference_form(program: Program) -> Program:
    """Return what is computed by ``predict``, ``loss`` and evaluation: no state gets a value.

    Parameters
    ----------
    program : Program
        As its author wrote it. One without phases and states is its own inference form.

    Examples
    --------
    >>> import symbp as bp
    >>> w, C = bp.parameter("w"), bp.tensor("C")
    >>> program = bp.Program([bp.Equation(C, bp.where(bp.is_training, w, 2 * w) ** 2)], cost=C)
    >>> print(inference_form(program))
    C = (2*w)**2
    """
    if not program.updates:
        return at_mean(_chosen(program, sympy.false))
    still = program.replace(updates=(), equations=program.equations, passed=program.passed)
    chosen = _chosen(still, sympy.false)
    return at_mean(chosen.prune(chosen.roots))


def _chosen(program: Program, truth: Boolean) -> Program:
    """Return the program in which each condition on the phase has a truth value."""
    phased = [equation.body.has(Phase) for equation in program.equations]
    if not any(phased):
        return program
    equations = tuple(
        equation.replace(body=_settled(equation.body, truth)) if has else equation
        for equation, has in zip(program.equations, phased, strict=True)
    )
    made = program.replace(equations=equations)
    return made.prune(made.roots)


def _settled(body: sympy.Expr, truth: Boolean) -> sympy.Expr:
    phases = body.atoms(Phase)
    return body.xreplace(dict.fromkeys(phases, truth))
