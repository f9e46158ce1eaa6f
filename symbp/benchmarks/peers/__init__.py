"""The peers: each a file with ``prepare(problem)`` and the number of steps in its epochs."""

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType

from symbp.benchmarks.prepared import AbsentError
from symbp.notation.errors import SymbpError, suggest

__all__ = ["PEERS", "Peer", "named_peer"]


@dataclass(frozen=True)
class Peer:
    """One library, used in one way.

    Attributes
    ----------
    name : str
        As ``--peer`` takes it.
    title : str
        As tables print it.
    file : str
        Its module in this package.
    package, distribution : str
        What it imports, and how that is installed.
    slow_start : bool
        Whether it compiles for many seconds: then it is measured only if it is asked for.
    """

    name: str
    title: str
    file: str
    package: str
    distribution: str
    slow_start: bool = False

    def load(self) -> ModuleType:
        """Return its module.

        Raises
        ------
        AbsentError
            The library is not installed.
        """
        if importlib.util.find_spec(self.package) is None:
            raise AbsentError(f"{self.distribution} is not installed")
        return importlib.import_module(f"{__name__}.{self.file}")


PEERS = (
    Peer("jax", "JAX", "jax_scan", "jax", "jax"),
    Peer("torch", "torch eager", "torch_eager", "torch", "torch"),
    Peer("compiled", "torch.compile", "torch_compiled", "torch", "torch", True),
    Peer("sklearn", "scikit-learn", "scikit_learn", "sklearn", "scikit-learn"),
    Peer("numpy", "NumPy", "numpy_by_hand", "numpy", "numpy"),
    Peer("pytensor", "PyTensor", "pytensor_numba", "pytensor", "pytensor"),
)


def named_peer(name: str) -> Peer:
    """Return the peer of this name.

    Raises
    ------
    SymbpError
        There is none.
    """
    for peer in PEERS:
        if peer.name == name:
            return peer
    raise SymbpError(
        f"--peer {name}: there is none; {suggest(name, (peer.name for peer in PEERS))}"
    )
