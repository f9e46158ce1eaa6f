"""replicate: one more index on some tensors, and on all that depends on them.

``z[n, j] = Σ_k W[j, k] x[n, k]`` with a tangent ``W̊[j, k]`` for each of R directions is the same
equation with ``W̊[j, k, r]``; what depends on no direction stays as it is. A Jacobian is a tangent
for each direction, the gradients of single examples are a gradient for each example: both are
ordinary equations with an index more (what JAX calls ``vmap``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["replicate"]


def replicate(
    program: Program,
    seeds: Mapping[Tensor, Tensor],
    indices: Sequence[Index],
    place: Literal["first", "last"] = "first",
) -> tuple[Program, dict[Tensor, Tensor]]:
    """Return the program for all values of some indices at once.

    Parameters
    ----------
    program : Program
        A normalised program; derived equations may stand in it.
    seeds : mapping of Tensor to Tensor
        What differs from replica to replica, and what it is replaced by: a tensor of the same
        axes with those of the indices in addition.
    indices : sequence of Index
        The axes to add; not sequential, or they would be taken for time.
    place : {"first", "last"}
        Whether they come before a tensor's own axes or after them.

    Returns
    -------
    Program
        What depends on a seed has the axes too, and has kept its name. A cost of several replicas
        is none.
    dict of Tensor to Tensor
        What each such tensor has become.

    Examples
    --------
    >>> import symbp as bp
    >>> k, n = bp.Index("k", 3), bp.Index("n", "N")
    >>> w, x, f = bp.parameter("w", k), bp.input("x", k), bp.tensor("f")
    >>> program = bp.Program([bp.Equation(f, w[k] * x[k] ** 2, reduce=(k,))])
    >>> print(replicate(program, {x: bp.input("x", n, k)}, [n])[0])
    f[n] = sum_{k} w[k]*x[n, k]**2
    """
    made: dict[Tensor, Tensor] = dict(seeds)
    added = tuple(indices)
    changed = True
    while changed:  # a recurrence needs more than one sweep
        changed = False
        for equation in program.equations:
            tensor = equation.tensor
            if tensor not in made and any(e.tensor in made for e in equation.reads()):
                made[tensor] = _extended(tensor, added, place)
                changed = True

    def rewritten(node: Any) -> Any:
        if not node.has(Element):
            return node
        arguments = [rewritten(argument) for argument in node.args]
        if not isinstance(node, Element):
            return node.func(*arguments)
        if node.tensor in made:
            arguments = [*added, *arguments] if place == "first" else [*arguments, *added]
        return Element(made.get(node.tensor, node.tensor), *arguments, serial=node.serial)

    def one(equation: Equation) -> Equation:
        return equation.replace(lhs=rewritten(equation.lhs), body=rewritten(equation.body))

    def now(tensor: Tensor | None) -> Tensor | None:
        return tensor if tensor is None else made.get(tensor, tensor)

    return program.replace(
        equations=tuple(one(equation) for equation in program.equations),
        cost=None if program.cost in made else program.cost,
        output=now(program.output),
        gradients=tuple((made.get(a, a), made.get(b, b)) for a, b in program.gradients),
        results=tuple(made.get(tensor, tensor) for tensor in program.results),
    ), made


def _extended(tensor: Tensor, added: tuple[Index, ...], place: str) -> Tensor:
    indices = (*added, *tensor.indices) if place == "first" else (*tensor.indices, *added)
    return Tensor(
        tensor.name,
        indices,
        tensor.role,
        symbol=tensor.symbol,
        label=tensor.label,
        adjoint_symbol=tensor.adjoint_symbol,
        adjoint_of=tensor.adjoint_of,
    )
