"""logsumexp: write a log-sum-exp reduction as a maximum, a sum and an elementwise equation."""

import sys

import sympy

from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import log1p, where
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.standard import exp, log
from symbp.notation.tensor import Tensor

__all__ = ["lower_logsumexp"]

# Below it, a maximum is finite: the largest number of float64, which float32 reads as infinity.
_LARGEST = sympy.Float(sys.float_info.max, 17)


def lower_logsumexp(program: Program) -> Program:
    """Return the program with ``L = logsumexp_k u`` as ``m = max_k u``, ``s = Σ exp(u - m)`` and
    ``L = m + log(s)``, which cannot overflow.

    Where the sum was written by hand, s is without the largest terms, and the logarithm log1p.
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
        finite = where(sympy.And(largest > -_LARGEST, largest < _LARGEST), largest, 0)
        equations += [
            Equation(largest, equation.body, equation.reduce, "max", origin=origin),
            Equation(shift, finite, origin=origin),
        ]
        body, over = equation.body, equation.reduce
        if equation.origin.rule == "stabilise":
            # A sum of exponentials by hand may be read for what it differs from 1 by.
            ties = _like(equation.tensor, "ties", names)[lhs.args]
            at_top = sympy.Eq(body, shift)
            equations += [
                Equation(ties, where(at_top, 1, 0), over, origin=origin),
                Equation(total, where(at_top, 0, exp(body - shift)), over, origin=origin),
                Equation(lhs, shift + log1p(total + (ties - 1)), origin=origin),
            ]
        else:
            equations += [
                Equation(total, exp(body - shift), over, origin=origin),
                Equation(lhs, shift + log(total), origin=origin),
            ]
    return program.replace(equations=tuple(equations))


def _like(tensor: Tensor, suffix: str, names: set[str]) -> Tensor:
    return tensor.like(fresh_name(f"{tensor.name}_{suffix}", names))
