"""A network's compiled functions in PyTorch and JAX, and its numbers in files that others read.

No library is imported before it is asked for.
"""

from symbp.interop.jax_function import to_jax
from symbp.interop.safetensors_files import load_safetensors, save_safetensors
from symbp.interop.torch_function import to_torch

__all__ = ["load_safetensors", "save_safetensors", "to_jax", "to_torch"]
