"""jacobians: the derivatives of any tensor of a program, as a derivation.

The same as the derivatives that stand in equations (:mod:`symbp.calculus.derivative`), asked for
from outside: of each element of the tensor by each of another one, in reverse mode.
"""

from collections.abc import Iterable
from typing import Any

import sympy

from symbp.calculus.per_example import per_example
from symbp.derivations.derivation import Derivation
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.operand_derivatives import written_out
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError, suggest
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.reductions import Mean
from symbp.notation.tensor import Element, Tensor

__all__ = ["jacobians", "tensor_of", "variables_of"]


def tensor_of(program: Program, asked: Tensor | str | Element, option: str) -> Tensor:
    """Return the tensor that is asked for, of a program; ``option`` opens the message."""
    if isinstance(asked, Element):
        asked = asked.tensor
    for tensor in program.tensors:
        if tensor is asked or tensor.name == getattr(asked, "name", asked):
            if tensor.kind == "integer":
                raise NotationError(f"{option}={tensor.name}: it is of integers, and has no slope")
            return tensor
    name = asked if isinstance(asked, str) else getattr(asked, "name", repr(asked))
    known = [tensor.name for tensor in program.tensors]
    raise NotationError(f"{option}: no tensor {name!r} in this program: {suggest(name, known)}")


def variables_of(
    program: Program, wrt: Tensor | str | Iterable[Tensor | str]
) -> tuple[Tensor, ...]:
    """Return the tensors to differentiate by."""
    single = isinstance(wrt, (str, Tensor, Element))
    if not single and not isinstance(wrt, Iterable):
        raise NotationError(f"wrt: expected tensors or their names, got {wrt!r}")
    asked: list[Any] = [wrt] if single else list(wrt)
    if not asked:
        raise NotationError("wrt: expected a tensor to differentiate by, got none")
    return tuple(dict.fromkeys(tensor_of(program, each, "wrt") for each in asked))


def jacobians(program: Program, of: Tensor, wrt: tuple[Tensor, ...] | None) -> Derivation:
    """Derive the derivatives of a tensor by others.

    Parameters
    ----------
    program : Program
        As its author wrote it.
    of : Tensor
        One that an equation defines.
    wrt : tuple of Tensor, optional
        By default the parameters that it depends on.
    """
    if not program.equations_of(of):
        raise NotationError(f"of={of.name}: no equation defines it, so there is nothing to derive")
    needed = program.depends_on([of])
    variables = wrt or tuple(p for p in program.parameters if p in needed)
    if not variables:
        raise NotationError(f"of={of.name}: it depends on no parameter; say by what, wrt=…")
    whole = program.prune([of])
    written = _of_one_example(whole, of)
    names = {tensor.name: tensor for tensor in (whole if written is None else written).tensors}
    shown = (whole if written is None else written).replace(cost=None, output=None)
    taken = set(names)
    result = names[of.name]
    asked: list[tuple[Tensor, Derivative | None]] = []
    for variable in variables:
        by = names.get(variable.name)
        above = result[tuple(Index(i.name, i.extent) for i in result.indices)]
        below = None if by is None else by[tuple(Index(i.name, i.extent) for i in by.indices)]
        asked.append(
            (variable, None if below is None else Derivative(above, below, mode="reverse"))
        )
    extra = []
    for _, derivative in asked:
        if derivative is not None:
            axes = tuple(a for element in derivative.args for a in element.args)
            name = Tensor(fresh_name("asked", taken), axes)
            extra.append(Equation(name.element, derivative, origin=Origin("derivative")))
    found, made = written_out(shown.replace(equations=(*shown.equations, *extra)), result)
    gradients: list[tuple[Tensor, Tensor]] = []
    for variable, derivative in asked:
        value = sympy.S.Zero if derivative is None else found.named(derivative)
        if isinstance(value, Element):
            gradients.append((variable, value.tensor))
            continue
        axes = tuple(i.fresh() for i in (*result.indices, *variable.indices))
        parts = (result[axes[: result.rank]], variable[axes[result.rank :]])
        zero = Tensor(fresh_name(f"d{of.name}_d{variable.name}", taken), axes, partial_of=parts)
        made[zero] = [Equation(zero.element, value, origin=Origin("derivative"))]
        gradients.append((variable, zero))
    lines = tuple(DerivedEquation(tuple(own), result, tuple(own)) for own in made.values())
    return Derivation(
        program=program,
        per_example=written is not None,
        forward=tuple(DerivedEquation((e,), result, (e,)) for e in shown.equations),
        backward=lines,
        chains=lines,
        links=lines,
        differentiated=found.program,
        gradients=tuple(gradients),
        of=of,
    )


def _of_one_example(program: Program, of: Tensor) -> Program | None:
    """Return the equations of one example, where examples do not depend on each other."""
    if program.batch not in of.shape:
        return None
    names = {tensor.name for tensor in program.tensors}
    mean = Tensor(fresh_name("mean", names))
    body = Mean(of.element, *of.indices)
    total = Equation(mean.element, body, origin=Origin("root"))
    single = per_example(program.replace(equations=(*program.equations, total), cost=mean))
    if single is None:
        return None
    kept = tuple(e for e in single.equations if e.tensor is not mean)
    return single.replace(equations=kept, cost=None)
