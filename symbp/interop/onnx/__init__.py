"""ONNX: the inference of a network as a file of that format, and such a file as equations.

The package ``onnx`` is imported when it is first needed.
"""

from symbp.interop.onnx.export import to_onnx
from symbp.interop.onnx.load import from_onnx

__all__ = ["from_onnx", "to_onnx"]
