"""plan: from equations to blocks: the order of execution, fused loops and BLAS calls.

Stages (see :mod:`symbp.calculus.schedule`) are listed so that loops over the same index follow
one another, then neighbouring loops are fused level by level as long as every value is complete
when it is read: one iteration reads only what the same iteration wrote.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from symbp.calculus.matrix_products import as_column_sum, as_product
from symbp.calculus.schedule import Stage, schedule
from symbp.codegen.blocks import Accumulator, Assign, Block, Fill, Loop, Product
from symbp.notation.dependence import components
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["plan"]

Aliases = Mapping[Tensor, Tensor]


@dataclass
class _Member:
    """An equation on its way into a loop nest: what is left to do is ``order[depth:]``."""

    equation: Equation
    order: tuple[Index, ...]
    first: bool
    """Whether nothing was written to the tensor before."""

    @cached_property
    def reads(self) -> tuple[Element, ...]:
        """What the equation reads."""
        return tuple(self.equation.reads())

    def renamed(self, old: Index, new: Index) -> "_Member":
        order = tuple(new if index is old else index for index in self.order)
        return _Member(self.equation.rename({old: new}), order, self.first)

    @property
    def in_register(self) -> bool:
        """Whether the reduction's loops are innermost, so that it can run in a local."""
        reduced = set(self.equation.reduce)
        tail = self.order[len(self.order) - len(reduced) :]
        return bool(reduced) and set(tail) == reduced and self.equation.lhs.is_plain


def plan(equations: Sequence[Equation], aliases: Aliases, rows_apart: bool = False) -> list[Block]:
    """Lower equations to blocks.

    Parameters
    ----------
    equations : sequence of Equation
        Normalised, with contractions of two plain tensors.
    aliases : mapping of Tensor to Tensor
        For each tensor that is computed in place, the tensor whose memory it takes over.
    rows_apart : bool
        Keep what is computed for each row apart from what is summed over the rows, so that the
        rows can be divided.

    Returns
    -------
    list of Block
        In the order in which they run.
    """
    planner = _Planner(aliases, rows_apart)
    computed = [equation for equation in equations if not planner.is_copy_in_place(equation)]
    return planner.run([_with_fresh_indices(stage) for stage in schedule(computed)])


def _with_fresh_indices(stage: Stage) -> Stage:
    """Rename every equation's indices apart; a recurrence's steps become one index."""
    step = stage.steps[0].fresh() if stage.steps else None
    renamed = []
    for position, equation in enumerate(stage.equations):
        names = {index: index.fresh() for index in equation.domain}
        if step is not None:
            names[stage.steps[position]] = step
        renamed.append(equation.rename(names))
    steps = (step,) * len(stage.steps) if step is not None else ()
    return Stage(tuple(renamed), steps, stage.upwards)


