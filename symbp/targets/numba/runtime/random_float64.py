"""Random numbers of one float64, by a counter-based generator: Philox 4×32-10.

Each is a function of an element's place in its tensor, of the tensor, and of a seed and a step,
and of nothing else; see `symbp/notation/philox.py`, which says the same in NumPy. Words of 32 bits
stand in whole numbers of 64, whose product of two is one instruction of a vector.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return, return-value"

from __future__ import annotations

import numpy as np

from symbp.targets.numba.runtime.vector_maths_float64 import elementwise

RANDOM_WORD, RANDOM_HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
PHILOX_A, PHILOX_B = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_A, WEYL_B = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
# Parts of a seed and of a step, each 22 bits.
KEY_PART, KEY_PARTS = np.uint64(22), np.uint64(44)
# How many bits are not used, and what the others are multiples of.
UNIT_BITS_LEFT, UNIT = np.uint64(11), 2.0**-53
COARSE_BITS_LEFT, COARSE = np.uint64(40), 2.0**-24


@elementwise
def random_bits(
    turn: int, place: int, tensor: int, seed_low: float, seed_middle: float,
    seed_high: float, step_low: float, step_high: float,
) -> np.uint64:  # fmt: skip
    """Return 64 random bits of an element: the first two words, or the others."""
    seed = np.uint64(seed_low) + (np.uint64(seed_middle) << KEY_PART)
    seed = seed + (np.uint64(seed_high) << KEY_PARTS)
    step = np.uint64(step_low) + (np.uint64(step_high) << KEY_PART)
    at = np.uint64(place)
    c0, c1 = at & RANDOM_WORD, (np.uint64(tensor) + (at >> RANDOM_HALF)) & RANDOM_WORD
    c2, c3 = step & RANDOM_WORD, step >> RANDOM_HALF
    k0, k1 = seed & RANDOM_WORD, seed >> RANDOM_HALF
    for _ in range(10):
        a, b = PHILOX_A * c0, PHILOX_B * c2
        c0, c2 = (b >> RANDOM_HALF) ^ c1 ^ k0, (a >> RANDOM_HALF) ^ c3 ^ k1
        c1, c3 = b & RANDOM_WORD, a & RANDOM_WORD
        k0, k1 = (k0 + WEYL_A) & RANDOM_WORD, (k1 + WEYL_B) & RANDOM_WORD
    return (c2 << RANDOM_HALF) + c3 if turn else (c0 << RANDOM_HALF) + c1


@elementwise
def random_unit(
    place: int, tensor: int, seed_low: float, seed_middle: float, seed_high: float,
    step_low: float, step_high: float,
) -> float:  # fmt: skip
    """Return a number in [0, 1)."""
    bits = random_bits(0, place, tensor, seed_low, seed_middle, seed_high, step_low, step_high)
    return np.float64(np.int64(bits >> UNIT_BITS_LEFT)) * UNIT


@elementwise
def random_turn(
    place: int, tensor: int, seed_low: float, seed_middle: float, seed_high: float,
    step_low: float, step_high: float,
) -> float:  # fmt: skip
    """Return another number in [0, 1) of the same element."""
    bits = random_bits(1, place, tensor, seed_low, seed_middle, seed_high, step_low, step_high)
    return np.float64(np.int64(bits >> UNIT_BITS_LEFT)) * UNIT


@elementwise
def random_coarse(
    place: int, tensor: int, seed_low: float, seed_middle: float, seed_high: float,
    step_low: float, step_high: float,
) -> float:  # fmt: skip
    """Return the first 24 bits of `random_unit`."""
    bits = random_bits(0, place, tensor, seed_low, seed_middle, seed_high, step_low, step_high)
    return np.float64(np.int64(bits >> COARSE_BITS_LEFT)) * COARSE
