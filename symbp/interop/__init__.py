"""Networks in PyTorch and JAX, as functions with a gradient, and in files that others read.

No library is imported before it is asked for.
"""

from symbp.interop.jax_function import to_jax
from symbp.interop.onnx import from_onnx, to_onnx
from symbp.interop.safetensors_files import load_safetensors, save_safetensors
from symbp.interop.torch_function import to_torch

__all__ = ["from_onnx", "load_safetensors", "save_safetensors", "to_jax", "to_onnx", "to_torch"]
