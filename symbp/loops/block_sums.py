"""block_sums: sums over many rows are added up in blocks, and the blocks in double precision.

::

    for n from 0 to N:                     wide b_wide[10]; if N > 256: b_wide = 0
        for j from 0 to 10:                for first from 0 to N step 32:
            b[j] += u[n, j]        ─►          for n from first to min(first + 32, N): …
                                               if N > 256: b_wide += b; b = 0
                                           if N > 256: b += b_wide

A number of single precision that takes up a million terms, one after another, loses as many
roundings; a block of them loses few, and the blocks lose none that matters. What is done for few
rows stays as it was. A register that a single loop adds to is wide itself; a matrix product is told
its blocks; what data chooses the places of is added to a table, where it has fewer rows than terms.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy

from symbp.loops.dependence import Dependence
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    If,
    Product,
    Span,
    Statement,
)
from symbp.loops.row_sums import (
    RowSum,
    adding,
    blocks_of,
    count_of,
    is_long,
    made_in,
    names_in,
    own_indices,
    reads_besides,
)
from symbp.loops.traverse import map_statements, reads_of, statements_in
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["Blocks", "block_sums"]


@dataclass(frozen=True)
class Blocks:
    """How long a sum may be, and into what it is cut.

    Attributes
    ----------
    few : int
        Batches of up to so many rows are added up as they come.
    terms : int
        How many terms are added to one number, one after another.
    in_vectors : int
        The same of an innermost loop, whose terms are added in vectors, to several numbers at once.
    least : int
        How many turns of any other loop a block has at least, however many terms each adds.
    multiplied : int
        How many rows a matrix product adds up in registers.
    products : int
        How many rows a matrix product has altogether before its sums are added to wide ones.
    places : int
        A table has wide sums if more terms are added to it than it has rows, or than this.
    """

    few: int
    terms: int
    in_vectors: int
    least: int
    multiplied: int
    products: int
    places: int


def block_sums(function: Function, blocks: Blocks) -> Function:
    """Return a function that computes the same sums, more precisely if there are many rows.

    Parameters
    ----------
    function : Function
        Of one batch, in its final order.
    blocks : Blocks
        How long the blocks are.
    """
    blocker = _Blocker(function, blocks)
    body = blocker.body(function.body)

    def change(statement: Statement) -> Statement | Sequence[Statement]:
        if isinstance(statement, Allocate) and statement.array in blocker.widened:
            return replace(statement, wide=True)
        if isinstance(statement, If) and statement.condition == sympy.true:
            return statement.body  # blocks for any number of rows
        return statement

    return function.replace(body=map_statements(body, change))


class _Blocker:
    """Blocks the sums of one function."""

    def __init__(self, function: Function, blocks: Blocks) -> None:
        self.function, self.blocks = function, blocks
        self.dependence = Dependence(function)
        self.changed = {a.array for a in function.arguments if a.role == "inout"}
        self.widened: set[Tensor] = set()
        self.depth = 0

    def body(self, statements: Iterable[Statement]) -> tuple[Statement, ...]:
        """Return statements with their sums in blocks."""
        return tuple(made for statement in statements for made in self.statement(statement))

    def statement(self, statement: Statement) -> Sequence[Statement]:
        """Return what a statement becomes."""
        if isinstance(statement, Product):
            return (self.product(statement),)
        if isinstance(statement, If):
            chosen, other = self.body(statement.body), self.body(statement.otherwise)
            return (replace(statement, body=chosen, otherwise=other),)
        if not isinstance(statement, For):
            return (statement,)
        sums = self.sums(statement)
        if not sums:
            self.depth += 1
            body = self.body(statement.body)
            self.depth -= 1
            return (replace(statement, body=body),)
        return self.nest(statement, sums)

    # Loops ------------------------------------------------------------------------------------

    def sums(self, loop: For) -> list[list[RowSum]]:
        """Return the sums over all turns of a loop, those into the same places together."""
        found: dict[Tensor, list[RowSum]] = {}
        for statement, path in adding(loop, ()):
            each = RowSum(statement, path, statement.target)
            found.setdefault(each.target.tensor, []).append(each)
        inside = tuple(statements_in(loop.body))
        made = {s.array for s in inside if isinstance(s, Allocate)}
        uses = self.dependence.uses(loop).accesses
        memory = self.dependence.memory
        result: list[list[RowSum]] = []
        for tensor, sums in found.items():
            targets = {each.target for each in sums}
            others = [a for a in uses if memory(a.element.tensor) == memory(tensor)]
            own = {id(each.statement) for each in sums}
            read = (e for s in inside if id(s) not in own for e in reads_of(s))
            if any(memory(element.tensor) == memory(tensor) for element in read):
                continue  # by a condition, say: it must see the sum so far
            if (
                tensor not in made
                and tensor.kind != "integer"
                and all(access.element in targets for access in others)
                and not any(reads_besides(each) & targets for each in sums)
                and all(self.can_block(each, loop) for each in sums)
                and len({self.axes(each, loop) for each in sums}) == 1
                and self.are_apart(sums, loop)
                and not (
                    any(each.is_scatter for each in sums)
                    and any(isinstance(each.statement, Product) for each in sums)
                )
            ):
                columns: dict[tuple[Any, ...], list[RowSum]] = {}
                for each in sums:
                    columns.setdefault(self.fixed(each, loop), []).append(each)
                result += columns.values()
        return result

    def are_apart(self, sums: list[RowSum], loop: For) -> bool:
        """Whether sums go into one column of an array, or into columns whose numbers are known."""
        columns = {self.fixed(each, loop) for each in sums}
        known = all(subscript.is_Integer for column in columns for subscript in column)
        return len(columns) == 1 or (known and not any(each.is_scatter for each in sums))

    def can_block(self, each: RowSum, loop: For) -> bool:
        """Whether a sum has many terms, and the places that it writes are known around the loop."""
        rows = each.rows
        if rows is None or loop.index in own_indices(each.target):
            return False
        if self.cut(each)[0].step != 1:
            return False
        outside = all(not names_in(bound) & made_in(loop) for bound in (rows.start, rows.end))
        places = self.places(each, loop), self.places(each, self.cut(each)[0])
        return outside and None not in places and (not each.is_scatter or self.table(each) > 0)

    def is_plain(self, each: RowSum) -> bool:
        """Whether a sum is the only one of a loop, and in a register: it may itself be wide.

        To convert the terms of many sums takes 2 % of a step of 64-30-10 with 32 examples.
        """
        if self.depth:
            return False
        (*_, innermost) = each.path
        made = self.function.allocations.get(each.target.tensor)
        return len(innermost.body) == 1 and made is not None and made.kind == "register"

    def axes(self, each: RowSum, loop: For) -> tuple[int, ...]:
        """Return the axes along which the place of a sum differs within a loop."""
        inside = made_in(loop) | {span.index for span in each.spans}
        return tuple(
            axis
            for axis, subscript in enumerate(each.target.args)
            if names_in(subscript) & inside or subscript.atoms(Element)
        )

    def fixed(self, each: RowSum, loop: For) -> tuple[Any, ...]:
        """Return the subscripts along the other axes, which say in which column a sum is."""
        varying = self.axes(each, loop)
        return tuple(s for axis, s in enumerate(each.target.args) if axis not in varying)

    def places(self, each: RowSum, loop: For) -> tuple[tuple[Any, Any], ...] | None:
        """Return the range of each of these axes, or None if it is another for each turn."""
        result = []
        for axis in self.axes(each, loop):
            subscript = each.target.args[axis]
            span = next((s for s in each.spans if s.index is subscript), None)
            if span is not None and not (names_in(span.start) | names_in(span.end)) & made_in(loop):
                result.append((span.start, span.end))
            elif span is None or not self.function.team:
                result.append((0, self.shape(each.target.tensor)[axis]))
            else:
                return None
        return tuple(result)

    def shape(self, tensor: Tensor) -> tuple[Any, ...]:
        """Return how many elements each axis of an array has room for."""
        made = self.function.allocations.get(tensor) or self.function.views.get(tensor)
        return tensor.shape if made is None or made.shape is None else made.shape

    def table(self, each: RowSum) -> int:
        """Return the number of rows from which on a table has wide sums; 0 if it is unknown."""
        shape = self.shape(each.target.tensor)
        extents = [shape[axis] for axis, s in enumerate(each.target.args) if s.atoms(Element)]
        if not all(isinstance(extent, int) for extent in extents):
            return 0
        rows = int(sympy.prod(extents))
        terms = count_of(loop for loop in each.reduced if not is_long(loop))
        # Straight onto an argument are added few rows of many: all of them are not to be gone over.
        most = (
            rows
            if self.function.memory(each.target.tensor) in self.changed
            else min(rows, self.blocks.places)
        )
        return max(self.blocks.few, most // terms)

    def cut(self, each: RowSum) -> tuple[For, int]:
        """Return the loop to be cut into blocks, and how many of its turns a block has."""
        terms = 1
        for loop in reversed(each.reduced):
            turns = None if is_long(loop) else count_of([loop])
            if turns is None or terms * turns >= 2 * self.blocks.terms:
                innermost = not any(isinstance(s, For | Product) for s in statements_in(loop.body))
                if innermost:
                    return loop, self.blocks.in_vectors
                return loop, max(self.blocks.terms // terms, self.blocks.least)
            terms *= turns
        raise AssertionError("one of the loops is long")

    def nest(self, loop: For, found: list[list[RowSum]]) -> Sequence[Statement]:
        """Return a loop with the sums over it in blocks."""
        before: list[Statement] = []
        after: list[Statement] = []
        cuts: dict[Index, tuple[int, list[Statement]]] = {}
        scattered: list[RowSum] = []
        for sums in found:
            if any(each.is_scatter for each in sums):
                scattered += sums
                continue
            if all(self.is_plain(each) for each in sums):
                self.widened.add(sums[0].target.tensor)
                continue
            wide = self.wide(sums[0], loop)
            zero = self.filled(sums[0], loop, wide.array)
            before += [wide, *([self.if_many(sums[0], zero)] if wide.shape else zero)]
            for each in sums:
                cut, most = self.cut(each)
                least, moves = cuts.get(cut.index, (most, []))
                moves += [self.if_many(each, self.moved(each, cut, wide.array))]
                cuts[cut.index] = min(least, most), moves
            after += [self.if_many(sums[0], self.added(sums[0], loop, wide.array))]
        adding = {id(each.statement) for sums in found for each in sums}
        nest = self.cut_up(loop, {i: (n, _joined(s)) for i, (n, s) in cuts.items()}, adding)
        result = (*_joined(before), nest, *_joined(after))
        return self.scatter(loop, scattered, result) if scattered else result

    def cut_up(
        self, loop: For, cuts: dict[Index, tuple[int, tuple[Statement, ...]]], adding: set[int]
    ) -> For:
        """Return a nest whose loops are cut into blocks, each with what follows a block."""

        def changed(body: Iterable[Statement]) -> Iterator[Statement]:
            for child in body:
                if not any(id(s) in adding for s in statements_in([child])):
                    yield from self.statement(child)
                elif isinstance(child, For):
                    yield self.cut_up(child, cuts, adding)
                elif isinstance(child, If):
                    chosen, other = (tuple(changed(b)) for b in (child.body, child.otherwise))
                    yield replace(child, body=chosen, otherwise=other)
                else:
                    yield child

        inner = replace(loop, body=tuple(changed(loop.body)))
        if loop.index not in cuts:
            return inner
        most, moves = cuts[loop.index]
        first, last, head = blocks_of(loop, "first", loop.end, most)
        inner = replace(inner, start=first, end=last)
        return For(first, loop.start, loop.end, (head, inner, *moves), most)

    def if_many(self, each: RowSum, body: tuple[Statement, ...]) -> If:
        """Return statements on condition that there are many rows."""
        assert each.rows is not None
        return If(sympy.Gt(each.rows.end - each.rows.start, self.blocks.few), body)

    # Wide sums --------------------------------------------------------------------------------

    def wide(self, each: RowSum, loop: For) -> Allocate:
        """Return the memory of wide sums."""
        tensor, axes = each.target.tensor, self.axes(each, loop)
        indices = tuple(tensor.indices[axis].fresh() for axis in axes)
        shape = tuple(self.shape(tensor)[axis] for axis in axes)
        kind = "member" if axes else "register"
        made = Tensor(f"{tensor.name}_wide", indices, label=f"{tensor.label}_wide")
        return Allocate(made, shape, kind, wide=True)  # type: ignore[arg-type]

    def moved(self, each: RowSum, cut: For, wide: Tensor) -> tuple[Statement, ...]:
        """Return what adds the sums of a block to the wide ones, and begins anew."""
        loops, target, sums = self.pairs(each, cut, wide)
        return _nested(loops, (Accumulate(sums, target), Assign(target, sympy.S.Zero)))

    def filled(self, each: RowSum, loop: For, wide: Tensor) -> tuple[Statement, ...]:
        """Return what sets wide sums to zero."""
        loops, _, sums = self.pairs(each, loop, wide)
        return _nested(loops, (Assign(sums, sympy.S.Zero),))

    def added(self, each: RowSum, loop: For, wide: Tensor) -> tuple[Statement, ...]:
        """Return what adds the wide sums to what they are the sums of."""
        loops, target, sums = self.pairs(each, loop, wide)
        return _nested(loops, (Accumulate(target, sums),))

    def pairs(self, each: RowSum, loop: For, wide: Tensor) -> tuple[list[Span], Element, Element]:
        """Return the ranges of the places that a loop adds to, a place, and its wide sum."""
        axes, ranges = self.axes(each, loop), self.places(each, loop)
        assert ranges is not None
        tensor, subscripts = each.target.tensor, list(each.target.args)
        loops = []
        for axis, (start, end) in zip(axes, ranges, strict=True):
            index = tensor.indices[axis].fresh()
            loops.append(Span(index, start, end))
            subscripts[axis] = index
        around = self.axes(each, each.path[0])
        return loops, tensor[tuple(subscripts)], wide[tuple(subscripts[axis] for axis in around)]

    def scatter(
        self, loop: For, sums: list[RowSum], nest: Sequence[Statement]
    ) -> Sequence[Statement]:
        """Return a nest that adds to places which data chooses, to wide sums if it adds often."""
        tables = {each.target.tensor: self.wide(each, loop) for each in sums}
        changed = {}
        for each in sums:
            wide = tables[each.target.tensor].array
            place = wide[tuple(each.target.args[axis] for axis in self.axes(each, loop))]
            assert isinstance(each.statement, Accumulate)
            changed[id(each.statement)] = replace(each.statement, target=place)
        first = {tensor: next(s for s in sums if s.target.tensor is tensor) for tensor in tables}
        after: list[Statement] = []
        for tensor, table in tables.items():
            after += self.added(first[tensor], loop, table.array)
        many = map_statements(nest, lambda statement: changed.get(id(statement), statement))
        rows = sums[0].rows
        assert rows is not None
        before: list[Statement] = []
        for tensor, table in tables.items():
            before += [table, *self.filled(first[tensor], loop, table.array)]
        condition = sympy.Gt(rows.end - rows.start, max(map(self.table, sums)))
        return (If(condition, (*before, *many, *after), tuple(nest)),)

    # Products ---------------------------------------------------------------------------------

    def product(self, product: Product) -> Product:
        """Return a product; if it is over rows, with how many of them are added up where."""
        if not any(map(is_long, product.summed)) or product.addend not in (None, product.target):
            return product
        terms = count_of(span for span in product.summed if not is_long(span))
        few, block, part = self.blocks.few, self.blocks.products, self.blocks.multiplied
        part = max(1, part // terms)
        block = max(part, block // terms // part * part)
        return replace(product, blocks=(few * terms, block * terms, part * terms))


def _nested(spans: Iterable[Span], body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    for span in reversed(list(spans)):
        body = (For(span.index, span.start, span.end, body),)
    return body


def _joined(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return statements with neighbours under the same condition in one."""
    result: list[Statement] = []
    for statement in statements:
        before = result[-1] if result else None
        if (
            isinstance(statement, If)
            and isinstance(before, If)
            and before.condition == statement.condition
        ):
            result[-1] = replace(before, body=(*before.body, *statement.body))
        else:
            result.append(statement)
    return tuple(result)
