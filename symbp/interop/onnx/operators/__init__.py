"""The operators of ONNX that equations say: a function each, found by name in ``call.OPERATORS``."""

from symbp.interop.onnx.operators import (
    elementwise,
    indexing,
    matrices,
    movement,
    normalisation,
    recurrent,
    reductions,
    windows,
)

__all__ = [
    "elementwise",
    "indexing",
    "matrices",
    "movement",
    "normalisation",
    "recurrent",
    "reductions",
    "windows",
]
