"""From equations to the text of a standalone Numba module."""
