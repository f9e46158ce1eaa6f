"""BLAS inside Numba: row-major `gemm`, `gemv`, `ger` and `dot` that allocate nothing.

SciPy's Fortran BLAS is called by address, through an LLVM symbol, so that `cache=True` works in the
next process too. A generated module gets this file pasted, whole or function by function:
`BLAS_SYMBOLS` must be among what is pasted, because executing it registers the addresses.
Arrays are only a data pointer here: extents and leading dimensions are counts of elements.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import ctypes
import importlib
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, errors
from numba.extending import intrinsic

from symbp.targets.numba.runtime.openblas import load_cython_blas, warn_of_slow_kernels


def blas_integer_bits() -> int:
    """Return the width of Fortran's integers in SciPy's BLAS: 32, except in special builds."""
    try:
        build = importlib.import_module("scipy.__config__").CONFIG["Build Dependencies"]
        return 64 if build["blas"]["cython blas ilp64"] else 32
    except (ImportError, AttributeError, KeyError, TypeError):
        return 32  # older releases have no such builds


def register_blas(integer_bits: int) -> dict[str, str]:
    """Tell LLVM the addresses of the BLAS routines; return their symbols by routine.

    The symbols are stored in Numba's cached machine code, and name the integers' width so that
    code cached for another build of SciPy does not find them, rather than go wrong.
    """
    capsules = load_cython_blas().__pyx_capi__
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    address_of = ctypes.pythonapi.PyCapsule_GetPointer
    address_of.restype, address_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    symbols: dict[str, str] = {}
    # The process has one table of symbols, whichever modules enter them: the first one speaks.
    first = binding.address_of_symbol(f"symbp_blas{integer_bits}_sgemm") is None
    for routine in ("gemm", "gemv", "ger", "dot"):
        for prefix in "sd":
            capsule = capsules[prefix + routine]
            symbols[prefix + routine] = f"symbp_blas{integer_bits}_{prefix}{routine}"
            address = address_of(capsule, name_of(capsule))
            binding.add_symbol(symbols[prefix + routine], address)
    if first:
        warn_of_slow_kernels()
    return symbols


BLAS_INTEGER_BITS = blas_integer_bits()
BLAS_SYMBOLS = register_blas(BLAS_INTEGER_BITS)


def blas_prefix(*arrays: Any) -> str:
    """Return BLAS's letter for the arrays' common dtype; raise Numba's typing error otherwise."""
    dtypes = {getattr(array, "dtype", None) for array in arrays}
    if dtypes == {types.float32}:
        return "s"
    if dtypes == {types.float64}:
        return "d"
    raise errors.TypingError(f"BLAS needs arrays of one dtype, float32 or float64, not {arrays}")


class BlasCall:
    """What the intrinsics share: turning Numba's values into the pointers that Fortran expects."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.types = signature.args
        self.arguments = arguments

    def in_memory(self, value: Any) -> Any:
        """Store a value in the function's frame (allocated once, also inside loops)."""
        slot = cgutils.alloca_once(self.builder, value.type)
        self.builder.store(value, slot)
        return slot

    def integer(self, position: int) -> Any:
        """Return an argument as a 64-bit integer."""
        return self.context.cast(
            self.builder, self.arguments[position], self.types[position], types.int64
        )

    def fortran_integer(self, value: Any) -> Any:
        """Return a 64-bit integer in the width of BLAS's integers."""
        return value if BLAS_INTEGER_BITS == 64 else self.builder.trunc(value, ir.IntType(32))

    def count(self, position: int) -> Any:
        """Return a pointer to an argument as a Fortran integer."""
        return self.in_memory(self.fortran_integer(self.integer(position)))

    def leading_dimension(self, position: int) -> Any:
        """Return a pointer to a stride; at least one, which BLAS insists on for empty matrices."""
        value = self.integer(position)
        one = ir.Constant(value.type, 1)
        value = self.builder.select(self.builder.icmp_signed("<", value, one), one, value)
        return self.in_memory(self.fortran_integer(value))

    def flag(self, position: int, when_true: str, when_false: str) -> Any:
        """Return a pointer to one of two letters."""
        condition = self.context.cast(
            self.builder, self.arguments[position], self.types[position], types.boolean
        )
        condition = self.context.get_value_as_argument(self.builder, types.boolean, condition)
        letters = [ir.Constant(ir.IntType(8), ord(letter)) for letter in (when_true, when_false)]
        zero = ir.Constant(condition.type, 0)
        return self.in_memory(
            self.builder.select(self.builder.icmp_unsigned("!=", condition, zero), *letters)
        )

    def scalar(self, position: int, dtype: Any) -> Any:
        """Return an argument as a number of the arrays' dtype."""
        return self.context.cast(
            self.builder, self.arguments[position], self.types[position], dtype
        )

    def pointer(self, position: int) -> Any:
        """Return an array's data pointer."""
        array = self.context.make_array(self.types[position])
        return array(self.context, self.builder, self.arguments[position]).data

    def call(self, symbol: str, arguments: list[Any], result: Any = None) -> Any:
        """Call a BLAS routine, all of whose arguments are pointers."""
        kind = ir.FunctionType(result or ir.VoidType(), [a.type for a in arguments])
        function = cgutils.get_or_insert_function(self.builder.module, kind, symbol)
        return self.builder.call(function, arguments)


