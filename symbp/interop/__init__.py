"""A network's compiled functions as parts of programs in PyTorch and JAX, with their gradients.

Neither library is imported before it is asked for.
"""

from symbp.interop.jax_function import to_jax
from symbp.interop.torch_function import to_torch

__all__ = ["to_jax", "to_torch"]
