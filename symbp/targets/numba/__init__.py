"""The Numba target: a loop program as a jitted Python function, in one module that stands alone."""
