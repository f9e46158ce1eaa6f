"""Optimizers as equations: the next value of each parameter and state from the gradient.

Hyperparameters are constants, states (velocities, moments, the step count) start at zero, and
the next value of a tensor ``T`` is an intermediate tensor ``T_next``. Which tensor replaces
which after a step stands in ``Program.updates``.
"""

from dataclasses import dataclass, fields

from sympy.core.expr import Expr

from symbp.networks.options import checked_number, checks_options
from symbp.networks.updates import Updates
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.forms import Form
from symbp.notation.program import Program
from symbp.notation.standard import sqrt
from symbp.notation.tensor import Tensor

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "checked_optimizer",
    "named_optimizer",
    "optimise",
    "ranges",
]

# How a hyperparameter prints, and the range it must lie in: least, whether least is excluded,
# and what it must stay below.
_HYPERPARAMETERS: dict[str, tuple[str, float, bool, float]] = {
    "learning_rate": (r"\eta", 0.0, True, float("inf")),
    "momentum": (r"\mu", 0.0, False, 1.0),
    "decay": (r"\rho", 0.0, False, 1.0),
    "beta1": (r"\beta_1", 0.0, False, 1.0),
    "beta2": (r"\beta_2", 0.0, False, 1.0),
    "epsilon": (r"\epsilon", 0.0, True, float("inf")),
    "weight_decay": (r"\lambda_w", 0.0, False, float("inf")),
}


class Optimizer:
    """Base of the optimizers: subclasses are dataclasses of hyperparameters with one method."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            if field.name in _HYPERPARAMETERS:
                _, least, open, below = _HYPERPARAMETERS[field.name]
                name = f"{type(self).__name__} {field.name}"
                number = checked_number(
                    name, getattr(self, field.name), least=least, below=below, open=open
                )
                object.__setattr__(self, field.name, number)

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the equations of one parameter.

        Parameters
        ----------
        parameter : Tensor
            What is updated.
        g : SymPy expression
            The element of its gradient at the parameter's own indices.
        updates : Updates
            Where the equations go.
        """
        raise NotImplementedError

    def _constant(self, name: str, updates: Updates) -> Expr:
        return updates.constant(name, getattr(self, name), _HYPERPARAMETERS[name][0])


@checks_options
@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent on mini-batches: ``w' = w - η g``.

    Nielsen, "Neural Networks and Deep Learning", eq. (20).

    Parameters
    ----------
    learning_rate : float
        Positive.
    """

    learning_rate: float

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``w' = w - η g``."""
        updates.replace(parameter, parameter.element - self._constant("learning_rate", updates) * g)


@checks_options
@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy-ball momentum: ``v' = μ v + g``, ``w' = w - η v'``.

    Polyak, 1964, in the form of ``torch.optim.SGD(momentum=μ)``: the learning rate multiplies
    the velocity, not the gradient.

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float, default 0.9
        In [0, 1).
    """

    learning_rate: float
    momentum: float = 0.9

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``v' = μ v + g`` and ``w' = w - η v'``."""
        v = updates.state(parameter, "velocity")
        v_next = updates.replace(v, self._constant("momentum", updates) * v.element + g)
        eta = self._constant("learning_rate", updates)
        updates.replace(parameter, parameter.element - eta * v_next)


@checks_options
@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's momentum: ``v' = μ v + g``, ``w' = w - η (g + μ v')``.

    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013,
    in the form of ``torch.optim.SGD(momentum=μ, nesterov=True)``.

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float, default 0.9
        In [0, 1).
    """

    learning_rate: float
    momentum: float = 0.9

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``v' = μ v + g`` and ``w' = w - η (g + μ v')``."""
        mu, eta = self._constant("momentum", updates), self._constant("learning_rate", updates)
        v = updates.state(parameter, "velocity")
        v_next = updates.replace(v, mu * v.element + g)
        updates.replace(parameter, parameter.element - eta * (g + mu * v_next))


