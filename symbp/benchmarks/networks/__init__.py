"""Networks of all kinds against JAX and PyTorch: ``symbp bench --network NAME``.

All peers of a network, each way of writing it in JAX too, run by turns in one process, from the
same parameters, on the same batches in the same order, and their parameters are compared first.
"""
