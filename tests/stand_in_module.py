"""What stands in for a compiled module in tests: the same program, interpreted in doubles.

It rounds as a module does, and there is nothing to compile.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.compiler import lowered
from symbp.networks.optimizers import Optimizer


def stand_in(program: bp.Program, optimizer: Optimizer, dtype: str = "float64") -> Any:
    """Return something with a ``module`` whose gradient and Trainer are interpreted."""
    updated = lowered(program, optimizer)[1]

    def evaluated(parameters: Any, arrays: Any) -> Any:
        names = [tensor.name for tensor in (*program.inputs, *program.targets)]
        found = interpret(updated, {**parameters, **dict(zip(names, arrays, strict=True))})
        return {name: np.asarray(value).astype(dtype) for name, value in found.items()}

    def gradient(parameters: Any, *arrays: Any) -> Any:
        found = evaluated(parameters, arrays)
        gradients = {tensor.name: found[g.name] for tensor, g in updated.gradients}
        assert program.cost is not None
        return float(found[program.cost.name]), SimpleNamespace(**gradients)

    class Trainer:
        def __init__(self, parameters: Any) -> None:
            self.parameters = parameters

        def fit(self, *arrays: Any, **options: Any) -> "Trainer":
            found = evaluated(self.parameters, arrays)
            after = {tensor.name: found[new.name] for tensor, new in updated.updates}
            self.parameters = SimpleNamespace(**after)
            return self

    return SimpleNamespace(module=SimpleNamespace(gradient=gradient, Trainer=Trainer))
