"""The networks that are measured."""

from dataclasses import dataclass

import symbp as bp

__all__ = ["WORKLOADS", "Workload"]


@dataclass(frozen=True)
class Workload:
    """A network, its batch size, and how many steps make one timed epoch.

    Attributes
    ----------
    sizes : tuple of int
        Units of each layer, the inputs first.
    batch : int
        Examples in a step.
    activation, loss : str
        As for :func:`symbp.mlp`.
    steps : int
        Steps in an epoch; enough that one takes some milliseconds.
    """

    sizes: tuple[int, ...]
    batch: int
    activation: str
    loss: str
    steps: int

    @property
    def name(self) -> str:
        """For example ``784-30-10 b10``."""
        return f"{'-'.join(map(str, self.sizes))} b{self.batch}"

    def network(self) -> "bp.Network":
        """Return the network as symbp defines it."""
        return bp.mlp(*self.sizes, activation=self.activation, loss=self.loss)


WORKLOADS = (
    Workload((2, 4, 1), 4, "sigmoid", "quadratic", 2000),
    Workload((784, 30, 10), 10, "sigmoid", "quadratic", 500),
    Workload((784, 128, 10), 64, "relu", "softmax_cross_entropy", 100),
    Workload((64, 256, 10), 256, "relu", "softmax_cross_entropy", 50),
    Workload((512, 1024, 512), 256, "relu", "softmax_cross_entropy", 5),
)
