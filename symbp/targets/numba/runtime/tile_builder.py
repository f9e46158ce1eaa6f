"""LLVM instructions for products in tiles: integers, loops, memory and vectors of one dtype.

A thin layer over llvmlite's builder, which works out what is known at compile time itself, so
that loops of one round, and the edges of matrices that have none, are not emitted at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils, codegen, config

INT64 = ir.IntType(64)


def vector_bits(features: str) -> int:
    """Return the width of the widest vectors, given the processor's features as LLVM lists them."""
    present = set(features.split(","))
    if {"+avx512f", "+avx512vl"} <= present:
        return 512
    return 256 if "+avx" in present else 128


# The code depends on the machine that compiles it; it may, because Numba's cache does too: its
# index holds the processor's name and features, and code cached for another one is not loaded.
FEATURES = config.CPU_FEATURES  # NUMBA_CPU_FEATURES
VECTOR_BITS = vector_bits(codegen.get_host_cpu_features() if FEATURES is None else FEATURES)
MASKED = VECTOR_BITS > 128  # SSE has no masked loads, LLVM would branch on each lane


def whole(value: int) -> Any:
    """Return a 64-bit integer constant."""
    return ir.Constant(INT64, value)


def known(value: Any) -> int | None:
    """Return an integer's value where it is a constant, else None."""
    return int(value.constant) if isinstance(value, ir.Constant) else None