class _Planner:
    """Holds the aliases and which tensors have been written so far."""

    def __init__(self, aliases: Aliases, rows_apart: bool) -> None:
        self.aliases = aliases
        self.rows_apart = rows_apart
        self.written: set[Tensor] = set()

    def memory(self, tensor: Tensor) -> Tensor:
        """Return the tensor whose memory a tensor uses."""
        return self.aliases.get(tensor, tensor)

    def run(self, stages: list[Stage]) -> list[Block]:
        blocks: list[Block] = []
        pending: list[_Member] = []

        def flush() -> None:
            blocks.extend(self.fuse(pending, 0))
            pending.clear()

        for stage in self.listed(stages):
            if stage.steps:
                flush()
                blocks.extend(self.recurrence(stage))
                continue
            for item in self.items(stage.equations, frozenset()):
                if isinstance(item, _Member):
                    pending.append(item)
                else:
                    flush()
                    blocks.append(item)
        flush()
        return blocks

    def items(
        self, equations: Sequence[Equation], fixed: frozenset[Index]
    ) -> list["_Member | Block"]:
        """Return each equation as a BLAS call or as a member of a loop nest."""
        result: list[_Member | Block] = []
        for equation in equations:
            # In place, ``W_next = W - …`` sets and ``W_next += …`` adds to what W held.
            first = equation.tensor not in self.written and not (
                equation.tensor in self.aliases and equation.accumulate
            )
            self.written.add(equation.tensor)
            found = as_product(equation, fixed)
            if found is None and not fixed:
                found = as_column_sum(equation)
            if found is not None:
                product = Product(**vars(found), accumulate=not first)
                if first and any(index in equation.reduce for index in product.loops):
                    # Each turn of the loop adds a part of the sum.
                    result.append(_fill_all(equation))
                    product.accumulate = True
                result.append(product)
                continue
            if first and equation.is_scatter:
                result.append(_fill_all(equation))
                first = False
            result.append(_Member(equation, _loop_order(equation, fixed), first))
        return result

    def is_copy_in_place(self, equation: Equation) -> bool:
        """Whether an equation says that an updated tensor starts from what its memory holds."""
        body = equation.body
        return (
            isinstance(body, Element)
            and not equation.reduce
            and self.memory(equation.tensor) is self.memory(body.tensor)
            and equation.tensor in self.aliases
            and body.args == equation.lhs.args
        )

    # Order ------------------------------------------------------------------------------------

    def listed(self, stages: list[Stage]) -> list[Stage]:
        """Return the stages in a topological order that keeps fusable loops together."""
        needs = self.stage_needs(stages)
        if any(len(component) > 1 for component in components(needs)):
            raise AssertionError("aliases are chosen so that no update is read too late")
        followers: list[list[int]] = [[] for _ in stages]
        for position, before in enumerate(needs):
            for earlier in before:
                followers[earlier].append(position)
        missing = [len(before) for before in needs]
        kinds = [self.kind(stage) for stage in stages]
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
        return [stages[s] for s in done]

    def kind(self, stage: Stage) -> object:
        """Return what makes two stages neighbours: the extent of the outermost loop."""
        equation = stage.equations[0]
        if stage.steps or as_product(equation) or as_column_sum(equation):
            return None
        order = _loop_order(equation, frozenset())
        if not order:
            return None
        return "loop", order[0].extent, self.rows_apart and _written(equation.lhs, order[0])

    def stage_needs(self, stages: list[Stage]) -> list[list[int]]:
        """Return the stages that each stage comes after."""
        writers: dict[Tensor, list[int]] = {}
        starts: dict[Tensor, int] = {}
        for position, stage in enumerate(stages):
            for equation in stage.equations:
                writers.setdefault(equation.tensor, []).append(position)
                if not equation.accumulate:
                    starts.setdefault(equation.tensor, position)
        successors: dict[Tensor, list[Tensor]] = {}
        for new, old in self.aliases.items():
            successors.setdefault(old, []).append(new)
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
                if equation.tensor in self.aliases and equation.accumulate:
                    needs[position].add(starts.get(equation.tensor, position))
        return [sorted(before - {position}) for position, before in enumerate(needs)]

    # Recurrences ------------------------------------------------------------------------------

    def recurrence(self, stage: Stage) -> list[Block]:
        """Return the loop over the steps, after zero is written where steps only add."""
        step = stage.steps[0]
        blocks: list[Block] = []
        by_tensor: dict[Tensor, list[Equation]] = {}
        for equation in stage.equations:
            by_tensor.setdefault(equation.tensor, []).append(equation)
        for tensor, members in by_tensor.items():
            plain = all(e.lhs.is_plain and step in e.lhs.args for e in members)
            if tensor not in self.written and not plain:
                # An earlier step adds to a later one's element: nothing may overwrite it.
                blocks.append(_fill_all(members[0]))
                self.written.add(tensor)
        loop = Loop(step, upwards=stage.upwards, steps=True)
        pending: list[_Member] = []
        for item in self.items(stage.equations, frozenset([step])):
            if isinstance(item, _Member):
                pending.append(item)
                continue
            loop.body.extend(self.fuse(pending, 0))
            pending.clear()
            loop.body.append(item)
        loop.body.extend(self.fuse(pending, 0))
        return [*blocks, loop]

    # Fusion -----------------------------------------------------------------------------------

    def fuse(self, members: Sequence[_Member], depth: int) -> list[Block]:
        """Return the loop nests of some equations, neighbours fused where that is right."""
        groups: list[list[_Member]] = []
        for member in members:
            if (
                groups
                and len(member.order) > depth
                and len(groups[-1][0].order) > depth
                and all(self.can_share(earlier, member, depth) for earlier in groups[-1])
                and any(self.is_worth_sharing(earlier, member, depth) for earlier in groups[-1])
            ):
                groups[-1].append(member.renamed(member.order[depth], groups[-1][0].order[depth]))
            else:
                groups.append([member])
        blocks: list[Block] = []
        for group in groups:
            if len(group[0].order) == depth:
                blocks.append(_leaf(group[0]))
                continue
            loop = Loop(group[0].order[depth])
            opened = [m for m in group if _opens(m, depth)]
            for member in opened:
                if member.in_register:
                    blocks.append(Accumulator(member.equation, start=True))
                elif member.first:
                    blocks.append(_fill(member, depth))
            loop.body = self.fuse(group, depth + 1)
            blocks.append(loop)
            for member in opened:
                if member.in_register:
                    mode = "set" if member.first else "add"
                    blocks.append(Accumulator(member.equation, start=False, mode=mode))  # type: ignore[arg-type]
        return blocks

    def is_worth_sharing(self, earlier: _Member, later: _Member, depth: int) -> bool:
        """Whether two equations are alike from a depth on, or one finds what the other has loaded.

        The update of a bias inside a loop over rows of weights would run number by number.
        """
        one, other = ([i.extent for i in member.order[depth:]] for member in (earlier, later))
        if one == other:
            return True
        used, uses = (
            {self.memory(e.tensor) for e in (m.equation.lhs, *m.reads) if e.args}
            for m in (earlier, later)
        )
        return not used.isdisjoint(uses)

    def can_share(self, earlier: _Member, later: _Member, depth: int) -> bool:
        """Whether two equations may run in one loop at a depth, iteration by iteration."""
        i, j = earlier.order[depth], later.order[depth]
        if i.extent != j.extent:
            return False
        old, new = earlier.equation, later.equation
        if self.rows_apart and not depth and _written(old.lhs, i) != _written(new.lhs, j):
            return False
        written, writes = self.memory(old.tensor), self.memory(new.tensor)
        for element in later.reads:
            if self.memory(element.tensor) is written and not _aligned(old.lhs, i, element, j):
                return False
        if written is writes and not _aligned(old.lhs, i, new.lhs, j):
            both_add = i in old.reduce and j in new.reduce and old.operation == "sum"
            if not both_add or later.in_register or earlier.in_register:
                return False
        for element in earlier.reads:
            if self.memory(element.tensor) is writes and not _aligned(element, i, new.lhs, j):
                return False
        return True


