"""Products over many rows: `tiled_in_blocks` adds the sums of blocks of them in double precision.

A number of single precision that takes up a million terms, one after another, loses as many
roundings. Here few are added up in registers, and their sums to numbers of double precision, which
are rounded once in the end. Up to a number of terms it is `tiled`.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from symbp.targets.numba.runtime.tile_builder import INT64, TileBuilder, whole
from symbp.targets.numba.runtime.tile_products import call_shared
from symbp.targets.numba.runtime.tiles import (
    EXTENTS,
    VALUES,
    check_arrays,
    literal,
    product_call,
)

DOUBLE = ir.DoubleType()


@intrinsic(prefer_literal=True)
def tiled_in_blocks(
    typing_context: Any,
    few: Any,
    part: Any,
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
    """Row-major C = alpha op(A) op(B) + beta C, as `tiled` if there are `few` terms at most.

    Of more, `part` are added up in registers; both are literals. `beta` is 0 or 1.
    """
    check_arrays(transpose_a, transpose_b, a, b, c)
    product = (transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    lengths = few, part
    generate = product_call(VALUES, EXTENTS, partial(in_blocks, *map(literal, lengths)))

    def without_lengths(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return generate(context, builder, types.void(*signature.args[2:]), arguments[2:])

    return types.void(*lengths, *product), without_lengths


def in_blocks(
    few: int,
    part: int,
    context: Any,
    tile: TileBuilder,
    transposes: tuple[bool, bool],
    values: dict[str, Any],
    extents: dict[str, Any],
    call: Callable[[dict[str, Any], Any], None],
) -> None:
    """Emit the calls of a product, given the function that emits one for some of its terms."""
    builder, k = tile.builder, extents["k"]
    matrix = extents["m"], extents["n"], values["c"], extents["ldc"]
    with builder.if_else(builder.icmp_signed(">", k, whole(few))) as (many, otherwise):
        with otherwise:
            call(values, k)
        with many:
            count = tile.multiply(extents["m"], extents["n"])
            memory = context.nrt.allocate(builder, tile.multiply(count, whole(8)))
            # Not a pointer to bytes, which llvmlite would insist on.
            wide = builder.inttoptr(builder.ptrtoint(memory, INT64), ir.PointerType())
            nothing = ir.Constant(tile.real, 0)
            kept = builder.fcmp_unordered("!=", values["beta"], nothing)
            call_shared(tile, "begin_wide", begin_wide, *matrix, wide, kept)
            with tile.loop(k, part) as first:
                length = tile.smaller(whole(part), tile.subtract(k, first))
                # What of C is kept is the same in all calls: a constant, where it is one.
                call(moved(tile, transposes, values, extents, first), length)
                call_shared(tile, "add_wide", add_wide, *matrix, wide)
            call_shared(tile, "round_wide", round_wide, *matrix, wide)
            context.nrt.free(builder, memory)


def moved(
    tile: TileBuilder,
    transposes: tuple[bool, bool],
    values: dict[str, Any],
    extents: dict[str, Any],
    first: Any,
) -> dict[str, Any]:
    """Return the values of a product without its terms before the first."""
    result = dict(values)
    transpose_a, transpose_b = transposes
    for name, along in (("a", not transpose_a), ("b", transpose_b)):
        lists = [each for each in (f"rows_{name}", f"later_{name}") if each in values]
        if along or not lists:
            step = first if along else tile.multiply(first, extents[f"ld{name}"])
            result[name] = tile.at(values[name], step)
        else:
            for each in lists:
                result[each] = tile.at(values[each], tile.multiply(first, tile.words(1)))
    return result


def begin_wide(tile: TileBuilder, m: Any, n: Any, c: Any, ldc: Any, wide: Any, kept: Any) -> None:
    """Set the wide sums to what of C is kept, and C to zero."""
    builder, zero = tile.builder, ir.Constant(DOUBLE, 0)
    with tile.loop(m) as row, tile.loop(n) as column:
        source = tile.at(c, tile.multiply(row, ldc), column)
        place = builder.gep(wide, [tile.add(tile.multiply(row, n), column)], source_etype=DOUBLE)
        value = builder.fpext(builder.load(source, typ=tile.real), DOUBLE)
        builder.store(builder.select(kept, value, zero), place)
        builder.store(ir.Constant(tile.real, 0), source)


def add_wide(tile: TileBuilder, m: Any, n: Any, c: Any, ldc: Any, wide: Any) -> None:
    """Add C to the wide sums, and set it to zero."""
    builder = tile.builder
    with tile.loop(m) as row, tile.loop(n) as column:
        source = tile.at(c, tile.multiply(row, ldc), column)
        place = builder.gep(wide, [tile.add(tile.multiply(row, n), column)], source_etype=DOUBLE)
        value = builder.fpext(builder.load(source, typ=tile.real), DOUBLE)
        builder.store(builder.fadd(builder.load(place, typ=DOUBLE), value), place)
        builder.store(ir.Constant(tile.real, 0), source)


def round_wide(tile: TileBuilder, m: Any, n: Any, c: Any, ldc: Any, wide: Any) -> None:
    """Set C to the wide sums."""
    builder = tile.builder
    with tile.loop(m) as row, tile.loop(n) as column:
        place = builder.gep(wide, [tile.add(tile.multiply(row, n), column)], source_etype=DOUBLE)
        value = builder.fptrunc(builder.load(place, typ=DOUBLE), tile.real)
        builder.store(value, tile.at(c, tile.multiply(row, ldc), column))
