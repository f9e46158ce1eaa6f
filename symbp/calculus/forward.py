"""forward: differentiate a program in forward mode; the one rule read the other way.

For an equation ``lhs[f] = reduce_r body`` the tangent is ``lhs̊[f] = Σ_r Σ_e p · T̊[e]`` over the
occurrences ``T[e]`` in the body, with ``p = ∂body/∂T[e]``.
"""

from collections.abc import Iterable

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import Residual, has_residual, residual
from symbp.calculus.norms import mark_norms
from symbp.calculus.partial import partial, scaled
from symbp.calculus.ranges import Ranges
from symbp.calculus.reverse import reduction_factor
from symbp.notation.collected import sum_of
from symbp.notation.equation import Equation, Origin, elements_of
from symbp.notation.forms import Form, check_door
from symbp.notation.functions import where
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["forward"]


def forward(
    program: Program, wrt: Iterable[Tensor] | None = None, of: Iterable[Tensor] = ()
) -> tuple[Program, dict[Tensor, Tensor]]:
    """Return the program with the equations of its tangents.

    Parameters
    ----------
    program : Program
        A normalised program.
    wrt : iterable of Tensor, optional
        The tensors that vary; by default the parameters. Each gets a tangent of role input.
    of : iterable of Tensor, optional
        What gets a tangent even where it does not vary: one of zeros.

    Returns
    -------
    Program
        The equations and, after each, that of its tangent. A differentiated program may be
        differentiated again: the tangents of its gradients are a Hessian times a vector.
    dict of Tensor to Tensor
        The tangent of every tensor that varies.

    Examples
    --------
    >>> import symbp as bp
    >>> from symbp.calculus.reverse import reverse
    >>> w, f = bp.parameter("w"), bp.tensor("f")
    >>> derived = reverse(bp.Program([bp.Equation(f, w**3)], cost=f))
    >>> print(forward(derived)[0])
    f = w**3
    f_tangent = 3*w_tangent*w**2
    w_adjoint = 3*w**2
    w_adjoint_tangent = 6*w_tangent*w
    """
    check_door("forward", program.forms, Form.NORMALISED)
    program = mark_norms(program)
    ranges = Ranges(program)
    names = {tensor.name for tensor in program.tensors}

    def product(tangent: Expr, p: Expr) -> Expr:
        result = ranges.product(tangent, p)
        if ranges.of(tangent).finite or p.is_number or not ranges.of(p).holds_zero:
            return result
        # A tangent that is not finite ends where what it is multiplied by is exactly 0.
        return where(sympy.Eq(p, 0), 0, result)

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
        ranges.learn(helpers)

        def tangent_of_body(part: Equation, factor: Expr, zero: Residual | None = None) -> Expr:
            sums = bool(part.reduce)
            body = sympy.S.Zero
            for occurrence in elements_of(part.body):
                if occurrence.tensor in tangents and not (zero and zero.holds(occurrence)):
                    p = ranges.relaxed(partial(part.body, occurrence))
                    p = scaled(factor, p, ranges.product)
                    tangent = tangents[occurrence.tensor][occurrence.args]
                    body = sum_of(body, scaled(tangent, p, ranges.product if sums else product))
            return body

        target = tangents[equation.tensor]
        if has_residual(equation):
            zero = residual(equation, names)
            of_zero: list[Equation] = []
            place = zero.equations[0].lhs
            moving = place.tensor.like(fresh_name(f"{place.tensor.name}_tangent", names))
            for part in zero.equations:
                body = tangent_of_body(part, sympy.S.One, zero)
                if body != 0 or (part is zero.equations[-1] and not of_zero):
                    origin = Origin("forward", part)
                    added = bool(of_zero)
                    rest = part.reduce if body != 0 else ()
                    of_zero.append(
                        Equation(moving[place.args], body, rest, accumulate=added, origin=origin)
                    )
            of_zero += zero.tangent(moving[place.args], target[equation.lhs.args])
            equations.extend(of_zero)
            ranges.learn(of_zero)
            started.add(target)
            continue
        body = tangent_of_body(equation, factor)
        if body == 0 and target in started:
            continue
        equations.extend(helpers if body != 0 else [])
        made = Equation(
            target[equation.lhs.args],
            body,
            equation.reduce,
            accumulate=target in started,
            origin=Origin("forward", equation),
        )
        equations.append(made)
        ranges.learn([made])
        started.add(target)
    for tensor in of:
        if tensor not in tangents:
            tangents[tensor] = tangent_of(tensor, "intermediate")
            places = tuple(index.fresh() for index in tensor.indices)
            equations.append(Equation(tangents[tensor][places], 0, origin=Origin("forward")))
    passed = program.passed & Form.STABLE | Form.NORMALISED | Form.DIFFERENTIATED
    return program.replace(equations=tuple(equations), passed=passed), tangents


def _depends(program: Program, tensor: Tensor, varying: tuple[Tensor, ...]) -> bool:
    return bool(program.depends_on([tensor]) & set(varying))
