"""Matrix products without BLAS: `tiled`, with the arguments of `gemm`, and `tiled_onto`."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.extending import intrinsic

from symbp.targets.numba.runtime.tile_builder import INT64, TileBuilder, whole
from symbp.targets.numba.runtime.tile_products import TiledProduct, internal_function

# Where the arguments of `tiled` are, and those of `tiled_onto`.
EXTENTS = {"m": 2, "n": 3, "k": 4, "lda": 7, "ldb": 9, "ldc": 12}
VALUES = {"alpha": 5, "a": 6, "b": 8, "beta": 10, "c": 11}
EXTENTS_ONTO = {"m": 2, "n": 3, "k": 4, "lda": 7, "ldb": 9, "ldd": 11, "ldc": 13}
VALUES_ONTO = {"alpha": 5, "a": 6, "b": 8, "d": 10, "c": 12}


def check_arrays(transpose_a: Any, transpose_b: Any, a: Any, b: Any, *others: Any) -> None:
    """Raise Numba's typing error if the arrays are of several dtypes, or rows cannot be picked."""
    arrays = [a, b, *others]
    for place, turned in enumerate((transpose_a, transpose_b)):
        if isinstance(arrays[place], types.BaseTuple):
            arrays[place], *numbers = arrays[place]
            of_integers = {array.dtype for array in numbers} == {types.int64}
            if not of_integers or len(numbers) > 1 + place or literal(turned) is not False:
                raise errors.TypingError("rows are picked by int64 numbers, and not transposed")
    if isinstance(a, types.BaseTuple) and isinstance(b, types.BaseTuple):
        raise errors.TypingError("rows are picked from A or from B")
    dtypes = {getattr(array, "dtype", None) for array in arrays}
    if dtypes in ({types.float32}, {types.float64}):
        return
    raise errors.TypingError(f"tiles need arrays of one dtype, float32 or float64, not {arrays}")


def product_function(
    module: Any, dtype: Any, transposes: tuple[bool, bool], values: list[str],
    extents: dict[str, int | None],
) -> Any:  # fmt: skip
    """Return the LLVM function of a product, made once in a module for each set of constants.

    Its arguments are the values, then the extents of which no constant is given.
    """
    letters = "".join("nt"[flag] for flag in transposes)
    sizes = ".".join(f"{name}{value}" for name, value in extents.items() if value is not None)
    kind = "".join(name for name in values if name in ("d", "rows_a", "rows_b", "later_b"))
    name = f"symbp_tiled.{dtype}.{kind}.{letters}.{sizes}"
    if name in module.globals:
        return module.globals[name]
    free = [extent for extent, value in extents.items() if value is None]
    arguments = [dtype if value in ("alpha", "beta") else ir.PointerType() for value in values]
    function = internal_function(module, name, arguments + [INT64] * len(free))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    given = dict(zip([*values, *free], function.args, strict=True))
    sizes_given = {
        extent: given[extent] if value is None else whole(value)
        for extent, value in extents.items()
    }
    TiledProduct(TileBuilder(builder, dtype), transposes, sizes_given, given).emit()
    builder.ret_void()
    return function


def product_call(
    values: dict[str, int], extents: dict[str, int], blocks: Callable[..., None] | None = None
) -> Callable[..., Any]:
    """Return what generates the code of a call, from the positions of the arguments.

    If there are `blocks`, that emits calls for some of the terms each.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def cast(position: int, kind: Any) -> Any:
            return context.cast(builder, arguments[position], signature.args[position], kind)

        dtype = signature.args[values["c"]].dtype
        given = {}
        for name, position in values.items():
            kind, value = signature.args[position], arguments[position]
            if name in ("alpha", "beta"):
                given[name] = cast(position, dtype)
            elif isinstance(kind, types.BaseTuple):
                parts = cgutils.unpack_tuple(builder, value)
                names = (name, f"rows_{name}", f"later_{name}")
                for each, of, array in zip(names, kind, parts, strict=False):
                    given[each] = data_of(context, builder, of, array)
            else:
                given[name] = data_of(context, builder, kind, value)
        literals = {name: literal(signature.args[place]) for name, place in extents.items()}
        free = [name for name, value in literals.items() if value is None]
        sizes = [cast(extents[name], types.int64) for name in free]
        real = context.get_value_type(dtype)

        def call(transposes: tuple[bool, bool]) -> None:
            module = builder.module
            function = product_function(module, real, transposes, list(given), literals)
            if blocks is None:
                builder.call(function, [*given.values(), *sizes])
                return
            of = dict(zip(free, sizes, strict=True))
            known = {name: of.get(name, whole(literals[name] or 0)) for name in literals}

            def some(values: dict[str, Any], terms: Any) -> None:
                count = [terms if name == "k" else of[name] for name in free]
                builder.call(function, [*values.values(), *count])

            blocks(context, TileBuilder(builder, real), transposes, given, known, some)

        flags = [literal(flag) for flag in signature.args[:2]]
        choose_form(builder, flags, lambda position: cast(position, types.boolean), call)
        return context.get_dummy_value()

    return generate


def data_of(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the pointer to an array's elements."""
    return context.make_array(kind)(context, builder, value).data


def literal(kind: Any) -> Any:
    """Return the value of a literal's type, or None where it is known at run time only."""
    return getattr(kind, "literal_value", None)


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
    written, with `k` zero it becomes `beta` C. C must not overlap A or B. In place of A or B,
    if it is not transposed, a pair may stand: an array, and the numbers of the rows in it. For B
    there may be a third: the numbers of as many rows that will be read next.
    """
    check_arrays(transpose_a, transpose_b, a, b, c)
    signature = types.void(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    return signature, product_call(VALUES, EXTENTS)


@intrinsic(prefer_literal=True)
def tiled_onto(
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
    d: Any,
    ldd: Any,
    c: Any,
    ldc: Any,
) -> Any:
    """Row-major C = alpha op(A) op(B) + D, as `tiled`; D is not C, and does not overlap it.

    With `ldd` zero each row of D is the same, as the biases of a layer are.
    """
    check_arrays(transpose_a, transpose_b, a, b, c, d)
    signature = types.void(
        transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, d, ldd, c, ldc
    )  # fmt: skip
    return signature, product_call(VALUES_ONTO, EXTENTS_ONTO)


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
