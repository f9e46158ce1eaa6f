"""Networks in PyTorch and JAX, as functions with a gradient, and in files of ONNX.

None of these libraries is imported before it is asked for.
"""

from symbp.interop.jax_function import to_jax
from symbp.interop.onnx import from_onnx, to_onnx
from symbp.interop.torch_function import to_torch

__all__ = ["from_onnx", "to_jax", "to_onnx", "to_torch"]
