"""Measurements: training steps against JAX, and the time from a definition to the first step.

``python -m symbp.benchmarks`` prints both tables; JAX comes with the extra ``bench``.
"""
