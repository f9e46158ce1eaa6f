"""logsumexp: write a log-sum-exp reduction as a maximum, a sum and an elementwise equation."""

import sympy

from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import where
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.standard import exp, log
from symbp.notation.tensor import Tensor

__all__ = ["lower_logsumexp"]

# Beyond it, a maximum counts as infinite: just below the largest number of float32.
_LARGE = sympy.Float(3e38)


def lower_logsumexp(program: Program) -> Program:
    """Return the program with ``L = logsumexp_k u`` as ``m = max_k u``, ``s = Σ exp(u - m)`` and
    ``L = m + log(s)``, which cannot overflow.
    """  # noqa: D205 - the formula does not fit in one line
    names = {tensor.name for tensor in program.tensors}
    equations: list[Equation] = []
    for equation in program.equations:
        if equation.operation != "logsumexp":
            equations.append(equation)
            continue
        lhs, origin = equation.lhs, Origin("logsumexp", equation)
        largest = _like(equation.tensor, "max", names)[lhs.args]
        shift = _like(equation.tensor, "shift", names)[lhs.args]
        total = _like(equation.tensor, "sum", names)[lhs.args]
        # An infinite maximum must not be subtracted from itself. Compared with a number, because
        # SymPy takes a real expression for finite and would drop a comparison with infinity.
        finite = where(sympy.And(largest > -_LARGE, largest < _LARGE), largest, 0)
        equations += [
            Equation(largest, equation.body, equation.reduce, "max", origin=origin),
            Equation(shift, finite, origin=origin),
            Equation(total, exp(equation.body - shift), equation.reduce, origin=origin),
            Equation(lhs, shift + log(total), origin=origin),
        ]
    return program.replace(equations=tuple(equations))


def _like(tensor: Tensor, suffix: str, names: set[str]) -> Tensor:
    return tensor.like(fresh_name(f"{tensor.name}_{suffix}", names))
