"""Where Numba cannot be installed, symbp derives, prints and generates; the rest says so."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numba", "llvmlite"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path[:] = [Missing(), *sys.meta_path]
import importlib.util

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "numba" else found(name, *rest)
import symbp as bp

net = bp.mlp(2, 3, 1)
print(bp.derive(net).bp2, len(bp.derive(net).latex()) > 100)
print(bp.generate(net, "net.py").name, bp.generate(net, "net.c", target="c").name)
for run in (lambda: bp.compile(net), lambda: bp.load_module("net.py")):
    try:
        run()
    except bp.SymbpError as error:
        print(error)
"""


def test_deriving_printing_and_generating_need_no_numba(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path,
        env=environment,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "BP2: δˡ = ((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ) True",
        "net.py net.c",
        *["a generated module runs with Numba, which is not here: pip install numba"] * 2,
    ], done.stderr
