"""Gather the rows of a batch: copy one, and ask for one before it is needed."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.extending import intrinsic


@intrinsic
def prefetch(typing_context: Any, array: Any, row: Any) -> Any:
    """Begin to load a row of a contiguous array into the second-level cache."""
    itemsize = array.dtype.bitwidth // 8

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, arguments[0])
        integer, byte = ir.IntType(64), ir.IntType(8)
        size = ir.Constant(integer, itemsize)
        for extent in cgutils.unpack_tuple(builder, given.shape)[1:]:
            size = builder.mul(size, extent)
        number = context.cast(builder, arguments[1], signature.args[1], types.int64)
        data = builder.bitcast(given.data, byte.as_pointer())
        start = builder.gep(data, [builder.mul(number, size)])
        kind = ir.FunctionType(ir.VoidType(), [start.type, *[ir.IntType(32)] * 3])
        name = "llvm.prefetch.p0"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        reading, nearness, of_data = (ir.Constant(ir.IntType(32), value) for value in (0, 2, 1))
        line = ir.Constant(integer, 64)
        with cgutils.for_range_slice(builder, ir.Constant(integer, 0), size, line) as (offset, _):
            builder.call(function, [builder.gep(start, [offset]), reading, nearness, of_data])
        return context.get_dummy_value()

    return types.void(array, row), generate


@intrinsic(prefer_literal=True)
def copy_row(
    typing_context: Any, target: Any, row: Any, source: Any, example: Any, size: Any
) -> Any:
    """Copy a row of `size` numbers between contiguous arrays: target[row] = source[example]."""
    if target.dtype != source.dtype:
        raise errors.TypingError(f"copy_row: {target.dtype} and {source.dtype} differ")
    itemsize = target.dtype.bitwidth // 8

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer, byte = ir.IntType(64), ir.IntType(8)
        if isinstance(size, types.IntegerLiteral):
            count = ir.Constant(integer, size.literal_value * itemsize)
        else:
            number = context.cast(builder, arguments[4], signature.args[4], types.int64)
            count = builder.mul(number, ir.Constant(integer, itemsize))

        def start(position: int) -> Any:
            kind = signature.args[position]
            array = context.make_array(kind)(context, builder, arguments[position])
            number = context.cast(
                builder, arguments[position + 1], signature.args[position + 1], types.int64
            )
            data = builder.bitcast(array.data, byte.as_pointer())
            return builder.gep(data, [builder.mul(number, count)])

        to, here = start(0), start(2)
        kind = ir.FunctionType(ir.VoidType(), [to.type, here.type, integer, ir.IntType(1)])
        name = "llvm.memcpy.p0.p0.i64"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        builder.call(function, [to, here, count, ir.Constant(ir.IntType(1), 0)])
        return context.get_dummy_value()

    return types.void(target, row, source, example, size), generate
