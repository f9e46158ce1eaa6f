"""Peak memory of a training step, as measured at the allocator.

Numba's run time is told to allocate through Python's allocator, which tracemalloc watches; one
epoch of two steps then shows the most that the kernel holds at once, and a kernel that does nothing
with the same arguments what the call itself takes, which is subtracted. Headers and alignment of
the buffers are included (about 100 bytes each, which show for the smallest networks), the fixed
workspace inside the BLAS library is not. The sum is added to the parameters and the optimizer's
state and compared with what a step cannot do without: parameters, state, and the activations of
every layer, once, the batch itself counted as that of the first.
"""

import tracemalloc
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from symbp.benchmarks.own import compiled_trainer
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.workloads import Case

__all__ = ["Memory", "activation_bytes", "measure_memory"]


@dataclass(frozen=True)
class Memory:
    """Bytes of one case.

    Attributes
    ----------
    case : Case
        With the measure ``step``.
    parameters, state : int
        Held between steps: the parameters and the optimizer's state.
    buffers : int
        The most that an epoch allocates at once.
    activations : int
        Of a batch: N Σ n_l over all layers, the input's too.
    """

    case: Case
    parameters: int
    state: int
    buffers: int
    activations: int

    @property
    def peak(self) -> int:
        """Parameters, state and buffers."""
        return self.parameters + self.state + self.buffers

    @property
    def ratio(self) -> float:
        """The peak over parameters, state and activations."""
        return self.peak / (self.parameters + self.state + self.activations)


def activation_bytes(case: Case) -> int:
    """Return the bytes of the activations of all layers for one batch."""
    return case.rows * sum(case.workload.sizes) * np.dtype(case.dtype).itemsize


def measure_memory(case: Case) -> Memory:
    """Return what symbp's step needs.

    To be called when nothing is timed any more: the allocator stays as it is set.
    """
    from numba.core.runtime import _nrt_python

    problem = Problem(case.with_steps(2))
    module = compiled_trainer(case).module
    trainer = module.Trainer(problem.parameters)
    rates = module._NETWORK.hyperparameter_values(trainer.hyperparameters)
    arguments = (
        trainer._flat, trainer._state, rates, problem.order, case.rows, problem.x, problem.y
    )  # fmt: skip
    _nrt_python.memsys_use_cpython_allocator()
    buffers = _peak(module._epoch_kernel, arguments) - _peak(_nothing, arguments)
    return Memory(
        case, trainer._flat.nbytes, trainer._state.nbytes, max(buffers, 0), activation_bytes(case)
    )


@numba.njit  # type: ignore[untyped-decorator]
def _nothing(
    parameters: Any, state: Any, rates: Any, order: Any, batch: int, x: Any, y: Any
) -> float:
    return 0.0


def _peak(kernel: Any, arguments: Any) -> int:
    kernel(*arguments)  # compiles
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kernel(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
