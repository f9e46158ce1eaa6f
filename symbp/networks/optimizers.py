"""Optimizers by name, and the step of one added to a differentiated program.

Hyperparameters are constants, states (velocities, moments, the step count) start at zero, and
the next value of a tensor ``T`` is an intermediate tensor ``T_next``. Which tensor replaces
which after a step stands in ``Program.updates``.
"""

from dataclasses import is_dataclass

from symbp.calculus.normalise import normalised_equations
from symbp.networks.adam import LAMB, Adam, Adamax, AdamW, LazyAdam, NAdam, RAdam
from symbp.networks.adaptive import Adadelta, Adagrad, RMSProp
from symbp.networks.gradient_descent import SGD, Lion, Momentum, Nesterov
from symbp.networks.hyperparameters import HYPERPARAMETERS
from symbp.networks.optimizer import Optimizer
from symbp.networks.updates import Gradients, Updates
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.forms import Form
from symbp.notation.program import Program

__all__ = [
    "LAMB",
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LazyAdam",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "Updates",
    "checked_optimizer",
    "named_optimizer",
    "optimise",
    "ranges",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "lazyadam": LazyAdam,
    "nadam": NAdam,
    "radam": RAdam,
    "adamax": Adamax,
    "lamb": LAMB,
    "lion": Lion,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
}


# Step sizes that train standardised data of moderate size without tuning.
_LEARNING_RATES = {
    "sgd": 0.5,
    "momentum": 0.1,
    "nesterov": 0.1,
    "rmsprop": 0.003,
    "adam": 0.003,
    "adamw": 0.003,
    "lazyadam": 0.003,
    "nadam": 0.003,
    "radam": 0.003,
    "adamax": 0.005,
    "lamb": 0.01,
    "lion": 0.0005,
    "adagrad": 0.05,
    "adadelta": 1.0,
}


def named_optimizer(name: str, learning_rate: float | None = None) -> Optimizer:
    """Return an optimizer by its name.

    Parameters
    ----------
    name : str
        ``sgd``, ``momentum``, ``nesterov``, ``rmsprop``, ``adam`` or ``adamw``, in any case.
    learning_rate : float, optional
        The step size; by default one that suits the optimizer.

    Returns
    -------
    Optimizer
        An instance such as ``symbp.Adam(0.003)``.

    Raises
    ------
    SymbpError
        There is no such optimizer (the nearest names are listed), or the rate is not positive.

    Examples
    --------
    >>> named_optimizer("adam")
    Adam(learning_rate=0.003, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    key = name.lower()
    if key not in OPTIMIZERS:
        raise SymbpError(f"no optimizer {name!r}: {suggest(key, OPTIMIZERS)}")
    rate = _LEARNING_RATES[key] if learning_rate is None else learning_rate
    return OPTIMIZERS[key](rate)  # type: ignore[call-arg]  # every subclass is a dataclass


def checked_optimizer(value: object) -> Optimizer:
    """Return an optimizer given as itself or by its name; raise for anything else."""
    if isinstance(value, Optimizer):
        if not is_dataclass(value):
            raise SymbpError(
                f"optimizer {type(value).__name__}: expected a dataclass, whose fields are its "
                f"hyperparameters: put @dataclass(frozen=True) above the class"
            )
        return value
    if isinstance(value, str) and value.lower() in OPTIMIZERS:
        return named_optimizer(value)
    classes = [kind.__name__ for kind in OPTIMIZERS.values()]
    is_class = isinstance(value, type) and value.__name__ in classes
    example = (
        f"bp.{value.__name__}(0.01)" if isinstance(value, type) and is_class else "bp.SGD(0.5)"
    )
    raise SymbpError(
        f"optimizer {value!r}: expected an instance such as {example}, or a name such as 'adam'; "
        f"{suggest(value if isinstance(value, str) else '', classes)}"
    )


def ranges(program: Program) -> dict[str, tuple[float, bool, float]]:
    """Return what the hyperparameters of a program with an optimizer's step may be, by name.

    Parameters
    ----------
    program : Program
        As :func:`optimise` returns it.

    Returns
    -------
    dict of str to (float, bool, float)
        The least value, whether that is excluded, and what it must stay below.
    """
    found = {}
    for tensor in program.with_role("constant"):
        for name, known in HYPERPARAMETERS.items():
            # A name that the program already had got another end; its symbol stays.
            if tensor.symbol == known.symbol and tensor.name.startswith(name):
                found[tensor.name] = (known.least, known.open, known.below)
    return found


def optimise(program: Program, optimizer: Optimizer | str) -> Program:
    """Return a differentiated program followed by the equations of one optimizer step.

    Parameters
    ----------
    program : Program
        With ``gradients``, as ``calculus.reverse`` returns it.
    optimizer : Optimizer or str
        For example ``SGD(0.5)``, or a name, see :func:`named_optimizer`.

    Returns
    -------
    Program
        Its ``updates`` name, for each parameter and state, the tensor of its next value.

    Raises
    ------
    SymbpError
        The program has no gradients, or the optimizer is none: it leaves all parameters as they
        are, or keeps what it does not read.

    Examples
    --------
    >>> import symbp as bp
    >>> from symbp.calculus.reverse import reverse
    >>> w, C = bp.parameter("w"), bp.tensor("C")
    >>> program = reverse(bp.Program([bp.Equation(C, w**2)], cost=C))
    >>> print(optimise(program, SGD(0.5)))
    C = w**2
    w_adjoint = 2*w
    w_next = w - learning_rate*w_adjoint
    """
    optimizer = checked_optimizer(optimizer)
    if not program.gradients:
        raise SymbpError("optimise: the program has no gradients; differentiate it first")
    updates = Updates(program)
    gradients = [(of, gradient[of.indices]) for of, gradient in program.gradients]
    optimizer.apply(gradients, updates)
    _check_replaced(optimizer, gradients, updates)
    # a rule as it is written -> one reduction each, such as the sum in a norm
    written = normalised_equations(updates.equations, updates.names)
    return program.replace(
        equations=(*program.equations, *written),
        updates=(*program.updates, *updates.pairs),
        passed=program.passed & (Form.STABLE | Form.DIFFERENTIATED) | Form.UPDATED,
    )


def _check_replaced(optimizer: Optimizer, gradients: Gradients, updates: Updates) -> None:
    """Raise unless a parameter has a next value, and each state is read."""
    name, replaced = type(optimizer).__name__, [tensor for tensor, _ in updates.pairs]
    if not any(parameter in replaced for parameter, _ in gradients):
        raise SymbpError(
            f"optimizer {name}: no parameter has a next value; expected updates.replace(parameter, "
            f"…) in its method update"
        )
    read = {element.tensor for equation in updates.equations for element in equation.reads()}
    for tensor in replaced:
        if tensor.role == "state" and tensor not in read:
            raise SymbpError(
                f"optimizer {name}: state {tensor.name} is unused: no formula reads it, not even "
                f"that of its next value"
            )
