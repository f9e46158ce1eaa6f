"""accumulate_strips: what a batch gives is added up strip by strip, in buffers of a strip.

::

    allocate h[N, 20]                              allocate h[64, 20]; W_total = 0
    product h[n, j] = …; n from 0 to N             for row_first from 0 to N step 64:
    for n: … h[n, j] = tanh(h[n, j])         ─►        let rows = min(64, N - row_first)
    product W_adjoint[j, i] = sum(… over n)            product h[n, j] = …; n from 0 to rows
    for j, i: W[j, i] = W[j, i] - …                    … the same for these rows …
                                                       W_total[j, i] += W_adjoint[j, i]
                                                   W_adjoint = W_total
                                                   for j, i: W[j, i] = W[j, i] - …

Where the numbers of a whole batch do not fit into the cache, memory takes longer than arithmetic.
Machine learning knows this as gradient accumulation over micro-batches.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sympy

from symbp.loops.arrange import split_setup
from symbp.loops.dependence import Dependence
from symbp.loops.gather import START
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllocationKind,
    Argument,
    Assign,
    For,
    Function,
    If,
    Let,
    Product,
    Span,
    Statement,
    View,
    smaller,
)
from symbp.loops.traverse import (
    elements_in,
    map_statements,
    reads_of,
    renamed,
    statements_in,
    with_spans,
)
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Element, Tensor

__all__ = ["accumulate_strips", "strips_of"]


@dataclass
class Strips:
    """The statements of a function, by whether they are for the rows of a batch.

    Attributes
    ----------
    before, inside, after : list of Statement
        What is done once, for each strip, and when all strips are done.
    sums : tuple of Tensor
        What the rows of a strip are added up in, each without an axis for rows.
    begun : tuple of Tensor
        Those of them that hold something when the first strip begins.
    """

    before: list[Statement] = field(default_factory=list)
    inside: list[Statement] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)
    sums: tuple[Tensor, ...] = ()
    begun: tuple[Tensor, ...] = ()


class Undividable(Exception):  # noqa: N818 - it is an answer
    """Why the rows of a function cannot go through it a strip at a time."""


def strips_of(function: Function, batch: sympy.Symbol) -> Strips | str:
    """Return the parts of a function whose rows can go through it in strips, or why they cannot.

    Parameters
    ----------
    function : Function
        Of one batch, its products and loops over whole batches.
    batch : Symbol
        The number of rows.
    """
    try:
        return _Sorter(function, batch).strips()
    except Undividable as reason:
        return str(reason)


def accumulate_strips(
    function: Function, batch: sympy.Symbol, strip: int, wide: bool = False
) -> Function:
    """Return an equivalent function that works through a batch in strips.

    Parameters
    ----------
    function : Function
        See :func:`strips_of`; it stays as it is where that gives none.
    batch : Symbol
        The number of rows.
    strip : int
        The most rows of a strip.
    wide : bool
        Whether the totals over the strips are of double precision.
    """
    parts = strips_of(function, batch)
    if isinstance(parts, str):
        return function
    return _Writer(function, batch, strip, wide).function(parts)


# Sorting --------------------------------------------------------------------------------------


class _Sorter:
    """Finds what is done for each row, and what with the sums over them."""

    def __init__(self, function: Function, batch: sympy.Symbol) -> None:
        self.function, self.batch = function, batch
        self.dependence = Dependence(function)
        self.rows = row_arrays(function, batch)

    def strips(self) -> Strips:
        _, rest, end = split_setup(self.function)
        result = Strips()
        over = [_runs_over(statement, self.batch) for statement in rest]
        if not any(over):
            raise Undividable("nothing is done for the rows of a batch")
        sums: dict[Tensor, None] = {}
        for statement in (s for s, by_rows in zip(rest, over, strict=True) if by_rows):
            own = {s.array for s in statements_in([statement]) if isinstance(s, Allocate)}
            own.update(self.dependence.scratch(statement))
            for tensor in self.sums(statement, (), own):
                sums.setdefault(tensor)
        memory = self.dependence.memory
        summed = {memory(tensor) for tensor in sums}
        inside_reads: set[Any] = set()
        inside_writes: set[Any] = set()
        late_reads: set[Any] = set()
        late_writes: set[Any] = set()
        for statement, by_rows in zip(rest, over, strict=True):
            uses = self.dependence.uses(statement)
            begins = not by_rows and self.is_zero(statement, sums)
            if by_rows or begins:
                if (uses.reads | uses.writes) & late_writes or uses.writes & late_reads:
                    raise Undividable("rows need what is computed from sums over all rows")
                result.inside.append(statement)
                inside_reads |= uses.reads
                inside_writes |= uses.writes
                continue
            late = uses.reads & (summed | inside_writes | late_writes) or uses.writes & (
                inside_reads | inside_writes | late_reads | late_writes
            )
            (result.after if late else result.before).append(statement)
            if late:
                late_reads |= uses.reads
                late_writes |= uses.writes
        for element, _ in elements_in((*result.before, *result.after, *end)):
            if element.tensor in self.rows:
                raise Undividable(f"{element} is needed when all rows are done")
        for statement in statements_in(result.inside):
            for element in reads_of(statement):
                adds = isinstance(statement, Accumulate | Product) and element == statement.target
                if not adds and memory(element.tensor) in summed:
                    raise Undividable(f"rows need {element.tensor.name}, a sum over all rows")
        result.sums = tuple(sums)
        early = {e.tensor for e, writes in elements_in(result.before) if writes}
        result.begun = tuple(tensor for tensor in sums if tensor in early)
        return result

    def is_zero(self, statement: Statement, sums: Iterable[Tensor]) -> bool:
        """Whether a statement only sets sums to zero."""
        leaves = [s for s in statements_in([statement]) if not isinstance(s, For)]
        return all(
            isinstance(s, Assign) and s.value == 0 and s.target.tensor in sums for s in leaves
        )

    def sums(
        self, statement: Statement, path: tuple[Index, ...], own: set[Tensor]
    ) -> Iterator[Tensor]:
        """Yield what a statement over rows adds up; refuse what is no sum, nor for one row."""
        if isinstance(statement, For):
            row = _is_row(statement, self.batch)
            inner = (*path, statement.index) if row else path
            for child in statement.body:
                yield from self.sums(child, inner, own)
            return
        if isinstance(statement, If):
            self.check(statement.condition, path)
            for child in (*statement.body, *statement.otherwise):
                yield from self.sums(child, path, own)
            return
        if isinstance(statement, Allocate):
            return
        if not isinstance(statement, Assign | Accumulate | Product):
            raise Undividable(f"{type(statement).__name__} among the rows")
        values: list[Any]
        if isinstance(statement, Product):
            rows = [s.index for s in statement.spans if _is_row(s, self.batch)]
            path = (*path, *rows)
            values = [statement.first, statement.second, statement.addend, statement.alpha]
        else:
            values = [statement.value]
        if len(path) != 1:
            raise Undividable("pairs of rows are coupled" if path else "a statement without rows")
        for value in (*values, statement.target):
            if value is not None:
                self.check(value, path)
        target = statement.target
        if target.tensor in self.rows or target.tensor in own:
            return
        if isinstance(statement, Product):
            is_sum = statement.addend in (None, target)
        else:
            is_sum = isinstance(statement, Accumulate) and statement.operation == "sum"
        if not is_sum:
            raise Undividable(f"{target} is no sum over rows")
        yield target.tensor

    def check(self, value: Any, path: tuple[Index, ...]) -> None:
        """Refuse an expression that holds the number of a row, or other rows' elements."""
        for element in value.atoms(Element):
            found = set(path) & element.atoms(Index)
            if element.tensor in self.rows:
                others = (_is_fine(s, path, self.rows) for s in element.args[1:])
                if element.args[0] not in path or not all(others):
                    raise Undividable(f"{element} is of other rows")
            elif found and not all(_is_fine(s, path, self.rows) for s in element.args):
                raise Undividable(f"{element} depends on which row it is")
        hidden = {element: sympy.Dummy() for element in value.atoms(Element)}
        if value.xreplace(hidden).atoms(Index) & set(path):
            raise Undividable("a value depends on which row it is")


