"""Matrix products in tiles of registers, as the bodies of LLVM functions.

For small and medium matrices BLAS spends its time on the call, on copying and on the edges. Here
the product is LLVM code, compiled with the kernel that calls it: each tile of C stays in vector
registers over the whole sum, edges are smaller tiles and masked vectors, and extents that are
known to the generator are constants in the code. Nothing is allocated: what has to be
copied (a panel of B^T) is copied to the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir

from symbp.targets.numba.runtime.tile_builder import MASKED, VECTOR_BITS, TileBuilder, known, whole
from symbp.targets.numba.runtime.tile_loops import (
    Picked,
    broadcast_tile,
    copy_rows,
    dot_tile,
    pack_transposed,
    scale_matrix,
)

# A tile's vectors in a row and, by these, its rows: the sizes into which an extent is divided that
# is known at run time only, few because each is code to compile; and the most for a known one.
WIDE = VECTOR_BITS == 512
WIDTHS = (4, 2, 1) if WIDE else (2, 1)
ROWS = {4: (4, 1), 3: (4, 1), 2: (8, 2, 1) if WIDE else (4, 1), 1: (8, 2, 1)}
MOST_ROWS = {4: 6, 3: 8, 2: 12, 1: 12} if WIDE else {2: 6, 1: 8}
# k is summed in blocks, so that a panel of B (k by the vectors of a row) stays in the caches.
SUM_BLOCK = 256
# What an m or an n that is known at run time only counts as.
TYPICAL_ROWS, TYPICAL_COLUMNS = 16, 64
# Rows this far apart compete for the same places of a first-level cache.
PAGE = 4096
# A tile of dot products: its rows (of A) and columns (rows of B), and the most columns.
DOT_ROWS, DOT_COLUMNS, MOST_DOT_COLUMNS = (4, 2, 1), ((4, 1) if WIDE else (3, 1)), 5 if WIDE else 3
MOST_DOT_ROWS = 4


class TiledProduct:
    """One product C = alpha op(A) op(B) + D, as the body of an LLVM function; D may be beta C."""

    def __init__(
        self,
        tile: TileBuilder,
        transposes: tuple[bool, bool],
        extents: dict[str, Any],
        values: dict[str, Any],
    ) -> None:
        self.tile, self.builder = tile, tile.builder
        self.transpose_a, self.transpose_b = transposes
        self.m, self.n, self.k = (extents[name] for name in "mnk")
        self.lda, self.ldb, self.ldc = (extents["ld" + name] for name in "abc")
        self.a, self.b, self.c = (values[name] for name in "abc")
        self.d, self.ldd = values.get("d"), extents.get("ldd")
        self.picked: Picked = "a" if "rows_a" in values else "b" if "rows_b" in values else ""
        self.numbers = values.get(f"rows_{self.picked}")
        self.later = values.get(f"later_{self.picked}")
        self.alpha, self.beta = values["alpha"], values.get("beta")

    def emit(self) -> None:
        """Emit the product, by dot products or by broadcasting, as n and k say."""
        zero, one = (ir.Constant(self.tile.real, value) for value in (0, 1))
        if self.d is None:
            self.d, self.ldd = self.c, self.ldc
            self.keep = self.builder.fcmp_unordered("!=", self.beta, zero)
            scaled = self.builder.and_(self.keep, self.builder.fcmp_unordered("!=", self.beta, one))
            with self.builder.if_then(scaled, likely=False):
                self.call("scale", scale_matrix, self.m, self.n, self.beta, self.c, self.ldc)
        else:
            self.keep = ir.Constant(ir.IntType(1), 1)
        # A product without terms is zero whatever alpha is.
        empty = self.builder.icmp_signed("<=", self.k, whole(0))
        self.alpha = self.builder.select(empty, zero, self.alpha)
        if self.transpose_a or not self.transpose_b:
            self.by_broadcasting()
            return
        dots, others = self.costs()
        if known(dots) is not None and known(others) is not None:
            if (known(dots) or 0) < (known(others) or 0):
                self.by_dot_products()
            else:
                self.by_broadcasting()
            return
        cheaper = self.builder.icmp_signed("<", dots, others)
        with self.builder.if_else(cheaper) as (short, otherwise):
            with short:
                self.by_dot_products()
            with otherwise:
                self.by_broadcasting()

    def costs(self) -> tuple[Any, Any]:
        """Return the cycles that a row of C takes by dot products, and by packing and broadcasting.

        Dots take `n ceil(k / lanes)` multiply-adds, an eighth more for their loads, and three
        instructions for each total. Broadcasting takes `k ceil(n / lanes)`, and packing an element
        of B^T a quarter of a cycle, shared by m rows. The choice must not depend on how many rows
        of an example are given in a call, because the order of the sums would: not on an m or an n
        that is known at run time only. They count as typical ones.
        """
        tile, lanes = self.tile, whole(self.tile.lanes)
        n = self.n if known(self.n) is not None else whole(TYPICAL_COLUMNS)
        most = tile.subtract(lanes, whole(1))
        along_k = tile.divide(tile.add(self.k, most), lanes)
        along_n = tile.divide(tile.add(n, most), lanes)
        loads = tile.divide(along_k, whole(8))
        dots = tile.multiply(n, tile.add(tile.add(along_k, loads), whole(3)))
        sharing = known(self.m) or TYPICAL_ROWS
        packing = tile.divide(tile.multiply(n, self.k), whole(4 * sharing))
        return dots, tile.add(tile.multiply(self.k, along_n), packing)

    def call(self, name: str, body: Callable[..., None], *arguments: Any) -> None:
        """Call a function of the module, made on its first use by `body(tile, *arguments)`."""
        call_shared(self.tile, name, body, *arguments)

    def by_dot_products(self) -> None:
        """Emit the product of A and B^T, both contiguous along k, in tiles of dot products."""
        tile = self.tile

        def panel(column: Any, columns: int, last: bool) -> None:
            def block(row: Any, rows: int, last: bool) -> None:
                a, numbers = self.row_of_a(row)
                b = tile.at(self.b, tile.multiply(column, self.ldb))
                c = tile.at(self.c, tile.multiply(row, self.ldc), column)
                d = tile.at(self.d, tile.multiply(row, self.ldd), column)
                arguments = (self.k, a, self.lda, b, self.ldb, self.alpha, self.keep)
                body = partial(dot_tile, rows, columns, self.picked)
                name = f"dots{rows}x{columns}{self.picked}"
                self.call(name, body, *arguments, d, self.ldd, c, self.ldc, *numbers)

            tile.in_blocks(self.m, DOT_ROWS, MOST_DOT_ROWS, block)

        tile.in_blocks(self.n, DOT_COLUMNS, MOST_DOT_COLUMNS, panel)

    def row_of_a(self, row: Any) -> tuple[Any, list[Any]]:
        """Return where a row of A begins; or where A does, with the numbers of rows from it on."""
        tile = self.tile
        if self.picked != "a":
            step = whole(1) if self.transpose_a else self.lda
            return tile.at(self.a, tile.multiply(row, step)), []
        return self.a, [tile.at(self.numbers, tile.multiply(row, tile.words(1)))]

    def by_broadcasting(self) -> None:
        """Emit the product in tiles of broadcast elements of A times runs of rows of B."""
        tile, builder = self.tile, self.builder
        # Without terms (k = 0) there is one empty block of the sum, which scales C.
        most = whole(SUM_BLOCK - 1)
        blocks = tile.larger(tile.divide(tile.add(self.k, most), whole(SUM_BLOCK)), whole(1))
        longest = tile.divide(tile.add(self.k, tile.subtract(blocks, whole(1))), blocks)
        with tile.loop(blocks) as block:
            first = tile.multiply(block, longest)
            length = tile.smaller(longest, tile.subtract(self.k, first))
            before = self.keep, self.d, self.ldd
            if known(blocks) != 1:
                # Later blocks add to what the first has written.
                later = builder.icmp_signed(">", block, whole(0))
                before = (
                    builder.or_(self.keep, later),
                    builder.select(later, self.c, self.d),
                    builder.select(later, self.ldc, self.ldd),
                )
            if MASKED:
                self.columns(first, length, before, tile.lanes, whole(0), self.n)
            else:
                rest = tile.multiply(tile.divide(self.n, whole(tile.lanes)), whole(tile.lanes))
                self.columns(first, length, before, tile.lanes, whole(0), rest)
                self.columns(first, length, before, 1, rest, tile.subtract(self.n, rest))

    def columns(
        self,
        first: Any,
        length: Any,
        before: tuple[Any, Any, Any],
        lanes: int,
        left: Any,
        count: Any,
    ) -> None:
        """Emit `count` columns of C from `left` on, for the terms from `first` on.

        `before` is what they are added to: whether to anything, the matrix, and its row's length.
        """
        keep, base, base_step = before
        tile = self.tile
        vectors = tile.divide(tile.add(count, whole(lanes - 1)), whole(lanes))
        row_step, step = (whole(1), self.lda) if self.transpose_a else (self.lda, whole(1))
        copied = lanes > 1 and self.rows_collide()
        panel = self.panel(lanes, vectors) if self.transpose_b or copied else None

        def runs(start: Any, width: int, last: bool) -> None:
            across = tile.multiply(start, whole(lanes))
            column, inside = tile.add(left, across), tile.subtract(count, across)
            if self.transpose_b:
                source = tile.at(self.b, tile.multiply(column, self.ldb), first)
                covered = tile.smaller(inside, whole(width * lanes))
                b, b_step = panel, whole(width * lanes)
                body = partial(pack_transposed, lanes)
                self.call(f"pack{lanes}", body, covered, length, source, self.ldb, panel, b_step)
            elif copied:
                b, b_step = panel, whole(width * lanes)
                self.copy_panel(width, lanes, first, length, column, inside, panel)
            elif self.picked == "b":
                b, b_step = tile.at(self.b, column), self.ldb
            else:
                b, b_step = tile.at(self.b, tile.multiply(first, self.ldb), column), self.ldb
            part = lanes > 1 and last and bool((known(count) or 1) % lanes)

            def block(row: Any, rows: int, last: bool) -> None:
                a, numbers = self.row_of_a(row)
                picked: Picked = "" if copied and self.picked == "b" else self.picked
                if picked == "b":
                    numbers = [tile.at(self.numbers, tile.multiply(first, tile.words(1)))]
                c = tile.at(self.c, tile.multiply(row, self.ldc), column)
                d = tile.at(base, tile.multiply(row, base_step), column)
                a = tile.at(a, tile.multiply(first, step))
                arguments = [length, a, row_step, step, b, b_step, self.alpha, keep]
                arguments += [d, base_step, c, self.ldc, *numbers]

                def call(picked: Picked, *later: Any) -> None:
                    body = partial(broadcast_tile, rows, width, lanes, picked, part)
                    name = f"tile{rows}x{width}x{lanes}{picked}{' in part' * part}"
                    self.call(name, body, *arguments, *later, *([inside] if part else []))

                # It is code to compile once more: not for each way in which rows may end.
                asks = width == WIDTHS[0] or known(count) is not None
                if self.later is None or copied or not asks:
                    call(picked)
                    return
                # Once is enough: with the first rows of C.
                is_first = self.builder.icmp_signed("==", row, whole(0))
                with self.builder.if_else(is_first) as (now, done):
                    with now:
                        later = tile.at(self.later, tile.multiply(first, tile.words(1)))
                        call("b, ahead", later)
                    with done:
                        call("b")

            tile.in_blocks(self.m, ROWS[width], MOST_ROWS[width], block)

        tile.in_blocks(vectors, WIDTHS, WIDTHS[0], runs)

    def rows_collide(self) -> bool:
        """Whether a panel of B is to be copied, because its rows have the same place in a cache."""
        long = (known(self.ldb) or 1) * self.tile.itemsize % PAGE == 0
        return not self.transpose_b and long and (known(self.m) or TYPICAL_ROWS) >= TYPICAL_ROWS

    def copy_panel(
        self, width: int, lanes: int, first: Any, length: Any, column: Any, inside: Any, panel: Any
    ) -> None:
        """Emit the copy of a panel of B, as wide as a tile, from the term `first` on."""
        tile = self.tile
        arguments = [length, tile.at(self.b, column), self.ldb, panel, inside]
        picked: Picked = "b" if self.picked == "b" else ""
        lists = [self.numbers, self.later] if picked else []
        lists = [
            tile.at(numbers, tile.multiply(first, tile.words(1)))
            for numbers in lists
            if numbers is not None
        ]
        if not picked:
            arguments[1] = tile.at(arguments[1], tile.multiply(first, self.ldb))
        name = f"copy{width}x{lanes}{picked}{len(lists)}"
        self.call(name, partial(copy_rows, width, lanes, picked), *arguments, *lists)

    def panel(self, lanes: int, vectors: Any) -> Any:
        """Return memory of the function's frame for a panel of B^T."""
        width = min(WIDTHS[0], known(vectors) or WIDTHS[0])
        length = min(SUM_BLOCK, known(self.k) or SUM_BLOCK)
        with self.builder.goto_entry_block():
            panel = self.builder.alloca(ir.ArrayType(self.tile.real, width * lanes * length))
            panel.align = VECTOR_BITS // 8
            panel.type = ir.PointerType()  # not one to arrays, which llvmlite would insist on
            return panel


def call_shared(tile: TileBuilder, name: str, body: Callable[..., None], *arguments: Any) -> None:
    """Call a function of the module, made on its first use by `body(tile, *arguments)`."""
    module, dtype = tile.builder.module, tile.real
    name = f"symbp_tiled.{dtype}.{name}"
    function = module.globals.get(name)
    if function is None:
        function = internal_function(module, name, [a.type for a in arguments])
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        body(TileBuilder(builder, dtype), *function.args)
        builder.ret_void()
    tile.builder.call(function, arguments)


def internal_function(module: Any, name: str, arguments: list[Any]) -> Any:
    """Return a new function of a module, for its own use, that is not copied into its callers."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return function
