"""Every float32 function at all 2^32 numbers, against the float64 function of the same name.

The float64 functions are measured against mpmath by themselves: they err by less than 8 of their
ulp, which are 2^-29 of float32's; at the worst number mpmath has the last word. (`gelu_tanh` is
measured on another scale.) They vectorise, so that all numbers take minutes, not an hour.
"""

import numpy as np
from numba import njit

from symbp.targets.numba.runtime.vector_maths_float64 import from_bits, maximum, to_bits
from tests.targets.numba.vector_maths.functions import SCALED, loop, runtime_function

BLOCK = 1 << 14
SMALLEST, NEXT_POWER = 2.0**-126, 2.0**128


def exhaustive(name: str, limit: float) -> tuple[float, float, int]:
    """Compare a float32 function with its float64 namesake for all 2^32 numbers.

    Parameters
    ----------
    name : str
        The function.
    limit : float
        Numbers of larger magnitude are left out.

    Returns
    -------
    tuple of (float, float, int)
        The largest error in ulp, the number where it is, and how many results are NaN where the
        reference is not or the other way round.
    """
    apply = loop(name, "float32")
    exact_value = runtime_function(name, "float64")
    least = 1.0 if name in SCALED else SMALLEST

    @njit(error_model="numpy")
    def error(x: float, value: float) -> tuple[float, int]:
        exact = exact_value(x)
        odd = (exact != exact) != (value != value)
        # Beyond the largest number comes the next power of two, which infinity stands for.
        exact = max(-NEXT_POWER, min(exact, NEXT_POWER))
        value = max(-NEXT_POWER, min(value, NEXT_POWER))
        size = min(max(abs(exact), least), NEXT_POWER / 2)
        # 2^-e from the exponent field of 2^e, and 23 bits of a float32.
        result = abs(value - exact) * from_bits((2046 + 23 - (to_bits(size) >> 52)) << 52)
        inside = abs(x) <= limit
        return (result if inside and result == result else 0.0), (1 if odd and inside else 0)

    @njit(error_model="numpy", fastmath={"reassoc"})
    def search() -> tuple[float, float, int]:
        bits, y = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.float32)
        x = bits.view(np.float32)
        worst, place, undefined = -1.0, 0.0, 0
        for start in range(-(1 << 31), 1 << 31, BLOCK):
            for i in range(BLOCK):
                bits[i] = np.int32(start + i)
            apply(x, y)
            largest = 0.0
            for i in range(BLOCK):
                one, odd = error(np.float64(x[i]), np.float64(y[i]))
                largest = maximum(largest, one)
                undefined += odd
            if largest > worst:
                worst = largest
                for i in range(BLOCK):
                    if error(np.float64(x[i]), np.float64(y[i]))[0] == largest:
                        place = np.float64(x[i])
        return worst, place, undefined

    return search()
