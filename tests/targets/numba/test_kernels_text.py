"""The emitted kernels of one small network, as text."""

from typing import Any

import symbp as bp
from symbp.compiler import module_source


def kernels(source: str) -> str:
    """Return the kernels of a module, without what every module has."""
    start = source.index("@_compiled")
    return source[start : source.index("# --- Compilation")].rstrip() + "\n"


def test_the_kernels_of_a_small_network_are_those_of_the_golden_file(golden: Any) -> None:
    layers = [bp.Dense(4, "tanh"), bp.Dense(3)]
    net = bp.Network(layers, input=2, loss="softmax_cross_entropy", penalty=bp.L2(0.01))
    source = module_source(net, bp.Momentum(0.1, 0.9), "float32")
    golden("kernels_2_4_3.txt", kernels(source))
