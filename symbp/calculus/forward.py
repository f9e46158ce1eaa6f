"""forward: differentiate a program in forward mode; the one rule read the other way.

For an equation ``lhs[f] = reduce_r body`` the tangent is ``lhs̊[f] = Σ_r Σ_e p · T̊[e]`` over the
occurrences ``T[e]`` in the body, with ``p = ∂body/∂T[e]``.
"""

from collections.abc import Iterable

import sympy

from symbp.calculus.partial import partial, scaled
from symbp.calculus.reverse import reduction_factor
from symbp.notation.arithmetic import sum_of
from symbp.notation.equation import Equation, Origin, elements_of
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["forward"]


def forward(
    program: Program, wrt: Iterable[Tensor] | None = None
) -> tuple[Program, dict[Tensor, Tensor]]:
    """Return the program with the equations of its tangents.

    Parameters
    ----------
    program : Program
        A normalised program.
    wrt : iterable of Tensor, optional
        The tensors that vary; by default the parameters. Each gets a tangent of role input.

    Returns
    -------
    Program
        The equations and, after each, that of its tangent.
    dict of Tensor to Tensor
        The tangent of every tensor that varies.
    """
    names = {tensor.name for tensor in program.tensors}

    def tangent_of(tensor: Tensor, role: str) -> Tensor:
        name = fresh_name(f"{tensor.name}_tangent", names)
        return tensor.like(name, role)  # type: ignore[arg-type]

    varying = tuple(program.parameters if wrt is None else wrt)
    tangents = {tensor: tangent_of(tensor, "input") for tensor in varying}
    for equation in program.equations:
        if equation.tensor not in tangents and _depends(program, equation.tensor, varying):
            tangents[equation.tensor] = tangent_of(equation.tensor, "intermediate")
    equations: list[Equation] = []
    started: set[Tensor] = set()
    for equation in program.equations:
        equations.append(equation)
        if equation.tensor not in tangents:
            continue
        factor, helpers = reduction_factor(equation, names)
        body = sympy.S.Zero
        for occurrence in elements_of(equation.body):
            if occurrence.tensor in tangents:
                p = partial(equation.body, occurrence)
                tangent = tangents[occurrence.tensor][occurrence.args]
                body = sum_of(body, scaled(tangent, scaled(factor, p)))
        target = tangents[equation.tensor]
        if body == 0 and target in started:
            continue
        equations.extend(helpers if body != 0 else [])
        equations.append(
            Equation(
                target[equation.lhs.args],
                body,
                equation.reduce,
                accumulate=target in started,
                origin=Origin("forward", equation),
            )
        )
        started.add(target)
    return program.replace(equations=tuple(equations)), tangents


def _depends(program: Program, tensor: Tensor, varying: tuple[Tensor, ...]) -> bool:
    return bool(program.depends_on([tensor]) & set(varying))
