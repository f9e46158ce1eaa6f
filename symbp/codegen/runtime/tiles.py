"""Matrix products without BLAS: `tiled`, which takes the arguments of `gemm`.

For small and medium matrices BLAS spends its time on the call, on copying and on the edges. Here
the product is LLVM code, compiled with the kernel that calls it: each tile of C stays in vector
registers over the whole sum, edges are smaller tiles and masked vectors, and extents that are
literals where `tiled` is called are constants in the code. Nothing is allocated: what has to be
copied (a panel of B^T) is copied to the stack.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import errors
from numba.extending import intrinsic

from symbp.codegen.runtime.tile_builder import INT64, MASKED, VECTOR_BITS, TileBuilder, known, whole
from symbp.codegen.runtime.tile_loops import broadcast_tile, dot_tile, pack_transposed, scale_matrix

# A tile's vectors in a row and, by these, its rows: the sizes into which an extent is divided that
# is known at run time only, few because each is code to compile; and the most for a known one.
WIDE = VECTOR_BITS == 512
WIDTHS = (4, 2, 1) if WIDE else (2, 1)
ROWS = {4: (4, 1), 3: (4, 1), 2: (8, 2, 1) if WIDE else (4, 1), 1: (8, 2, 1)}
MOST_ROWS = {4: 6, 3: 8, 2: 12, 1: 12} if WIDE else {2: 6, 1: 8}
# k is summed in blocks, so that a panel of B (k by the vectors of a row) stays in the caches.
SUM_BLOCK = 256
# What an n that is known at run time only counts as.
TYPICAL_COLUMNS = 64
# A tile of dot products: its rows (of A) and columns (rows of B), and the most columns.
DOT_ROWS, DOT_COLUMNS, MOST_DOT_COLUMNS = (4, 2, 1), ((4, 1) if WIDE else (3, 1)), 5 if WIDE else 3
MOST_DOT_ROWS = 4


class TiledProduct:
    """One product C = alpha op(A) op(B) + beta C, as the body of an LLVM function."""

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
        self.alpha, self.beta = values["alpha"], values["beta"]

    def emit(self) -> None:
        """Emit the product, by dot products or by broadcasting, as n and k say."""
        zero, one = (ir.Constant(self.tile.real, value) for value in (0, 1))
        self.keep = self.builder.fcmp_unordered("!=", self.beta, zero)
        scaled = self.builder.and_(self.keep, self.builder.fcmp_unordered("!=", self.beta, one))
        with self.builder.if_then(scaled, likely=False):
            self.call("scale", scale_matrix, self.m, self.n, self.beta, self.c, self.ldc)
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
        of B^T a quarter of a cycle, here shared by 16 rows. The choice must not depend on how many
        rows of an example are given in a call, because the order of the sums would: not on m, and
        not on an n that is known at run time only. A caller that has code of its own for one row,
        named by a constant m, is another matter: there nothing shares the packing.
        """
        tile, lanes = self.tile, whole(self.tile.lanes)
        n = self.n if known(self.n) is not None else whole(TYPICAL_COLUMNS)
        most = tile.subtract(lanes, whole(1))
        along_k = tile.divide(tile.add(self.k, most), lanes)
        along_n = tile.divide(tile.add(n, most), lanes)
        loads = tile.divide(along_k, whole(8))
        dots = tile.multiply(n, tile.add(tile.add(along_k, loads), whole(3)))
        alone = known(self.m) == 1 and None not in (known(self.n), known(self.k))
        packing = tile.divide(tile.multiply(n, self.k), whole(4 if alone else 64))
        return dots, tile.add(tile.multiply(self.k, along_n), packing)

    def call(self, name: str, body: Callable[..., None], *arguments: Any) -> None:
        """Call a function of the module, made on its first use by `body(tile, *arguments)`."""
        module, dtype = self.builder.module, self.tile.real
        name = f"symbp_tiled.{dtype}.{name}"
        function = module.globals.get(name)
        if function is None:
            function = internal_function(module, name, [a.type for a in arguments])
            builder = ir.IRBuilder(function.append_basic_block("entry"))
            body(TileBuilder(builder, dtype), *function.args)
            builder.ret_void()
        self.builder.call(function, arguments)

    def by_dot_products(self) -> None:
        """Emit the product of A and B^T, both contiguous along k, in tiles of dot products."""
        tile = self.tile

        def panel(column: Any, columns: int, last: bool) -> None:
            def block(row: Any, rows: int, last: bool) -> None:
                a = tile.at(self.a, tile.multiply(row, self.lda))
                b = tile.at(self.b, tile.multiply(column, self.ldb))
                c = tile.at(self.c, tile.multiply(row, self.ldc), column)
                arguments = (self.k, a, self.lda, b, self.ldb, self.alpha, self.keep, c, self.ldc)
                body = partial(dot_tile, rows, columns)
                self.call(f"dots{rows}x{columns}", body, *arguments)

            tile.in_blocks(self.m, DOT_ROWS, MOST_DOT_ROWS, block)

        tile.in_blocks(self.n, DOT_COLUMNS, MOST_DOT_COLUMNS, panel)

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
            keep = self.keep
            if known(blocks) != 1:
                keep = builder.or_(keep, builder.icmp_signed(">", block, whole(0)))
            if MASKED:
                self.columns(first, length, keep, tile.lanes, whole(0), self.n)
            else:
                rest = tile.multiply(tile.divide(self.n, whole(tile.lanes)), whole(tile.lanes))
                self.columns(first, length, keep, tile.lanes, whole(0), rest)
                self.columns(first, length, keep, 1, rest, tile.subtract(self.n, rest))

    def columns(
        self, first: Any, length: Any, keep: Any, lanes: int, left: Any, count: Any
    ) -> None:
        """Emit `count` columns of C from `left` on, for the terms from `first` on."""
        tile = self.tile
        vectors = tile.divide(tile.add(count, whole(lanes - 1)), whole(lanes))
        row_step, step = (whole(1), self.lda) if self.transpose_a else (self.lda, whole(1))
        panel = self.panel(lanes, vectors) if self.transpose_b else None

        def runs(start: Any, width: int, last: bool) -> None:
            across = tile.multiply(start, whole(lanes))
            column, inside = tile.add(left, across), tile.subtract(count, across)
            if self.transpose_b:
                source = tile.at(self.b, tile.multiply(column, self.ldb), first)
                covered = tile.smaller(inside, whole(width * lanes))
                b, b_step = panel, whole(width * lanes)
                body = partial(pack_transposed, lanes)
                self.call(f"pack{lanes}", body, covered, length, source, self.ldb, panel, b_step)
            else:
                b, b_step = tile.at(self.b, tile.multiply(first, self.ldb), column), self.ldb
            part = lanes > 1 and last and bool((known(count) or 1) % lanes)

            def block(row: Any, rows: int, last: bool) -> None:
                offsets = (tile.multiply(row, row_step), tile.multiply(first, step))
                c = tile.at(self.c, tile.multiply(row, self.ldc), column)
                arguments = [length, tile.at(self.a, *offsets), row_step, step, b, b_step]
                arguments += [self.alpha, keep, c, self.ldc, *([inside] if part else [])]
                body = partial(broadcast_tile, rows, width, lanes)
                self.call(f"tile{rows}x{width}x{lanes}{'part' * part}", body, *arguments)

            tile.in_blocks(self.m, ROWS[width], MOST_ROWS[width], block)

        tile.in_blocks(vectors, WIDTHS, WIDTHS[0], runs)

    def panel(self, lanes: int, vectors: Any) -> Any:
        """Return memory of the function's frame for a panel of B^T."""
        width = min(WIDTHS[0], known(vectors) or WIDTHS[0])
        length = min(SUM_BLOCK, known(self.k) or SUM_BLOCK)
        with self.builder.goto_entry_block():
            panel = self.builder.alloca(ir.ArrayType(self.tile.real, width * lanes * length))
            panel.align = VECTOR_BITS // 8
            panel.type = ir.PointerType()  # not one to arrays, which llvmlite would insist on
            return panel


