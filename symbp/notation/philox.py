"""philox: the random words that noise is made of, Philox 4×32-10, in NumPy.

A counter-based generator: each word is a function of a counter and a key, so that any element of
any step can be drawn by itself, in any order, by any thread (Salmon, Moraes, Dror and Shaw,
"Parallel random numbers: as easy as 1, 2, 3", SC'11; their library is Random123). This is what
every target is compared with, so it does nothing clever.
"""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.notation.errors import NotationError

__all__ = ["KEY_NAMES", "STEPS", "key_parts", "philox", "stream_of", "words"]

#: What a program that draws keeps: a seed and the number of a step, in parts that are whole numbers
#: in single precision too. Each part counts 2^22 of the one before.
KEY_NAMES = ("seed_low", "seed_middle", "seed_high", "step_low", "step_high")
_PART = 22
#: There is a word for each step before this.
STEPS = 2 ** (2 * _PART)
_SEEDS = 2**64

_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10

Words = tuple[Any, Any, Any, Any]


def philox(counter: Words, key: tuple[Any, Any]) -> Words:
    """Return four random words of 32 bits.

    Parameters
    ----------
    counter : tuple of four arrays of uint64
        Words below 2^32.
    key : tuple of two arrays of uint64
        Words below 2^32.

    Examples
    --------
    >>> zero = np.uint64(0)
    >>> [f"{int(word):08x}" for word in philox((zero, zero, zero, zero), (zero, zero))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _WORD, (p0 >> _HALF) ^ c3 ^ k1, p0 & _WORD
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return c0, c1, c2, c3


def words(position: Any, stream: Any, *key: Any) -> Words:
    """Return the random words of an element of a noise tensor in a step.

    Parameters
    ----------
    position : array of whole numbers
        The place of the element in its tensor, counted row after row.
    stream : int
        Which tensor it is, see :func:`stream_of`.
    *key : float
        The parts of the seed and of the step, see :func:`key_parts`.
    """
    place, tensor, *parts = (
        np.asarray(value).astype(np.uint64) for value in (position, stream, *key)
    )
    seed = parts[0] + (parts[1] << np.uint64(_PART)) + (parts[2] << np.uint64(2 * _PART))
    step = parts[3] + (parts[4] << np.uint64(_PART))
    counter = place & _WORD, (tensor + (place >> _HALF)) & _WORD, step & _WORD, step >> _HALF
    return philox(counter, (seed & _WORD, seed >> _HALF))


def unit(*arguments: Any) -> NDArray[np.float64]:
    """Return a number of 53 bits in [0, 1): the first two words, the higher one first."""
    high, low, _, _ = words(*arguments)
    return _fraction(high, low)


def turn(*arguments: Any) -> NDArray[np.float64]:
    """Return another such number, of the other two words."""
    _, _, high, low = words(*arguments)
    return _fraction(high, low)


def coarse(*arguments: Any) -> NDArray[np.float64]:
    """Return the first 24 bits of what `unit` gives: the same number in any precision."""
    high, _, _, _ = words(*arguments)
    return np.asarray((high >> np.uint64(8)) * 2.0**-24)


def _fraction(high: Any, low: Any) -> NDArray[np.float64]:
    return np.asarray((((high << _HALF) + low) >> np.uint64(11)) * 2.0**-53)


def stream_of(name: str) -> int:
    """Return the number of the noise tensor of a name; other tensors of a program change nothing.

    Examples
    --------
    >>> stream_of("e")
    4024072794
    """
    return zlib.crc32(name.encode())


def key_parts(seed: int, step: int) -> tuple[int, ...]:
    """Return the parts of a seed below 2^64 and of the number of a step, see `KEY_NAMES`.

    Examples
    --------
    >>> key_parts(2**22 + 5, 1)
    (5, 1, 0, 1, 0)
    """
    for name, value, bits in (("seed", seed, 64), ("step", step, 2 * _PART)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 0:
            raise NotationError(f"{name}: expected an int >= 0, got {value!r}")
        if value >= 2**bits:
            raise NotationError(f"{name}: expected less than 2**{bits}, got {value}")
    seed, step = int(seed), int(step)
    low = 2**_PART - 1
    return seed & low, (seed >> _PART) & low, seed >> 2 * _PART, step & low, step >> _PART