def row_arrays(function: Function, batch: sympy.Symbol) -> set[Tensor]:
    """Return the arrays whose first axis is that of the rows of a batch."""
    arrays = [argument.array for argument in function.arguments]
    arrays += [*function.allocations, *function.views]
    return {tensor for tensor in arrays if tensor.rank and tensor.shape[0] == batch}


def _runs_over(statement: Statement, batch: sympy.Symbol) -> bool:
    """Whether a statement has a loop or a sum over the rows of a batch, and no other of these."""
    found = False
    for each in statements_in([statement]):
        spans: Sequence[For | Span] = ()
        if isinstance(each, For):
            spans = [each]
        elif isinstance(each, Product):
            spans = each.spans
        for span in spans:
            if _is_row(span, batch):
                found = True
            elif any(not isinstance(end, int) and end.has(batch) for end in (span.start, span.end)):
                raise Undividable("a loop has some rows only")
    return found


def _is_row(span: For | Span, batch: sympy.Symbol) -> bool:
    step = span.step if isinstance(span, For) else 1
    return span.start == 0 and span.end == batch and step == 1


def _is_fine(subscript: Any, path: tuple[Index, ...], rows: set[Tensor]) -> bool:
    """Whether a subscript is for every row what it was before, if that starts further on.

    Such as ``order[start + n]``, and ``token[n]``, which was looked at by itself.
    """
    if not subscript.atoms(Index) & set(path):
        return True
    if isinstance(subscript, Element):
        return subscript.tensor in rows or all(
            _is_fine(each, path, rows) for each in subscript.args
        )
    inner = {element: sympy.Dummy() for element in subscript.atoms(Element)}
    left = subscript.xreplace(inner)
    if not left.atoms(Index) & set(path):
        return all(_is_fine(element, path, rows) for element in inner)
    (row,) = path
    return bool(subscript - START == row)


