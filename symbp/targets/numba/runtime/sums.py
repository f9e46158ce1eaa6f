"""Sums whose terms may be added in any order, so that LLVM adds them in vectors.

Kernels are compiled with no other freedom than to round a product and a sum at once. Adding in
order, one number after another, would leave a loop that sums at a tenth of its speed: so the
additions that a sum is made of, and they alone, carry LLVM's `reassoc` and `nsz` flags. They belong
to single instructions, and what an equation says in sums of its own, `(x + w) - w`, has none.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

ANY_ORDER = ("reassoc", "nsz", "contract")


@intrinsic
def added(typing_context: Any, total: Any, *terms: Any) -> Any:
    """Return the sum of some numbers; these and a chain of such sums may be added in any order."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (tuple_type,) = signature.args[1:]
        found = arguments[0]
        for term in cgutils.unpack_tuple(builder, arguments[1], len(tuple_type)):
            found = builder.fadd(found, term, flags=ANY_ORDER)
        return found

    return total(total, types.StarArgTuple((total,) * len(terms))), generate


@intrinsic
def products_in_any_order(typing_context: Any) -> Any:
    """Let LLVM multiply in any order in the function that this stands at the end of.

    Only for epochs that are written out by element, where half a dozen products share factors and
    every instruction counts: it is worth 1 to 4 % of a step.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for block in builder.function.blocks:
            for instruction in block.instructions:
                if instruction.opname == "fmul" and not instruction.flags:
                    instruction.flags.extend(ANY_ORDER)
        return context.get_dummy_value()

    return types.none(), generate
