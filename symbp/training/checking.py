"""check: the gradient of a program, by three ways that must agree.

Central differences of the interpreted cost, the interpreter's evaluation of the derived
equations, and the generated module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.optimizers import SGD, optimise
from symbp.notation.arguments import no_program
from symbp.notation.display import chosen
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.functions import stop_gradient
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.training.compiler import compile

__all__ = ["CheckReport", "check", "random_values"]

# A central difference of step 1e-5 has about ten right digits of a smooth cost of size one.
_STEP = 1e-5
_DIFFERENCE_TOLERANCE = 1e-6
_MODULE_TOLERANCE = 1e-11
_COORDINATES = 12
_RATE = 0.1


@dataclass(frozen=True)
class CheckReport:
    """What :func:`check` found.

    Attributes
    ----------
    differences : dict of str to float
        For each parameter, the largest error of the derived gradient against central
        differences, relative to the largest entry of the gradient. Empty for a program with
        ``stop_gradient``: the cost does change with what is stopped, so differences see it.
    module : dict of str to float
        The same for the generated module (float64) against the interpreter.
    step : float
        The largest error of the parameters after one step of descent of the generated module,
        relative to the largest change, against the interpreter's evaluation of the update.
    skipped : int
        Coordinates left out because the cost has a kink there (ReLU, maximum, absolute value).
    """

    differences: dict[str, float]
    module: dict[str, float]
    step: float
    skipped: int = 0

    @property
    def passed(self) -> bool:
        """Whether every error is within its bound."""
        return all(e <= _DIFFERENCE_TOLERANCE for e in self.differences.values()) and all(
            e <= _MODULE_TOLERANCE for e in (self.step, *self.module.values())
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return chosen({"text/plain": str(self)}, include, exclude)

    def __str__(self) -> str:
        lines = ["parameter     against differences   module against interpreter"]
        lines += [
            f"{name:<14}{_printed(self.differences.get(name)):>18}{error:>29.1e}"
            for name, error in self.module.items()
        ]
        skipped = f" ({self.skipped} coordinates at kinks left out)" if self.skipped else ""
        verdict = "passed" if self.passed else "FAILED"
        lines.append(f"{'one step':<14}{'':>18}{self.step:>29.1e}")
        return "\n".join([*lines, f"gradient check {verdict}{skipped}"])


def _printed(error: float | None) -> str:
    return "stop_gradient" if error is None else f"{error:.1e}"


def check(
    program: Program,
    values: Mapping[str, Any] | None = None,
    *,
    examples: int = 4,
    seed: int = 0,
) -> CheckReport:
    """Check the gradient of a program against differences, the interpreter and the module.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost.
    values : mapping of str to array_like, optional
        Where to check; by default random parameters and data.
    examples : int, default 4
        The batch size of random data.
    seed : int, default 0
        Of the random values.

    Returns
    -------
    CheckReport
        ``print`` it; ``report.passed`` says whether all is well.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.check(bp.mlp(3, 3, 3, activation="sigmoid")).passed
    True
    """
    if not isinstance(program, Program):
        raise SymbpError(f"expected a Program or Network, got {no_program(program)}")
    if program.cost is None:
        raise SymbpError("nothing to check: the program has no cost")
    plain = normalise(program)
    differentiated = reverse(plain)
    point = random_values(program, examples, seed)
    for name in values or {}:
        if name not in point:
            raise SymbpError(f"values: no array {name!r} in this program; {suggest(name, point)}")
    point.update(values or {})
    point = {name: np.array(value) for name, value in point.items()}
    derived = interpret(differentiated, point)
    cost = float(derived[program.cost.name])
    if not np.isfinite(cost):
        raise SymbpError(
            f"nothing to compare: the cost is {cost} at these values; pass values= at which it is "
            f"finite"
        )
    trainer = compile(program, SGD(_RATE), "float64")
    arrays = [point[tensor.name] for tensor in (*program.inputs, *program.targets)]
    parameters = {tensor.name: point[tensor.name] for tensor in program.parameters}
    _, emitted = trainer.module.gradient(parameters, *arrays)
    generator = np.random.default_rng(seed)
    stops = any(equation.body.has(stop_gradient) for equation in plain.equations)
    differences, module, skipped = {}, {}, 0
    for tensor, gradient in differentiated.gradients:
        expected = derived[gradient.name]
        scale = float(np.max(np.abs(expected), initial=0.0))
        module[tensor.name] = _relative(getattr(emitted, tensor.name), expected, scale)
        if not stops:
            worst, kinks = _against_differences(plain, point, tensor, expected, generator)
            differences[tensor.name] = worst
            skipped += kinks
    step = _step_error(differentiated, point, trainer.module, parameters, arrays)
    return CheckReport(differences, module, step, skipped)


def _step_error(
    differentiated: Program,
    point: dict[str, NDArray[Any]],
    module: Any,
    parameters: dict[str, NDArray[Any]],
    arrays: list[NDArray[Any]],
) -> float:
    """Return the error of the parameters after one step on all examples."""
    updated = optimise(differentiated, SGD(_RATE))
    values = interpret(updated, point)
    rows = max((len(array) for array in arrays if array.ndim), default=1)
    trainer = module.Trainer(parameters).fit(*arrays, epochs=1, batch_size=rows, shuffle=False)
    worst = scale = 0.0
    for old, new in updated.updates:
        moved = values[new.name] - point[old.name]
        found = getattr(trainer.parameters, old.name) - point[old.name]
        scale = max(scale, float(np.max(np.abs(moved), initial=0.0)))
        worst = max(worst, float(np.max(np.abs(found - moved), initial=0.0)))
    # The change is a difference of numbers of size one: below that, rounding is all there is.
    return worst / max(scale, 1e-3)


def _relative(found: NDArray[Any], expected: NDArray[Any], scale: float) -> float:
    largest = float(np.max(np.abs(found - expected), initial=0.0))
    return largest / scale if scale > 0 else largest


def _against_differences(
    plain: Program,
    point: dict[str, NDArray[Any]],
    tensor: Tensor,
    gradient: NDArray[Any],
    generator: np.random.Generator,
) -> tuple[float, int]:
    """Return the largest error over some coordinates, and how many lie at a kink."""
    assert plain.cost is not None
    costs = plain.prune([plain.cost])

    def cost(coordinate: tuple[Any, ...], shift: float) -> float:
        moved = {**point, tensor.name: np.array(point[tensor.name], dtype=np.float64)}
        moved[tensor.name][coordinate] += shift
        assert plain.cost is not None
        return float(interpret(costs, moved)[plain.cost.name])

    size = gradient.size
    chosen = generator.choice(size, size=min(size, _COORDINATES), replace=False)
    scale = max(float(np.max(np.abs(gradient), initial=0.0)), 1e-3)
    worst, kinks = 0.0, 0
    for position in chosen:
        coordinate = np.unravel_index(int(position), gradient.shape) if gradient.shape else ()
        above, here, below = (cost(coordinate, shift) for shift in (_STEP, 0.0, -_STEP))
        right, left = (above - here) / _STEP, (here - below) / _STEP
        error = abs((above - below) / (2 * _STEP) - float(gradient[coordinate])) / scale
        if error > _DIFFERENCE_TOLERANCE and abs(right - left) > 0.5 * error * scale:
            kinks += 1  # the two sides disagree: a kink lies within the step
            continue
        worst = max(worst, error)
    return worst, kinks


def random_values(program: Program, examples: int = 4, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return random arrays of the right shape and kind for everything a program is given.

    Parameters
    ----------
    program : Program
        The program.
    examples : int
        The batch size.
    seed : int
        Of the random values.

    Returns
    -------
    dict of str to ndarray
        By name: parameters, inputs and targets.
    """
    generator = np.random.default_rng(seed)
    limits = program.integer_limits
    result: dict[str, NDArray[Any]] = {}
    for tensor in (*program.parameters, *program.inputs, *program.targets):
        shape = [extent if isinstance(extent, int) else examples for extent in tensor.shape]
        if tensor.kind == "integer":
            result[tensor.name] = generator.integers(0, limits.get(tensor, 2), shape)
        elif tensor.kind in ("classes", "distribution") and shape and shape[-1] > 1:
            labels = generator.integers(0, shape[-1], shape[:-1])
            result[tensor.name] = np.eye(shape[-1])[labels]
        elif tensor.kind == "distribution":
            result[tensor.name] = np.ones(shape)
        elif tensor.kind == "classes":
            result[tensor.name] = generator.integers(0, 2, shape).astype(np.float64)
        else:
            columns = shape[-1] if len(shape) > 1 and tensor.role == "parameter" else 1
            result[tensor.name] = generator.normal(size=shape) / np.sqrt(columns)
    return result