@intrinsic
def gemm(
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
    written, with `k` zero it becomes `beta` C. BLAS is column-major, so it is asked for C^T.
    """
    symbol = BLAS_SYMBOLS[blas_prefix(a, b, c) + "gemm"]
    signature = types.void(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        blas = BlasCall(context, builder, signature, arguments)
        blas.call(
            symbol,
            [
                blas.flag(1, "T", "N"),
                blas.flag(0, "T", "N"),
                blas.count(3),
                blas.count(2),
                blas.count(4),
                blas.in_memory(blas.scalar(5, a.dtype)),
                blas.pointer(8),
                blas.leading_dimension(9),
                blas.pointer(6),
                blas.leading_dimension(7),
                blas.in_memory(blas.scalar(10, a.dtype)),
                blas.pointer(11),
                blas.leading_dimension(12),
            ],
        )
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def gemv(
    typing_context: Any,
    transpose: Any,
    m: Any,
    n: Any,
    alpha: Any,
    a: Any,
    lda: Any,
    x: Any,
    incx: Any,
    beta: Any,
    y: Any,
    incy: Any,
) -> Any:
    """Row-major y = alpha op(A) x + beta y for an m by n matrix A as stored; incx, incy > 0.

    y is multiplied by `beta` here, not by BLAS, which leaves y alone where A is empty and, in some
    releases of OpenBLAS, keeps a NaN in y though `beta` is zero.
    """
    symbol = BLAS_SYMBOLS[blas_prefix(a, x, y) + "gemv"]
    signature = types.void(transpose, m, n, alpha, a, lda, x, incx, beta, y, incy)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        blas = BlasCall(context, builder, signature, arguments)
        transposed = builder.icmp_unsigned(
            "==", builder.load(blas.flag(0, "T", "N")), ir.Constant(ir.IntType(8), ord("T"))
        )
        length = builder.select(transposed, blas.integer(2), blas.integer(1))
        factor, step, start = blas.scalar(8, a.dtype), blas.integer(10), blas.pointer(9)
        zero, one = ir.Constant(factor.type, 0), ir.Constant(factor.type, 1)
        clear = builder.fcmp_ordered("==", factor, zero)
        with (
            builder.if_then(builder.fcmp_unordered("!=", factor, one)),
            cgutils.for_range(builder, length) as loop,
        ):
            element = builder.gep(start, [builder.mul(loop.index, step)])
            scaled = builder.fmul(factor, builder.load(element))
            builder.store(builder.select(clear, zero, scaled), element)
        blas.call(
            symbol,
            [
                blas.flag(0, "N", "T"),
                blas.count(2),
                blas.count(1),
                blas.in_memory(blas.scalar(3, a.dtype)),
                blas.pointer(4),
                blas.leading_dimension(5),
                blas.pointer(6),
                blas.count(7),
                blas.in_memory(one),
                start,
                blas.count(10),
            ],
        )
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def ger(
    typing_context: Any,
    m: Any,
    n: Any,
    alpha: Any,
    x: Any,
    incx: Any,
    y: Any,
    incy: Any,
    a: Any,
    lda: Any,
) -> Any:
    """Row-major A += alpha x y^T for an m by n matrix A; incx, incy > 0."""
    symbol = BLAS_SYMBOLS[blas_prefix(x, y, a) + "ger"]
    signature = types.void(m, n, alpha, x, incx, y, incy, a, lda)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        blas = BlasCall(context, builder, signature, arguments)
        blas.call(
            symbol,
            [
                blas.count(1),
                blas.count(0),
                blas.in_memory(blas.scalar(2, a.dtype)),
                blas.pointer(5),
                blas.count(6),
                blas.pointer(3),
                blas.count(4),
                blas.pointer(7),
                blas.leading_dimension(8),
            ],
        )
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def dot(typing_context: Any, n: Any, x: Any, incx: Any, y: Any, incy: Any) -> Any:
    """Return the sum over i < n of x[i incx] y[i incy], in the arrays' dtype; incx, incy > 0."""
    symbol = BLAS_SYMBOLS[blas_prefix(x, y) + "dot"]
    signature = x.dtype(n, x, incx, y, incy)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        blas = BlasCall(context, builder, signature, arguments)
        pointers = [blas.count(0), blas.pointer(1), blas.count(2), blas.pointer(3), blas.count(4)]
        return blas.call(symbol, pointers, context.get_value_type(x.dtype))

    return signature, generate
