"""Orders of the examples for many networks: what NumPy's generators draw, by machine code.

`Generator.shuffle` takes some 50 ns an example, most of it around the numbers that it draws; for
tiny networks that is more than a step. Here the same numbers, from the same generators, exchange
the same examples, so that an order is the one that the ordinary trainer draws, bit for bit.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from symbp.targets.numba.runtime.cache import compiled_kernel

# Examples of all networks, below which machine code is not worth loading it.
WORTHWHILE_ORDERS = 1 << 17


@intrinsic
def random_bits(typing_context: Any, function: Any, state: Any) -> Any:
    """Return the next 32 bits of a generator: function(state), both given by their addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [arguments[1].type])
        drawn = builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return builder.zext(drawn, ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


def shuffle_rows(orders: NDArray[np.int64], function: int, states: NDArray[np.int64]) -> None:
    """Shuffle each row by a generator of its own, as NumPy does: Fisher and Yates, from the end.

    A place up to the last one is as many random bits as that has, drawn again while they are more.
    No branch depends on what is drawn, which a processor would guess wrong.
    """
    examples = orders.shape[1]
    places = np.empty(examples, np.int64)
    for row in range(orders.shape[0]):
        state, order = states[row], orders[row]
        last: Any = examples - 1
        while last > 0:
            mask = np.int64(1)
            while mask < last:
                mask = 2 * mask + 1
            while last > mask >> 1:
                place = random_bits(function, state) & mask
                places[last] = place
                last -= np.int64(place <= last)
        for last in range(examples - 1, 0, -1):
            place = np.uintp(places[last])
            order[last], order[place] = order[place], order[last]


shuffle_rows_kernel = compiled_kernel(shuffle_rows)


def shuffled(orders: NDArray[np.int64], generators: Sequence[np.random.Generator]) -> None:
    """Shuffle the first rows of an array, each by its generator.

    Parameters
    ----------
    orders : (R, N) array of int64
        An order of examples in each row.
    generators : sequence of Generator
        Of the first rows; the rest stay as they are.
    """
    found = orders[: len(generators)]
    if found.size < WORTHWHILE_ORDERS or found.shape[1] > 2**32:
        for order, generator in zip(found, generators, strict=True):
            generator.shuffle(order)
        return
    draws = [generator.bit_generator.ctypes for generator in generators]
    function = ctypes.cast(draws[0].next_uint32, ctypes.c_void_p).value
    states = np.array([draw.state_address for draw in draws], np.int64)
    shuffle_rows_kernel(found, function, states)
