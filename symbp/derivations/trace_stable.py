"""Gradients of a trace that are as stable as those of a module.

The graph of a trace is the formula as it was written: its nodes are the operations, and the step
back from one to the next can lead out of range, ``0 · ∞``, where the derivative is an ordinary
number. The gradient with respect to what is given is therefore that of the stable program
(:mod:`symbp.calculus.stabilise`); and that of an operation in between, if the steps lead to no
number, is that of the rest of the formula, with the operation's value as what is given.
"""

import math
from collections.abc import Mapping
from typing import Any

from symbp.calculus.interpreter import interpret
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from symbp.derivations.trace_values import Scalars
from symbp.notation.equation import Equation
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["stable_gradients"]

# Each of these costs a derivation of its own.
_MOST_NODES = 100


def stable_gradients(
    program: Program,
    stable: Program,
    scalars: Scalars,
    numbers: Mapping[str, Any],
    written: Mapping[Tensor, float],
) -> dict[Tensor, float]:
    """Return the gradients that differ from what the steps back give.

    Parameters
    ----------
    program : Program
        The elementary operations.
    stable : Program
        The same, made stable.
    scalars : Scalars
        What is given.
    numbers : mapping of str to array
        The value of each operation.
    written : mapping of Tensor to float
        The gradients that the steps back give.
    """
    unclear = [t for t in scalars.varying if math.isnan(written.get(t, 0.0))]
    same = all(a.body is b.body for a, b in zip(program.equations, stable.equations, strict=False))
    if same and not unclear:
        return {}
    assert program.cost is not None
    result = {} if same else _gradients(stable, scalars)
    unclear = [t for t in scalars.varying if math.isnan(result.get(t, written.get(t, 0.0)))]
    if unclear:
        # At a pole: the steps back from 1/x² at 0 are ∞ · 0, and the derivative of x⁻² is -∞.
        whole = _gradients(stabilise(scalars.program), scalars)
        result |= {tensor: whole[tensor] for tensor in unclear if math.isinf(whole[tensor])}
    unknown = [
        equation
        for equation in program.equations
        if equation.tensor is not program.cost and math.isnan(written.get(equation.tensor, 0.0))
    ]
    for equation in unknown[-_MOST_NODES:]:
        value = float(numbers[equation.tensor.name])
        result[equation.tensor] = _gradient_of_rest(program, equation, value, scalars.numbers)
        finite = math.isfinite(numbers[program.cost.name])
        if math.isnan(result[equation.tensor]) and math.isinf(value) and finite:
            # What stays finite at infinity does not depend on it there.
            result[equation.tensor] = 0.0
    return result


def _gradients(program: Program, scalars: Scalars) -> dict[Tensor, float]:
    derived = reverse(program, scalars.varying)
    found = interpret(derived, scalars.numbers)
    return {tensor: float(found[adjoint.name]) for tensor, adjoint in derived.gradients}


def _gradient_of_rest(
    program: Program, cut: Equation, value: float, given: Mapping[str, float]
) -> float:
    """Return the derivative of the cost with respect to an operation, from what comes after it."""
    assert program.cost is not None
    name = fresh_name("cut", {tensor.name for tensor in program.tensors})
    held = Tensor(name, (), "parameter")
    names = {cut.lhs: held[()]}
    equations = tuple(e.rename(names) for e in program.equations if e is not cut)
    rest = program.replace(equations=equations).prune([program.cost])
    derived = reverse(stabilise(rest), [held])
    adjoint = dict(derived.gradients)[held]
    return float(interpret(derived, {**given, name: value})[adjoint.name])
