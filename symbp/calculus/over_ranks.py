"""over_ranks: a program whose rows lie with several ranks, cut where it adds up over them.

Whatever an equation adds up over the rows of a batch, in the forward or in the adjoint equations,
each rank adds up over its own rows; then all add up what they have. There the program is cut::

    s = Σ_n x[n]          ─►   part 0:  s = Σ_n x[n]            (each rank its rows)
    d[n] = x[n] - s/N          ─ s is the sum over the ranks ─
    q = Σ_n d[n]**2            part 1:  d[n] = x[n] - s/rows;  q = Σ_n d[n]**2
    w_next = w - q/N           ─ q is the sum over the ranks ─
                               part 2:  w_next = w - q/rows

N is how many rows of the batch a rank has, `rows` how many all have together. Where an equation
reads the number of a row, as noise does, it is the one in the whole batch: ``places[n]``. What has
no rows is computed by every rank, in each part that reads it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import is_implicit, layout
from symbp.notation.dependence import components, definitions
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["Part", "RanksProgram", "over_ranks"]


@dataclass(frozen=True)
class Part:
    """What each rank computes between two sums over the ranks.

    Attributes
    ----------
    program : Program
        Reads what earlier parts left and the sums over the ranks so far.
    sums : tuple of Tensor
        What it adds up over a rank's rows, to be added up over the ranks.
    kept : tuple of Tensor
        What it computes for each row and later parts read.
    reads : tuple of Tensor
        What it reads of earlier parts, for each row.
    """

    program: Program
    sums: tuple[Tensor, ...]
    kept: tuple[Tensor, ...]
    reads: tuple[Tensor, ...]


@dataclass(frozen=True)
class RanksProgram:
    """The parts of a program, in order.

    Attributes
    ----------
    parts : tuple of Part
        The last has the updates and no sums.
    rows : Tensor
        A scalar: the rows of the batch on all ranks together.
    places : Tensor
        For each row of a rank its number in the whole batch; no equation may read it.
    """

    parts: tuple[Part, ...]
    rows: Tensor
    places: Tensor


def over_ranks(program: Program) -> RanksProgram:
    """Return the parts of a program between which sums over the ranks are taken.

    Parameters
    ----------
    program : Program
        Finished: normalised, expanded, with the updates of a training step.

    Raises
    ------
    UnsupportedError
        A row reads others in a way that no sum over rows says.
    """
    batch = program.batch
    if batch is None:
        raise UnsupportedError(
            "ranks: the program has no examples that ranks could divide; expected an input or a "
            "target with an axis of any length, such as bp.input('x', n, k) with n of extent 'N'"
        )
    names = {tensor.name for tensor in program.tensors}
    row = Index("n", batch)
    rows = Tensor(fresh_name("rows", names), (), "constant", value=1.0)
    places = Tensor(fresh_name("places", names), (row,), "input", kind="integer")
    equations = [
        _of_whole_batch(equation, batch, rows, places)
        for equation in _with_sums_apart(program.equations, batch, names)
    ]
    cut = _Cut(program, equations, batch)
    return RanksProgram(cut.parts(), rows, places)


def _rows_of(equation: Equation, batch: sympy.Symbol) -> Index | None:
    """Return the index that an equation runs through the rows with; a row reads only its own."""
    found = [index for index in equation.domain if index.extent == batch]
    if len(found) > 1:
        raise UnsupportedError(f"ranks: {equation} runs through pairs of examples; {_ADVICE}")
    index = found[0] if found else None
    for element in (equation.lhs, *equation.reads()):
        for subscript, extent in zip(element.args, element.tensor.shape, strict=True):
            if extent == batch and subscript is not index:
                raise UnsupportedError(
                    f"ranks: {equation} reads {element}, an example of another rank; {_ADVICE}"
                )
    if index is not None and not _is_divisible(equation, index):
        raise UnsupportedError(
            f"ranks: {equation} takes together the examples of all ranks otherwise than by a sum; "
            f"{_ADVICE}"
        )
    return index


def _is_divisible(equation: Equation, row: Index) -> bool:
    """Whether rows are computed apart from each other, or added up."""
    if is_implicit(equation):
        parts = layout(equation)
        return row in (*parts.batch, *parts.free)
    return row.extent in equation.tensor.shape or equation.operation == "sum"


_ADVICE = "ranks can only add up what each has of its own rows"


def _is_sum(equation: Equation, batch: sympy.Symbol) -> bool:
    """Whether an equation adds up over rows."""
    return _rows_of(equation, batch) is not None and batch not in equation.tensor.shape


def _with_sums_apart(
    equations: Iterable[Equation], batch: sympy.Symbol, names: set[str]
) -> list[Equation]:
    """Return equations of which each tensor is a sum over rows, or has none among its terms."""
    given = list(equations)
    made: list[Equation] = []
    for tensor, positions in definitions(given).items():
        of_tensor = [given[position] for position in positions]
        summed = [equation for equation in of_tensor if _is_sum(equation, batch)]
        rest = [equation for equation in of_tensor if not any(equation is s for s in summed)]
        if not summed or not rest:
            made += of_tensor
            continue
        part = tensor.like(fresh_name(f"{tensor.name}_rows", names))
        for place, equation in enumerate(summed):
            lhs = part[equation.lhs.args]
            made.append(equation.replace(lhs=lhs, accumulate=place > 0))
        first = Equation(tensor.element, part.element, origin=Origin("over_ranks"))
        made += [first, *(equation.replace(accumulate=True) for equation in rest)]
    return made


def _of_whole_batch(
    equation: Equation, batch: sympy.Symbol, rows: Tensor, places: Tensor
) -> Equation:
    """Return an equation in which numbers of rows are those of the whole batch."""
    index = _rows_of(equation, batch)

    def change(node: sympy.Basic) -> sympy.Basic:
        if node == batch:
            return rows[()]
        if index is not None and node == index:
            return places[index]
        if isinstance(node, Element):
            kept = [
                subscript if extent == batch else change(subscript)
                for subscript, extent in zip(node.args, node.tensor.shape, strict=True)
            ]
            if all(new is old for new, old in zip(kept, node.args, strict=True)):
                return node
            return Element(node.tensor, *kept, serial=node.serial)
        if not node.args or not (node.has(batch) or (index is not None and node.has(index))):
            return node
        return node.func(*map(change, node.args))

    body, lhs = change(equation.body), change(equation.lhs)
    if body is equation.body and lhs is equation.lhs:
        return equation
    assert isinstance(body, Expr)
    assert isinstance(lhs, Element)
    return equation.replace(body=body, lhs=lhs)


class _Cut:
    """Which part computes what."""

    def __init__(self, program: Program, equations: list[Equation], batch: sympy.Symbol) -> None:
        self.program, self.equations, self.batch = program, equations, batch
        self.defined = definitions(equations)
        self.sums = {t for t, at in self.defined.items() if _is_sum(equations[at[0]], batch)}
        self.reads: dict[Tensor, list[Tensor]] = {}
        self.first: dict[Tensor, int] = {}
        self.order: list[list[Tensor]] = []
        self._sort()
        roots = [program.cost, *(new for _, new in program.updates)]
        self.roots = [tensor for tensor in roots if tensor is not None]
        self.last = max(self._ready(tensor) for tensor in self.roots)
        self.last = max([self.last, *(self.first[t] + 1 for t in self.sums)])
        self.at = self._latest()

    def _read(self, tensor: Tensor) -> list[Tensor]:
        """Return what the equations of a tensor read that equations define."""
        if tensor not in self.reads:
            self.reads[tensor] = self._found(tensor)
        return self.reads[tensor]

    def _found(self, tensor: Tensor) -> list[Tensor]:
        elements = (e for at in self.defined.get(tensor, ()) for e in self.equations[at].reads())
        return list(dict.fromkeys(e.tensor for e in elements if e.tensor in self.defined))

    def _ready(self, tensor: Tensor) -> int:
        """Return the first part that can read a tensor whole."""
        return self.first.get(tensor, 0) + (tensor in self.sums)

    def _sort(self) -> None:
        """Find the first part that can compute each tensor: what recurs is computed in one."""
        tensors = list(self.defined)
        place = {tensor: position for position, tensor in enumerate(tensors)}
        edges = [sorted(place[read] for read in self._read(tensor)) for tensor in tensors]
        for component in components(edges):
            members = [tensors[position] for position in component]
            inside = set(members)
            recurs = any(read in inside for tensor in members for read in self._read(tensor))
            for tensor in members:
                if recurs and tensor in self.sums:
                    raise UnsupportedError(
                        f"ranks: {tensor.name} is added up over all examples in each step of a "
                        f"recurrence, and ranks add up between passes over all steps only"
                    )
            read = [r for tensor in members for r in self._read(tensor) if r not in inside]
            level = max((self._ready(tensor) for tensor in read), default=0)
            self.first |= dict.fromkeys(members, level)
            self.order.append(members)

    def _has_rows(self, tensor: Tensor) -> bool:
        return self.batch in tensor.shape

    def _latest(self) -> dict[Tensor, int]:
        """Return the part that computes each sum and each tensor with rows: as late as it can."""
        at = {tensor: self.first[tensor] for tensor in self.sums}
        readers_of: dict[Tensor, list[Tensor]] = {}
        for tensor in self.defined:
            for read in self._read(tensor):
                readers_of.setdefault(read, []).append(tensor)
        for members in reversed(self.order):
            rowed = [tensor for tensor in members if self._has_rows(tensor)]
            readers = [at[t] for m in rowed for t in readers_of.get(m, ()) if t in at]
            if rowed and readers:
                at |= dict.fromkeys(rowed, min(readers))
        return at

    def parts(self) -> tuple[Part, ...]:
        """Return the parts."""
        made = [self._part(number) for number in range(self.last + 1)]
        later: set[Tensor] = set()
        result: list[Part] = []
        for part in reversed(made):
            kept = tuple(tensor for tensor in part.kept if tensor in later)
            later |= set(part.reads)
            roots = (*part.sums, *kept)
            program = part.program.replace(results=roots, passed=self.program.passed)
            result.append(Part(program, part.sums, kept, part.reads))
        return tuple(reversed(result))

    def _part(self, number: int) -> Part:
        is_last = number == self.last
        own = [tensor for tensor, at in self.at.items() if at == number]
        needed = dict.fromkeys([*own, *(self.roots if is_last else [])])
        stack, reads = list(needed), set()
        while stack:
            tensor = stack.pop()
            if self._is_given(tensor, number):
                reads |= {tensor} - self.sums
                continue
            needed[tensor] = None
            stack += [read for read in self._read(tensor) if read not in needed]
        computed = [
            equation
            for equation in self.equations
            if equation.tensor in needed and not self._is_given(equation.tensor, number)
        ]
        program = self.program.replace(
            equations=tuple(computed),
            cost=None,
            output=None,
            gradients=(),
            updates=self.program.updates if is_last else (),
            passed=self.program.passed,
        )
        sums = tuple(t for t in self.defined if t in self.sums and self.at[t] == number)
        rowed = tuple(t for t in own if self._has_rows(t))
        return Part(program, sums, rowed, tuple(t for t in self.defined if t in reads))

    def _is_given(self, tensor: Tensor, number: int) -> bool:
        """Whether a part finds a tensor computed."""
        return tensor in self.at and self.at[tensor] < number
