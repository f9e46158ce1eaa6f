"""Many trainings: settings, folds and seeds, over processes and machines, on joblib's engines.

::

    settings ─ make ─► programs ─► plan: one module for equal programs ─► tasks ─► rows in a store

Workers import :mod:`symbp.sweeps.runs` alone: they neither derive nor generate.
"""
