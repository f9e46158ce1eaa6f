"""Products over many rows: `tiled_in_blocks` adds the sums of blocks of them in double precision.

A number of single precision that takes up a million terms, one after another, loses as many
roundings. Here few are added up in registers, some of these sums in C, and those to numbers of
double precision, which are rounded once in the end. Up to a number of terms it is `tiled`.
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
    block: Any,
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

    Of more, `part` are added up in registers and `block` in C; all three are literals.
    """
    check_arrays(transpose_a, transpose_b, a, b, c)
    product = (transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    lengths = few, block, part
    generate = product_call(VALUES, EXTENTS, partial(in_blocks, *map(literal, lengths)))

    def without_lengths(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return generate(context, builder, types.void(*signature.args[3:]), arguments[3:])

    return types.void(*lengths, *product), without_lengths


def in_blocks(
    few: int,
    block: int,
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
    m, n, c, ldc = extents["m"], extents["n"], values["c"], extents["ldc"]
    with builder.if_else(builder.icmp_signed(">", k, whole(few))) as (many, otherwise):
        with otherwise:
            call(values, k)
        with many:
            memory = context.nrt.allocate(builder, tile.multiply(tile.multiply(m, n), whole(8)))
            # Not a pointer to bytes, which llvmlite would insist on.
            wide = builder.inttoptr(builder.ptrtoint(memory, INT64), ir.PointerType())
            with tile.loop(k, block) as start:
                count = tile.smaller(whole(block), tile.subtract(k, start))
                with tile.loop(count, part) as inside:
                    first = tile.add(start, inside)
                    length = tile.smaller(whole(part), tile.subtract(count, inside))
                    some = moved(tile, transposes, values, extents, first)
                    # The first part of a block overwrites what has been added to the wide sums.
                    zero, one = (ir.Constant(tile.real, value) for value in (0, 1))
                    is_first = builder.icmp_signed("==", start, whole(0))
                    begin = builder.select(is_first, values["beta"], zero)
                    is_first = builder.icmp_signed("==", inside, whole(0))
                    some["beta"] = builder.select(is_first, begin, one)
                    call(some, length)
                later = builder.icmp_signed(">", start, whole(0))
                call_shared(tile, "add_wide", add_wide, m, n, c, ldc, wide, later)
            call_shared(tile, "round_wide", round_wide, m, n, c, ldc, wide)
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


def add_wide(tile: TileBuilder, m: Any, n: Any, c: Any, ldc: Any, wide: Any, later: Any) -> None:
    """Add C to its wide sums; the first time, set them to it."""
    builder = tile.builder
    with tile.loop(m) as row, tile.loop(n) as column:
        value = builder.load(tile.at(c, tile.multiply(row, ldc), column), typ=tile.real)
        place = builder.gep(wide, [tile.add(tile.multiply(row, n), column)], source_etype=DOUBLE)
        before = builder.select(later, builder.load(place, typ=DOUBLE), ir.Constant(DOUBLE, 0))
        builder.store(builder.fadd(before, builder.fpext(value, DOUBLE)), place)


def round_wide(tile: TileBuilder, m: Any, n: Any, c: Any, ldc: Any, wide: Any) -> None:
    """Set C to its wide sums."""
    builder = tile.builder
    with tile.loop(m) as row, tile.loop(n) as column:
        place = builder.gep(wide, [tile.add(tile.multiply(row, n), column)], source_etype=DOUBLE)
        value = builder.fptrunc(builder.load(place, typ=DOUBLE), tile.real)
        builder.store(value, tile.at(c, tile.multiply(row, ldc), column))
