"""The least time that a case can take on this machine: its arithmetic, or the bytes it must move.

For layers of n_0 (inputs), n_1, …, n_L units and N examples a step, with P parameters:

- Floating-point operations of the matrix products: 2 N Σ n_{l-1} n_l forward, the same for the
  weights' gradient, and once more, without the first layer, for the error that goes back.
  Elementwise work is not counted.
- Bytes: the parameters are read twice (forward, backward) and written once; the optimizer's
  state is read and written; the batch, N (n_0 + n_L), is read; the activations, N Σ n_l for
  l ≥ 1, are written and read. A gradient call writes the gradient instead of the parameters; a
  prediction reads the parameters and the inputs once, writes and reads the hidden activations,
  and writes the output. They move at the bandwidth of the smallest level of the memory that
  holds all of it at once.

The floor is the larger of the two times. It is a bound that nothing beats, not a goal that
something reaches: latency, calls and elementary functions come on top.
"""

from dataclasses import dataclass
from itertools import pairwise

from symbp.benchmarks.rates import Rates
from symbp.benchmarks.workloads import Case

__all__ = ["Floor", "bytes_moved", "floor", "gemm_operations", "parameter_count", "working_set"]


@dataclass(frozen=True)
class Floor:
    """Seconds of one step or call.

    Attributes
    ----------
    arithmetic, memory : float
        What the matrix products, and what the bytes, take at the machine's best.
    """

    arithmetic: float
    memory: float

    @property
    def seconds(self) -> float:
        """The larger of the two."""
        return max(self.arithmetic, self.memory)

    @property
    def limit(self) -> str:
        """Which of the two it is: ``arithmetic`` or ``memory``."""
        return "arithmetic" if self.arithmetic >= self.memory else "memory"


def floor(case: Case, rates: Rates) -> Floor:
    """Return the floor of a case at the measured rates."""
    arithmetic = gemm_operations(case) / rates.gemm[case.dtype]
    return Floor(arithmetic, bytes_moved(case) / rates.bandwidth(working_set(case)))


def parameter_count(case: Case) -> int:
    """Return the number of weights and biases."""
    return sum(units * (inputs + 1) for inputs, units in pairwise(case.workload.sizes))


def gemm_operations(case: Case) -> int:
    """Return the floating-point operations of the matrix products of one step or call."""
    products = [inputs * units for inputs, units in pairwise(case.workload.sizes)]
    forward = 2 * case.rows * sum(products)
    if case.measure == "predict":
        return forward
    return 2 * forward + 2 * case.rows * sum(products[1:])


def bytes_moved(case: Case) -> int:
    """Return the bytes that one step or call must read and write."""
    inputs, *units = case.workload.sizes
    parameters = parameter_count(case)
    if case.measure == "predict":
        elements = parameters + case.rows * (inputs + 2 * sum(units[:-1]) + units[-1])
    else:
        elements = 3 * parameters + 2 * _state_count(case)
        elements += case.rows * (inputs + units[-1] + 2 * sum(units))
    return elements * _item_size(case)


def working_set(case: Case) -> int:
    """Return the bytes that one step or call touches, each counted once."""
    inputs, *units = case.workload.sizes
    elements = parameter_count(case) + case.rows * (inputs + sum(units))
    if case.measure != "predict":
        elements += _state_count(case) + case.rows * units[-1]
    if case.measure == "gradient":
        elements += parameter_count(case)
    return elements * _item_size(case)


def _state_count(case: Case) -> int:
    # Adam's two moments.
    trains = case.measure == "step" and case.optimizer == "adam"
    return 2 * parameter_count(case) if trains else 0


def _item_size(case: Case) -> int:
    return 4 if case.dtype == "float32" else 8
