"""time_major: what a recurrence computes lies step by step in memory.

::

    h[n, t, k], s[n, t, g]  ─►  h[t, n, k], s[t, n, g]
    x[n, t, m]              ─►  x_steps[t, n, m], a copy

A step of a recurrence works on all examples at once. With the steps outermost their rows are
neighbours: a product reads and writes one run of memory. Arguments and what is returned keep
their layout.
"""

from symbp.calculus.schedule import schedule
from symbp.notation.dependence import time_axis
from symbp.notation.equation import Equation, Origin
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["has_recurrence", "time_major"]


def has_recurrence(program: Program) -> bool:
    """Whether some equations run step by step."""
    if not any(time_axis(tensor) is not None for tensor in program.tensors):
        return False
    return any(stage.steps for stage in schedule(program.equations))


def time_major(program: Program) -> Program:
    """Return an equivalent program whose own tensors have their steps before their examples.

    Parameters
    ----------
    program : Program
        Of a batch, the first axis of its inputs.
    """
    batch = program.batch
    kept = {*program.roots, *(tensor for pair in program.updates for tensor in pair)}
    moved: dict[Tensor, Tensor] = {}
    for tensor in program.tensors:
        if tensor in kept or tensor.role != "intermediate" or tensor.kind != "real":
            continue
        if tensor.rank >= 2 and tensor.shape[0] == batch and tensor.indices[1].sequential:
            moved[tensor] = _moved(tensor, tensor.name, tensor.indices)
    copies: dict[Tensor, Tensor] = {}
    names = {tensor.name for tensor in program.tensors}
    for equation in program.equations:
        for element in equation.reads():
            given = element.tensor
            if given in copies or given.role != "input" or given.kind != "real" or given.rank < 3:
                continue
            n, t = element.args[:2]
            if given.shape[0] == batch and isinstance(t, Index) and t.sequential and n != t:
                steps = Index(given.indices[1].name, given.shape[1], sequential=True)
                indices = (given.indices[0].fresh(), steps, *(i.fresh() for i in given.indices[2:]))
                copies[given] = _moved(given, fresh_name(f"{given.name}_steps", names), indices)
    mapping = {**moved, **copies}
    definitions = [
        Equation(made.element, given[_exchanged(made.indices)], origin=Origin("time_major"))
        for given, made in copies.items()
    ]
    equations = tuple(_rewritten(equation, mapping) for equation in program.equations)
    return program.replace(equations=(*definitions, *equations))


def _exchanged(axes: tuple) -> tuple:  # type: ignore[type-arg]
    return (axes[1], axes[0], *axes[2:])


def _moved(tensor: Tensor, name: str, indices: tuple[Index, ...]) -> Tensor:
    return Tensor(
        name, _exchanged(indices), label=tensor.label, symbol=tensor.symbol,
        adjoint_symbol=tensor.adjoint_symbol, adjoint_of=tensor.adjoint_of,
    )  # fmt: skip


def _rewritten(equation: Equation, mapping: dict[Tensor, Tensor]) -> Equation:
    changes = {
        element: Element(mapping[element.tensor], *_exchanged(element.args), serial=element.serial)
        for element in (equation.lhs, *equation.reads())
        if element.tensor in mapping
    }
    if not changes:
        return equation
    lhs = changes.get(equation.lhs, equation.lhs)
    return equation.replace(lhs=lhs, body=equation.body.xreplace(changes))