# Writing --------------------------------------------------------------------------------------


class _Writer:
    """Writes the loop over the strips."""

    def __init__(self, function: Function, batch: sympy.Symbol, strip: int, wide: bool) -> None:
        self.given, self.batch, self.strip, self.wide = function, batch, strip, wide
        self.first = Index("row_first", batch)
        self.rows = sympy.Symbol("rows", integer=True, nonnegative=True)
        self.names = {tensor.name for tensor in function.allocations}
        self.names |= {tensor.name for tensor in function.views}
        self.names |= {argument.array.name for argument in function.arguments}

    def function(self, parts: Strips) -> Function:
        """Return the whole function."""
        setup, _, end = split_setup(self.given)
        local = row_arrays(self.given, self.batch)
        setup = list(map_statements(setup, lambda s: self.smaller(s, local)))
        views, mapping, limits = self.views(parts.inside)
        inside = [self.restricted(renamed(s, mapping)) for s in parts.inside]
        totals = {tensor: self.total(tensor) for tensor in parts.sums}
        # A team's shared memory holds no wide numbers; each member has its own part of its own.
        kind: AllocationKind = "member" if self.wide else "heap"
        memory = [
            Allocate(total, tuple(total.shape), kind if total.rank else "register", self.wide)
            for total in totals.values()
        ]
        pairs = list(totals.items())
        begun = [pair for pair in pairs if pair[0] in parts.begun]
        anew = [pair for pair in pairs if pair[0] not in parts.begun]
        body = (
            Let(self.rows, smaller(self.strip, self.batch - self.first)),
            *views,
            *_by_shape(begun, lambda one, _: Assign(one, sympy.S.Zero)),
            *inside,
            *_by_shape(pairs, lambda one, total: Accumulate(total, one)),
        )
        return self.given.replace(
            limits={**self.given.limits, **limits},
            body=(
                *setup,
                *memory,
                *parts.before,
                *_by_shape(begun, lambda one, total: Assign(total, one)),
                *_by_shape(anew, lambda _, total: Assign(total, sympy.S.Zero)),
                For(self.first, 0, self.batch, body, self.strip),
                *_by_shape(pairs, lambda one, total: Assign(one, total)),
                *parts.after,
                *end,
            ),
        )

    def smaller(self, statement: Statement, local: set[Tensor]) -> Statement:
        """Return what makes memory for the rows of a strip, where it did for all."""
        if not isinstance(statement, Allocate | View) or statement.array not in local:
            return statement
        tensor, shape = statement.array, statement.shape
        if isinstance(statement, View) and statement.of not in local:
            return statement
        rest = tensor.shape[1:] if shape is None else shape[1:]
        return replace(statement, shape=(self.strip, *rest))

    def views(
        self, inside: Sequence[Statement]
    ) -> tuple[list[Statement], dict[Any, Any], dict[Tensor, Any]]:
        """Return the rows of each argument that a strip has, and what stands for its elements."""
        views: list[Statement] = []
        mapping: dict[Any, Any] = {START: START + self.first}
        limits: dict[Tensor, Any] = {}
        arrays = [a.array for a in self.given.arguments if isinstance(a, Argument)]
        used = {element.tensor for element, _ in elements_in(inside)}
        made: dict[Tensor, Tensor] = {}
        for tensor in arrays:
            if tensor not in used or not tensor.rank or tensor.shape[0] != self.batch:
                continue
            rest = tuple(index.fresh() for index in tensor.indices[1:])
            row = tensor.indices[0].fresh()
            name = fresh_name(f"{tensor.name}_strip", self.names)
            view = Tensor(name, (row, *rest), kind=tensor.kind)
            size = sympy.prod(tensor.shape[1:])
            views.append(View(view, tensor, self.first * size, (self.rows, *tensor.shape[1:])))
            made[tensor] = view
            if tensor in self.given.limits:
                limits[view] = self.given.limits[tensor]
        for element, _ in elements_in(inside):
            if element.tensor in made:
                mapping[element] = made[element.tensor][element.args]
        return views, mapping, limits

    def restricted(self, statement: Statement) -> Statement:
        """Return a statement over the rows of a strip."""

        def change(each: Statement) -> Statement:
            if isinstance(each, For) and _is_row(each, self.batch):
                return replace(each, end=self.rows)
            if isinstance(each, Product):
                return with_spans(each, shortened)
            return each

        def shortened(span: Span) -> Span:
            return replace(span, end=self.rows) if _is_row(span, self.batch) else span

        (changed,) = map_statements([statement], change)
        return changed

    def total(self, tensor: Tensor) -> Tensor:
        """Return what a sum over the rows of a strip is added to."""
        name = fresh_name(f"{tensor.name}_total", self.names)
        return Tensor(name, tuple(index.fresh() for index in tensor.indices))


def _by_shape(pairs: Sequence[tuple[Tensor, Tensor]], leaf: Any) -> list[Statement]:
    """Return what is to be done with all elements of pairs of arrays, those of a shape together."""
    groups: dict[tuple[Any, ...], list[tuple[Tensor, Tensor]]] = {}
    for pair in pairs:
        groups.setdefault(tuple(pair[0].shape), []).append(pair)
    result: list[Statement] = []
    for group in groups.values():
        indices = tuple(index.fresh() for index in group[0][0].indices)
        body: tuple[Statement, ...] = tuple(
            leaf(one[indices], total[indices]) for one, total in group
        )
        for index in reversed(indices):
            body = (For(index, 0, index.extent, body),)
        result += body
    return result
