"""Views of contiguous memory by offset: what a slice and a reshape do, without their checks.

Numba compiles these in a fraction of the time that slices take: nothing is bounds-checked, counted
or copied.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array


def view_of(context: Any, builder: Any, kind: Any, data: Any, shape: list[Any]) -> Any:
    """Return an array of a contiguous kind over memory that somebody else keeps alive."""
    itemsize = ir.Constant(ir.IntType(64), kind.dtype.bitwidth // 8)
    strides = [itemsize]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    array = context.make_array(kind)(context, builder)
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return array._getvalue()


def place_of(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, list[Any]]:
    """Return where memory[start] lies and the extents of a shape, of (memory, start, shape)."""
    given = context.make_array(signature.args[0])(context, builder, arguments[0])
    offset = context.cast(builder, arguments[1], signature.args[1], types.int64)
    extents = [
        context.cast(builder, extent, extent_type, types.int64)
        for extent, extent_type in zip(
            cgutils.unpack_tuple(builder, arguments[2]), signature.args[2], strict=True
        )
    ]
    return builder.gep(given.data, [offset]), extents


@intrinsic
def view(typing_context: Any, memory: Any, start: Any, shape: Any) -> Any:
    """Return the array of a shape whose first element is memory[start]."""
    kind = types.Array(memory.dtype, len(shape), "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, extents = place_of(context, builder, signature, arguments)
        return view_of(context, builder, kind, data, extents)

    return kind(memory, start, shape), generate


@intrinsic
def whole_numbers(typing_context: Any, memory: Any, start: Any, shape: Any) -> Any:
    """Return the array of 64-bit integers of a shape that begins where memory[start] lies."""
    kind = types.Array(types.int64, len(shape), "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, extents = place_of(context, builder, signature, arguments)
        whole = builder.bitcast(data, ir.IntType(64).as_pointer())
        return view_of(context, builder, kind, whole, extents)

    return kind(memory, start, shape), generate


@intrinsic
def part(typing_context: Any, array: Any, start: Any) -> Any:
    """Return what begins at an element of a contiguous array, for a routine that has strides."""
    kind = types.Array(array.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, arguments[0])
        offset = context.cast(builder, arguments[1], signature.args[1], types.int64)
        data = builder.gep(given.data, [offset])
        # Its length is not asked for.
        return view_of(context, builder, kind, data, [ir.Constant(ir.IntType(64), 1)])

    return kind(array, start), generate


@intrinsic
def flat(typing_context: Any, array: Any) -> Any:
    """Return a contiguous array's elements as one row, for a subscript that is not negative."""
    kind = types.Array(array.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, arguments[0])
        # Its length is not asked for.
        return view_of(context, builder, kind, given.data, [ir.Constant(ir.IntType(64), 1)])

    return kind(array), generate


@intrinsic
def natural(typing_context: Any, number: Any) -> Any:
    """Return a number that is not negative and below 2^48, and is known to be.

    For all that LLVM knows a loop's first index may be negative, or its last one so large that
    counting overflows; then every subscript is checked for counting from the end, and the loop is
    not vectorised. Taking the lowest 48 bits says more than a comparison with zero does: also that
    sums and multiples of such numbers are not negative.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = context.cast(builder, arguments[0], signature.args[0], types.int64)
        return builder.and_(value, ir.Constant(value.type, 2**48 - 1))

    return types.int64(number), generate