def _written(lhs: Element, index: Index) -> object:
    """Return what a loop over an index computes: parts of rows, other elements, or sums."""
    if any(isinstance(s, Index) and not isinstance(s.extent, int) for s in lhs.args):
        return "rows"
    return "elements" if index in lhs.args else lhs.tensor.shape


def _aligned(one: Element, i: Index, other: Element, j: Index) -> bool:
    """Whether two accesses meet only in the same iteration: one axis has i here and j there."""
    return any(a is i and b is j for a, b in zip(one.args, other.args, strict=True))


def _opens(member: _Member, depth: int) -> bool:
    """Whether the member's reduction starts with the loop at this depth."""
    reduced = set(member.equation.reduce)
    return member.order[depth] in reduced and not reduced & set(member.order[:depth])


def _leaf(member: _Member) -> Assign:
    equation = member.equation
    if not equation.reduce:
        add = equation.is_scatter or not member.first
        return Assign(equation, "add" if add else "set")
    if member.in_register:
        return Assign(equation, "reduce")
    return Assign(equation, "max" if equation.operation == "max" else "add")


def _identity(equation: Equation) -> float:
    return -float("inf") if equation.operation == "max" else 0.0


def _fill(member: _Member, depth: int) -> Fill:
    equation, outside = member.equation, set(member.order[:depth])
    subscripts = tuple(index if index in outside else None for index in equation.lhs.args)
    return Fill(equation.tensor, subscripts, _identity(equation), equation)


def _fill_all(equation: Equation) -> Fill:
    return Fill(equation.tensor, (None,) * equation.tensor.rank, 0.0, equation)


def _loop_order(equation: Equation, fixed: frozenset[Index]) -> tuple[Index, ...]:
    """Return the loops of an equation from outside to inside.

    The batch first, then the left-hand side's order, then what is reduced; but innermost is the
    index that is the last axis of most tensors, so that the inner loop runs along memory.
    """
    domain = [index for index in equation.domain if index not in fixed]
    if not domain:
        return ()
    score = dict.fromkeys(domain, 0)
    for element in (equation.lhs, *equation.body.atoms(Element)):
        if element.args and element.args[-1] in score:
            score[element.args[-1]] += len(element.args) ** 2  # the larger tensor matters more
    position = {index: place for place, index in enumerate(domain)}
    inner = max(domain, key=lambda index: (score[index], position[index]))
    outer = sorted(
        (index for index in domain if index is not inner),
        key=lambda index: (isinstance(index.extent, int), position[index]),
    )
    return (*outer, inner)
