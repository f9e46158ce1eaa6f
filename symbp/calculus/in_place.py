"""in_place: which parameters and states an update may overwrite while it is computed.

An update ``W_next = W - …`` takes over the memory of W when it reads no element of W but the one
that it replaces, and when everything else that reads W can run before it.
"""

from collections.abc import Mapping, Sequence

from symbp.notation.dependence import components
from symbp.notation.equation import Equation
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["in_place_updates"]


def in_place_updates(program: Program) -> tuple[dict[Tensor, Tensor], set[Tensor]]:
    """Choose the updates that are computed in the memory of what they replace.

    Returns
    -------
    dict of Tensor to Tensor
        For each update in place, the tensor whose memory it takes over.
    set of Tensor
        The updates that need memory of their own, to be copied at the end.
    """
    wanted = {new: old for old, new in program.updates if old.rank}
    writers: dict[Tensor, list[Equation]] = {new: [] for new in wanted}
    for equation in program.equations:
        if equation.tensor in wanted:
            writers[equation.tensor].append(equation)
    aliases = {new: old for new, old in wanted.items() if _reads_in_place(writers[new], old)}
    while aliases:
        blocked = _blocked(program.equations, aliases)
        if blocked is None:
            break
        for new in blocked:
            aliases.pop(new, None)
    return aliases, set(wanted) - set(aliases)


def _reads_in_place(writers: Sequence[Equation], old: Tensor) -> bool:
    """Whether what replaces a tensor reads its elements only where it replaces them, and before."""
    return all(
        element.args == equation.lhs.args and not (equation.accumulate or equation.reduce)
        for equation in writers
        for element in equation.reads()
        if element.tensor is old
    )


def _blocked(equations: Sequence[Equation], aliases: Mapping[Tensor, Tensor]) -> set[Tensor] | None:
    """Return the in-place updates that stand in each other's way, or None."""
    writers: dict[Tensor, list[int]] = {}
    for position, equation in enumerate(equations):
        writers.setdefault(equation.tensor, []).append(position)
    successors: dict[Tensor, list[Tensor]] = {}
    for new, old in aliases.items():
        successors.setdefault(old, []).append(new)
    needs: list[set[int]] = [set() for _ in equations]
    for position, equation in enumerate(equations):
        for element in equation.reads():
            needs[position].update(writers.get(element.tensor, ()))
            for new in successors.get(element.tensor, ()):
                if equation.tensor is not new:
                    for writer in writers.get(new, ()):
                        needs[writer].add(position)
    for component in components([sorted(n - {p}) for p, n in enumerate(needs)]):
        blocked = {equations[p].tensor for p in component} & set(aliases)
        if len(component) > 1 and blocked:
            return blocked
    return None