def internal_function(module: Any, name: str, arguments: list[Any]) -> Any:
    """Return a new function of a module, for its own use, that is not copied into its callers."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return function


EXTENTS = {"m": 2, "n": 3, "k": 4, "lda": 7, "ldb": 9, "ldc": 12}
VALUES = {"alpha": 5, "a": 6, "b": 8, "beta": 10, "c": 11}


def common_dtype(*arrays: Any) -> Any:
    """Return the arrays' common dtype; raise Numba's typing error if there is none."""
    dtypes = {getattr(array, "dtype", None) for array in arrays}
    if dtypes in ({types.float32}, {types.float64}):
        return arrays[0].dtype
    raise errors.TypingError(f"tiles need arrays of one dtype, float32 or float64, not {arrays}")


def product_function(
    module: Any, dtype: Any, transposes: tuple[bool, bool], literals: dict[str, int], real: Any
) -> Any:
    """Return the LLVM function of a product, made once in a module for each set of constants.

    Its arguments are the values, then the extents that are not among the literals.
    """
    letters = "".join("nt"[flag] for flag in transposes)
    sizes = ".".join(f"{name}{value}" for name, value in literals.items())
    name = f"symbp_tiled.{dtype}.{letters}.{sizes}"
    if name in module.globals:
        return module.globals[name]
    free = [extent for extent in EXTENTS if extent not in literals]
    arguments = [real if value in ("alpha", "beta") else ir.PointerType() for value in VALUES]
    function = internal_function(module, name, arguments + [INT64] * len(free))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    values = dict(zip(VALUES, function.args, strict=False))
    extents = dict(zip(free, function.args[len(VALUES) :], strict=True))
    extents |= {extent: whole(value) for extent, value in literals.items()}
    TiledProduct(TileBuilder(builder, real), transposes, extents, values).emit()
    builder.ret_void()
    return function


@intrinsic(prefer_literal=True)
def tiled(
    typing_context: Any,
    transpose_a: Any,
    transpose_b: Any,
    m: Any,
    n: Any,
    k: Any,
    alpha: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    beta: Any,
    c: Any,
    ldc: Any,
) -> Any:
    """Row-major C = alpha op(A) op(B) + beta C, where op(A) is m by k and op(B) is k by n.

    `lda`, `ldb`, `ldc` are the distances between rows as stored. With `beta` zero C is only
    written, with `k` zero it becomes `beta` C. C must not overlap A or B.
    """
    dtype = common_dtype(a, b, c)
    signature = types.void(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def cast(position: int, kind: Any) -> Any:
            return context.cast(builder, arguments[position], signature.args[position], kind)

        values = {}
        for name, position in VALUES.items():
            if name in ("alpha", "beta"):
                values[name] = cast(position, dtype)
            else:
                array = context.make_array(signature.args[position])
                values[name] = array(context, builder, arguments[position]).data
        literals = {
            name: signature.args[position].literal_value
            for name, position in EXTENTS.items()
            if isinstance(signature.args[position], types.IntegerLiteral)
        }
        given = list(values.values())
        given += [cast(EXTENTS[name], types.int64) for name in EXTENTS if name not in literals]
        real = context.get_value_type(dtype)

        def call(transposes: tuple[bool, bool]) -> None:
            function = product_function(builder.module, dtype, transposes, literals, real)
            builder.call(function, given)

        flags = [
            flag.literal_value if isinstance(flag, types.BooleanLiteral) else None
            for flag in signature.args[:2]
        ]
        choose_form(builder, flags, lambda position: cast(position, types.boolean), call)
        return context.get_dummy_value()

    return signature, generate


def choose_form(
    builder: Any,
    flags: list[bool | None],
    value: Callable[[int], Any],
    call: Callable[[tuple[bool, bool]], None],
) -> None:
    """Emit the calls for two flags; where one is known only at run time, for both its values."""
    choices = [[False, True] if flag is None else [flag] for flag in flags]
    for pair in itertools.product(*choices):
        conditions = [
            builder.icmp_unsigned("==", value(position), ir.Constant(ir.IntType(1), int(wanted)))
            for position, wanted in enumerate(pair)
            if flags[position] is None
        ]
        always = ir.Constant(ir.IntType(1), 1)
        with builder.if_then(reduce(builder.and_, conditions, always)):
            call((pair[0], pair[1]))