def equal_blocks(extent: int, most: int) -> list[tuple[int, int, int]]:
    """Divide an extent into blocks of at most `most`, of one or two sizes: (start, size, count).

    Blocks of one size are preferred, if they need not be much smaller: less has to be compiled.
    """
    for size in range(most, most // 2, -1):
        if extent % size == 0:
            return [(0, size, extent // size)] if extent else []
    count = -(-extent // most)
    size, larger = divmod(extent, count)
    blocks = [(0, size + 1, larger), (larger * (size + 1), size, count - larger)]
    return [block for block in blocks if block[1] and block[2]]


class TileBuilder:
    """Instructions on vectors of one dtype, at the position of an `llvmlite.ir.IRBuilder`."""

    def __init__(self, builder: Any, real: Any) -> None:
        self.builder = builder
        self.real = real
        self.itemsize = 4 if isinstance(real, ir.FloatType) else 8
        self.lanes = VECTOR_BITS // (8 * self.itemsize)

    # Integers: folded where both are known, so that loops and tails can be left out.

    def fold(self, name: str, compute: Callable[[int, int], int], a: Any, b: Any) -> Any:
        """Return an operation's result, a constant if both operands are."""
        first, second = known(a), known(b)
        if first is not None and second is not None:
            return whole(compute(first, second))
        return getattr(self.builder, name)(a, b)

    def add(self, a: Any, b: Any) -> Any:
        """Return a + b."""
        return self.fold("add", lambda p, q: p + q, a, b)

    def subtract(self, a: Any, b: Any) -> Any:
        """Return a - b."""
        return self.fold("sub", lambda p, q: p - q, a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        """Return a b."""
        return self.fold("mul", lambda p, q: p * q, a, b)

    def divide(self, a: Any, b: Any) -> Any:
        """Return the quotient, rounded down, of nonnegative a and positive b."""
        return self.fold("udiv", lambda p, q: p // q, a, b)

    def smaller(self, a: Any, b: Any) -> Any:
        """Return the smaller of two."""
        if known(a) is not None and known(b) is not None:
            return whole(min(known(a) or 0, known(b) or 0))
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def larger(self, a: Any, b: Any) -> Any:
        """Return the larger of two."""
        return self.subtract(self.add(a, b), self.smaller(a, b))

    # Loops

    @contextmanager
    def loop(self, stop: Any, step: int = 1) -> Iterator[Any]:
        """Yield the index of a loop from zero; no loop is made where one round is known to do."""
        if known(stop) is not None and 0 < (known(stop) or 0) <= step:
            yield whole(0)
            return
        builder = self.builder
        before = builder.block
        head, inside, after = (builder.append_basic_block(f"loop.{part}") for part in "hia")
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(INT64)
        index.add_incoming(whole(0), before)
        builder.cbranch(builder.icmp_signed("<", index, stop), inside, after)
        builder.position_at_end(inside)
        yield index
        index.add_incoming(builder.add(index, whole(step)), builder.block)
        self.keep_rolled(builder.branch(head))
        builder.position_at_end(after)

    def keep_rolled(self, branch: Any) -> None:
        """Ask LLVM not to unroll the loop that a branch closes: it would cost compile time only."""
        module = self.builder.module
        wish = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
        loop = module.add_metadata([wish])
        loop.operands = (loop, wish)  # a loop's node begins with itself
        branch.set_metadata("llvm.loop", loop)

    def in_blocks(
        self, extent: Any, sizes: Sequence[int], most: int, body: Callable[[Any, int, bool], None]
    ) -> None:
        """Emit `body(start, size, last)` in a loop over blocks of an extent, for each size.

        A known extent is divided into equal blocks of at most `most`; another one into as many of
        the first size as fit, then of the next (the last size is one). `last` says whether the
        end of the extent may lie in a block.
        """
        length, start = known(extent), whole(0)
        if length is None:
            for size in sizes:
                covered = self.multiply(self.divide(extent, whole(size)), whole(size))
                extent = self.subtract(extent, covered)
                with self.loop(covered, size) as index:
                    body(self.add(start, index), size, True)
                start = self.add(start, covered)
            return
        for first, size, count in equal_blocks(length, most):
            with self.loop(whole(size * count), size) as index:
                stop = first + size * count
                body(self.add(whole(first), index), size, stop == length)

    def accumulate(
        self,
        count: Any,
        zeros: Sequence[Any],
        pointers: Sequence[tuple[Any, Any]],
        body: Callable[[list[Any], list[Any]], list[Any]],
    ) -> tuple[list[Any], list[Any]]:
        """Run `sums = body(sums, pointers)` `count` times; each pointer moves on by its step.

        Returns the sums and the pointers after the last round; `count` may be zero.
        """
        builder = self.builder
        before = builder.block
        head, inside, after = (builder.append_basic_block(f"sum.{part}") for part in "hia")
        builder.branch(head)
        builder.position_at_end(head)
        left = builder.phi(INT64)
        left.add_incoming(count, before)
        moving = [builder.phi(pointer.type) for pointer, _ in pointers]
        sums = [builder.phi(zero.type) for zero in zeros]
        starts = [*[pointer for pointer, _ in pointers], *zeros]
        for phi, start in zip([*moving, *sums], starts, strict=True):
            phi.add_incoming(start, before)
        builder.cbranch(builder.icmp_signed(">", left, whole(0)), inside, after)
        builder.position_at_end(inside)
        results = body(sums, moving)
        steps = [step for _, step in pointers]
        moved = [self.at(pointer, step) for pointer, step in zip(moving, steps, strict=True)]
        left.add_incoming(builder.sub(left, whole(1)), builder.block)
        for phi, result in zip([*moving, *sums], [*moved, *results], strict=True):
            phi.add_incoming(result, builder.block)
        self.keep_rolled(builder.branch(head))
        builder.position_at_end(after)
        return sums, moving

    # Memory and vectors

    def at(self, pointer: Any, *offsets: Any) -> Any:
        """Return a pointer moved by a sum of counts of elements."""
        for offset in offsets:
            if known(offset) != 0:
                pointer = self.builder.gep(pointer, [offset], source_etype=self.real)
        return pointer

    def words(self, count: int) -> Any:
        """Return how many elements a count of 64-bit integers are long."""
        return whole(count * 8 // self.itemsize)

    def number(self, pointer: Any, place: int) -> Any:
        """Return one of the 64-bit integers that a pointer points to."""
        return self.builder.load(self.at(pointer, self.words(place)), typ=INT64)

    def prefetch(self, pointer: Any) -> None:
        """Begin to load a line of memory into the second-level cache."""
        integer = ir.IntType(32)
        arguments = [pointer.type, integer, integer, integer]
        function = self.intrinsic("llvm.prefetch.p0", ir.VoidType(), arguments)
        reading, nearness, of_data = (ir.Constant(integer, value) for value in (0, 2, 1))
        self.builder.call(function, [pointer, reading, nearness, of_data])

    def vector(self, lanes: int) -> Any:
        """Return the type of vectors of so many lanes."""
        return ir.VectorType(self.real, lanes)

    def load(self, pointer: Any, lanes: int, mask: Any = None) -> Any:
        """Return a vector from memory; lanes outside the mask are zero and not read."""
        kind = self.vector(lanes)
        if mask is None:
            return self.builder.load(pointer, align=self.itemsize, typ=kind)
        suffix = f"v{lanes}f{8 * self.itemsize}"
        function = self.intrinsic(
            f"llvm.masked.load.{suffix}.p0", kind, [pointer.type, ir.IntType(32), mask.type, kind]
        )
        alignment = ir.Constant(ir.IntType(32), self.itemsize)
        return self.builder.call(function, [pointer, alignment, mask, ir.Constant(kind, None)])

    def store(self, vector: Any, pointer: Any, mask: Any = None) -> None:
        """Write a vector to memory, only the lanes inside the mask."""
        if mask is None:
            self.builder.store(vector, pointer, align=self.itemsize)
            return
        suffix = f"v{vector.type.count}f{8 * self.itemsize}"
        function = self.intrinsic(
            f"llvm.masked.store.{suffix}.p0",
            ir.VoidType(),
            [vector.type, pointer.type, ir.IntType(32), mask.type],
        )
        alignment = ir.Constant(ir.IntType(32), self.itemsize)
        self.builder.call(function, [vector, pointer, alignment, mask])

    def intrinsic(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """Return one of LLVM's intrinsic functions."""
        kind = ir.FunctionType(result, arguments)
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    def first_lanes(self, count: Any, lanes: int) -> Any:
        """Return the mask of the lanes below `count`, or None where that is known to be all."""
        if (known(count) or 0) >= lanes:
            return None
        numbers = ir.Constant(ir.VectorType(INT64, lanes), list(range(lanes)))
        return self.builder.icmp_signed("<", numbers, self.splat(count, lanes))

    def splat(self, value: Any, lanes: int) -> Any:
        """Return a vector all of whose lanes are a number."""
        kind = ir.VectorType(value.type, lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, whole(0))
        first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
        return self.builder.shuffle_vector(one, one, first)

    def shuffle(self, first: Any, second: Any, lanes: Sequence[int]) -> Any:
        """Return chosen lanes of two vectors, those of the second numbered after the first's."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
        return self.builder.shuffle_vector(first, second, mask)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c, rounded once where the processor can."""
        suffix = f"f{8 * self.itemsize}"
        if isinstance(a.type, ir.VectorType):
            suffix = f"v{a.type.count}{suffix}"
        function = self.intrinsic(f"llvm.fmuladd.{suffix}", a.type, [a.type] * 3)
        return self.builder.call(function, [a, b, c])
