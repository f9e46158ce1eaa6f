"""order: the stages of a program in the order in which its loops are written.

A topological order of the dependence graph that keeps loops of the same extent together, so that
neighbours can be fused; what takes over the memory of a tensor comes after all who read it.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence

from symbp.calculus.schedule import Stage
from symbp.notation.dependence import components
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["in_order", "with_fresh_indices"]

Aliases = Mapping[Tensor, Tensor]


def with_fresh_indices(stage: Stage) -> Stage:
    """Rename every equation's indices apart; a recurrence's steps become one index."""
    step = stage.steps[0].fresh() if stage.steps else None
    renamed = []
    for position, equation in enumerate(stage.equations):
        names: dict[Index, Index] = {index: index.fresh() for index in equation.domain}
        if step is not None:
            names[stage.steps[position]] = step
        renamed.append(equation.rename(names))
    steps = (step,) * len(stage.steps) if step is not None else ()
    return Stage(tuple(renamed), steps, stage.upwards)


def in_order(
    stages: Sequence[Stage], aliases: Aliases, kind: Callable[[Stage], object]
) -> list[Stage]:
    """Return the stages so that each comes after what it needs, those of one kind together.

    Parameters
    ----------
    stages : sequence of Stage
        In any order.
    aliases : mapping of Tensor to Tensor
        For each tensor that is computed in place, the tensor whose memory it takes over.
    kind : callable
        What makes two stages neighbours; None for a stage that has none.
    """
    needs = _needs(stages, aliases)
    if any(len(component) > 1 for component in components(needs)):
        raise AssertionError("aliases are chosen so that no update is read too late")
    followers: list[list[int]] = [[] for _ in stages]
    for position, before in enumerate(needs):
        for earlier in before:
            followers[earlier].append(position)
    missing = [len(before) for before in needs]
    kinds = [kind(stage) for stage in stages]
    ready: list[int] = []
    ready_of: dict[object, list[int]] = {}

    def becomes_ready(position: int) -> None:
        heapq.heappush(ready, position)
        heapq.heappush(ready_of.setdefault(kinds[position], []), position)

    for position, number in enumerate(missing):
        if not number:
            becomes_ready(position)
    done: dict[int, None] = {}
    last: object = None
    while len(done) < len(stages):
        same = ready_of.get(last) if last is not None else None
        chosen = heapq.heappop(same or ready)
        if chosen in done:
            continue  # it was taken from the other heap
        last = kinds[chosen]
        done[chosen] = None
        for later in followers[chosen]:
            missing[later] -= 1
            if not missing[later]:
                becomes_ready(later)
    return [stages[position] for position in done]


def _needs(stages: Sequence[Stage], aliases: Aliases) -> list[list[int]]:
    """Return the stages that each stage comes after."""
    writers: dict[Tensor, list[int]] = {}
    starts: dict[Tensor, int] = {}
    for position, stage in enumerate(stages):
        for equation in stage.equations:
            writers.setdefault(equation.tensor, []).append(position)
            if not equation.accumulate:
                starts.setdefault(equation.tensor, position)
    successors: dict[Tensor, list[Tensor]] = {}
    for new, old in aliases.items():
        successors.setdefault(old, []).append(new)
    read = [{e.tensor for equation in s.equations for e in equation.reads()} for s in stages]
    needs: list[set[int]] = [set() for _ in stages]
    for position, stage in enumerate(stages):
        for equation in stage.equations:
            for element in equation.reads():
                needs[position].update(writers.get(element.tensor, ()))
                # What takes over the memory of a tensor comes after all who read it.
                for new in successors.get(element.tensor, ()):
                    if equation.tensor is not new:
                        for writer in writers.get(new, ()):
                            needs[writer].add(position)
            if equation.accumulate:
                # Terms are added in their order: what a product begins, a loop goes on with. But a
                # recurrence that reads what it adds to comes after what is added outside of it.
                earlier = [w for w in writers[equation.tensor] if w < position]
                earlier.append(starts.get(equation.tensor, position))
                needs[position].update(w for w in earlier if equation.tensor not in read[w])
    return [sorted(before - {position}) for position, before in enumerate(needs)]