@checks_options
@dataclass(frozen=True)
class RMSProp(Optimizer):
    """``s' = ρ s + (1 - ρ) g²``, ``w' = w - η g / (√s' + ε)``.

    Hinton, "Neural networks for machine learning", lecture 6e, 2012, with ε outside of the root
    as in ``torch.optim.RMSprop``.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Positive.
    decay : float, default 0.9
        ρ, in [0, 1).
    epsilon : float, default 1e-8
        Positive.
    """

    learning_rate: float = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``s' = ρ s + (1 - ρ) g²`` and ``w' = w - η g / (√s' + ε)``."""
        rho, eta = self._constant("decay", updates), self._constant("learning_rate", updates)
        s = updates.state(parameter, "square")
        s_next = updates.replace(s, rho * s.element + (1 - rho) * g**2)
        divisor = sqrt(s_next) + self._constant("epsilon", updates)
        updates.replace(parameter, parameter.element - eta * g / divisor)


@checks_options
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments: ``w' = w - η m̂ / (√v̂ + ε)``.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015: algorithm 1, with the two
    bias corrections taken out of the loop as the end of section 2 says (ε is corrected with
    them, so that nothing but the rounding changes).

    Parameters
    ----------
    learning_rate : float, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive; outside of the root.
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two moments and ``w' = w - η_t m' / (√v' + ε_t)``."""
        updates.replace(parameter, parameter.element - self._change(parameter, g, updates))

    def _change(self, parameter: Tensor, g: Expr, updates: Updates) -> Expr:
        beta1, beta2 = self._constant("beta1", updates), self._constant("beta2", updates)
        eta, epsilon = self._constant("learning_rate", updates), self._constant("epsilon", updates)
        t = updates.count()
        root = updates.scalar("correction2", sqrt(1 - beta2**t), "c_2")
        eta_t = updates.scalar("learning_rate_step", eta * root / (1 - beta1**t), r"\eta_t")
        epsilon_t = updates.scalar("epsilon_step", epsilon * root, r"\epsilon_t")
        m, v = updates.state(parameter, "m"), updates.state(parameter, "v")
        m_next = updates.replace(m, beta1 * m.element + (1 - beta1) * g)
        v_next = updates.replace(v, beta2 * v.element + (1 - beta2) * g**2)
        return eta_t * m_next / (sqrt(v_next) + epsilon_t)


@checks_options
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: ``w' = (1 - η λ) w - η m̂ / (√v̂ + ε)``.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019: algorithm 2, with the
    decay multiplied by the learning rate as in ``torch.optim.AdamW``. All parameters decay,
    biases too.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive; outside of the root.
    weight_decay : float, default 0.01
        λ, not negative.
    """

    weight_decay: float = 0.01

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two moments and ``w' = (1 - η λ) w - η_t m' / (√v' + ε_t)``."""
        eta = self._constant("learning_rate", updates)
        change = self._change(parameter, g, updates)
        decay = self._constant("weight_decay", updates)
        kept = updates.scalar("weight_kept", 1 - eta * decay, r"\kappa")
        updates.replace(parameter, kept * parameter.element - change)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}


# Step sizes that train standardised data of moderate size without tuning.
_LEARNING_RATES = {
    "sgd": 0.5,
    "momentum": 0.1,
    "nesterov": 0.1,
    "rmsprop": 0.003,
    "adam": 0.003,
    "adamw": 0.003,
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
        for name, (symbol, *bounds) in _HYPERPARAMETERS.items():
            # A name that the program already had got another end; its symbol stays.
            if tensor.symbol == symbol and tensor.name.startswith(name):
                found[tensor.name] = (float(bounds[0]), bool(bounds[1]), float(bounds[2]))
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
        The program has no gradients, or the optimizer is none.

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
    for parameter, gradient in program.gradients:
        optimizer.update(parameter, gradient[parameter.indices], updates)
    return program.replace(
        equations=(*program.equations, *updates.equations),
        updates=(*program.updates, *updates.pairs),
        passed=program.passed & (Form.STABLE | Form.DIFFERENTIATED) | Form.UPDATED,
    )
