"""The operators of ONNX that equations say: a function each, by name in ``call.OPERATORS``."""

from symbp.interop.onnx.operators import (
    elementwise,
    indexing,
    matrices,
    movement,
    normalisation,
    recurrent,
    reductions,
    resize,
    shapes,
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
    "resize",
    "shapes",
    "windows",
]
