"""The commands of the ``symbp`` console script, one a file.

No file here imports the library, sympy or numba at its top: ``symbp --help`` answers at once.
"""
