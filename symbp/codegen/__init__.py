"""What modules for Numba have in common: the runtime that is pasted into them, and its fits."""
