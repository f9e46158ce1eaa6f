"""What is measured: networks with their batch sizes, and the ways of training them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import symbp as bp
from symbp.notation.errors import SymbpError, suggest

__all__ = [
    "KINDS",
    "LEARNING_RATES",
    "PREDICT_ROWS",
    "WORKLOADS",
    "Case",
    "Kind",
    "Workload",
    "named_kind",
    "named_workload",
]

Dtype = Literal["float32", "float64"]
Measure = Literal["step", "gradient", "predict"]

# Small enough that thousands of steps neither converge nor diverge: time must not depend on values.
LEARNING_RATES = {"sgd": 0.01, "adam": 0.001}
PREDICT_ROWS = (1, 64, 4096)


@dataclass(frozen=True)
class Kind:
    """An activation together with the cost that it is customarily trained with.

    Attributes
    ----------
    name : str
        As ``--kind`` takes it.
    activation, loss : str
        As :func:`symbp.mlp` takes them.
    """

    name: str
    activation: str
    loss: str


KINDS = (
    Kind("sigmoid", "sigmoid", "quadratic"),
    Kind("relu", "relu", "softmax_cross_entropy"),
)


@dataclass(frozen=True)
class Workload:
    """A network of dense layers and its batch size.

    Attributes
    ----------
    sizes : tuple of int
        Units of each layer, the inputs first.
    batch : int
        Examples in a step.
    kind : str
        The customary one of `KINDS`.
    steps : int
        Steps in a timed epoch; enough that JAX takes some milliseconds for them.
    """

    sizes: tuple[int, ...]
    batch: int
    kind: str
    steps: int

    @property
    def name(self) -> str:
        """For example ``784-30-10 b10``."""
        return f"{'-'.join(map(str, self.sizes))} b{self.batch}"


WORKLOADS = (
    Workload((2, 4, 1), 4, "sigmoid", 5000),
    Workload((3, 3, 3), 1, "sigmoid", 8000),
    Workload((8, 32, 32, 2), 16, "relu", 1000),
    Workload((784, 30, 10), 10, "sigmoid", 400),
    Workload((784, 128, 10), 64, "relu", 80),
    Workload((64, 256, 10), 256, "relu", 40),
    Workload((64, 256, 256, 10), 256, "relu", 20),
    Workload((512, 1024, 512), 256, "relu", 4),
)


@dataclass(frozen=True)
class Case:
    """One thing that is timed, the same for symbp and for every peer.

    Attributes
    ----------
    workload : Workload
        The network and its batch.
    kind : Kind
        Activation and cost.
    dtype : {"float32", "float64"}
        Precision of everything.
    optimizer : {"sgd", "adam"}
        What a step does with the gradient; of no effect on the other measures.
    measure : {"step", "gradient", "predict"}
        A training step within an epoch, a call that returns the gradient, or one that predicts.
    rows : int
        Examples that a step, or a call, takes.
    """

    workload: Workload
    kind: Kind
    dtype: Dtype
    optimizer: str = "sgd"
    measure: Measure = "step"
    rows: int = 0

    def __post_init__(self) -> None:
        if self.rows == 0:
            object.__setattr__(self, "rows", self.workload.batch)

    @property
    def name(self) -> str:
        """For example ``784-30-10 b10 sigmoid sgd float32 step``."""
        parts = [self.workload.name, self.kind.name, self.optimizer, self.dtype, self.measure]
        return " ".join(parts) + (f" {self.rows}" if self.measure == "predict" else "")

    @property
    def learning_rate(self) -> float:
        """Of the optimizer."""
        return LEARNING_RATES[self.optimizer]

    @property
    def softmax(self) -> bool:
        """Whether the last layer is linear and the cost the softmax cross-entropy."""
        return self.kind.loss == "softmax_cross_entropy"

    def network(self) -> "bp.Network":
        """Return the network as symbp defines it."""
        return bp.mlp(*self.workload.sizes, activation=self.kind.activation, loss=self.kind.loss)

    def with_steps(self, steps: int) -> "Case":
        """Return the case with at most this number of steps in a timed epoch."""
        steps = min(steps, self.workload.steps)
        return replace(self, workload=replace(self.workload, steps=steps))

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries, from which `from_json` makes the case again."""
        return asdict(self)

    @classmethod
    def from_json(cls, entries: dict[str, Any]) -> "Case":
        """Return the case that `to_json` described."""
        workload = dict(entries["workload"])
        workload["sizes"] = tuple(workload["sizes"])
        rest = {"workload": Workload(**workload), "kind": Kind(**entries["kind"])}
        return cls(**{**entries, **rest})


def named_workload(name: str) -> Workload:
    """Return the workload of this name; the batch may be left out where it is plain.

    Raises
    ------
    SymbpError
        There is none.
    """
    key = name.strip()
    for workload in WORKLOADS:
        if key in (workload.name, workload.name.split()[0], workload.name.replace(" ", "")):
            return workload
    raise _unknown("--workload", name, (workload.name.split()[0] for workload in WORKLOADS))


def named_kind(name: str) -> Kind:
    """Return the kind of this name.

    Raises
    ------
    SymbpError
        There is none.
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise _unknown("--kind", name, (kind.name for kind in KINDS))


def _unknown(option: str, name: str, known: Iterable[str]) -> SymbpError:
    return SymbpError(f"{option} {name}: there is none; {suggest(name, known)}")
