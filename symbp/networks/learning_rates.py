"""Learning rates that change from step to step: equations of the number of steps done.

Each is given where an optimizer takes a learning rate: ``bp.SGD(bp.CosineDecay(0.1, steps=1000))``.
It counts the steps of the optimizer, which are remembered with its state, and not epochs. Its
numbers are hyperparameters, which a trainer can change.
"""

from dataclasses import dataclass, fields

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symbp.calculus.interpreter import interpret
from symbp.networks.hyperparameters import HYPERPARAMETERS, checked, checked_values, constant
from symbp.networks.options import checked_size, checks_options
from symbp.networks.updates import Updates
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.forms import Form
from symbp.notation.functions import maximum, minimum, where
from symbp.notation.program import Program
from symbp.notation.standard import cos
from symbp.notation.tensor import Tensor

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "LinearDecay",
    "OneCycle",
    "Schedule",
    "StepDecay",
    "Warmup",
]


class Schedule:
    """Base of the schedules, a user's own too: a dataclass of numbers with one method.

    With a field ``warmup`` that is not 0, the learning rate first rises from 0, evenly, to
    ``learning_rate`` in that many steps.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import symbp as bp
    >>> @dataclass(frozen=True)
    ... class InverseRoot(bp.Schedule):
    ...     learning_rate: float
    ...     warmup: float = 0
    ...
    ...     def after(self, s, updates):
    ...         return self.constant("learning_rate", updates) / bp.sqrt(1 + s)
    >>> InverseRoot(0.5, warmup=2).rates(4).round(3).tolist()
    [0.0, 0.25, 0.5, 0.354]
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            if field.name == "learning_rate":
                object.__setattr__(self, field.name, checked_values(self, field.name))
            elif field.name in HYPERPARAMETERS and not self._is_off(field.name):
                number = checked(self, field.name)
                whole = field.name in ("steps", "warmup") and number.is_integer()
                object.__setattr__(self, field.name, int(number) if whole else number)

    def after(self, s: Expr, updates: Updates) -> Expr:
        """Return the learning rate after the warm-up.

        Parameters
        ----------
        s : SymPy expression
            The number of steps since the warm-up, or since the start; 0 in the first of them.
        updates : Updates
            Where further equations may go.
        """
        raise SymbpError(f"{type(self).__name__}: a schedule needs a method after(s, updates)")

    def rate(self, updates: Updates) -> Expr:
        """Return the learning rate of this step, which has an equation of its own."""
        s = updates.count() - 1
        if not self._is_off("warmup"):
            warmup = self.constant("warmup", updates)
            rising = self.constant("learning_rate", updates) * s / warmup
            since = updates.scalar("steps_since_warmup", maximum(s - warmup, 0))
            value = where(s < warmup, rising, self.after(since, updates))
        else:
            value = self.after(s, updates)
        return updates.scalar("scheduled_rate", value, r"\eta_t")

    def constant(self, name: str, updates: Updates) -> Expr:
        """Return what stands for one of the numbers in an equation."""
        return constant(name, getattr(self, name), updates)

    def rates(self, steps: int) -> NDArray[np.float64]:
        """Return the learning rates of the first steps, computed from the equations.

        Parameters
        ----------
        steps : int
            How many.

        Returns
        -------
        ndarray of float64, shape (steps,)
            For a plot, for example.
        """
        updates = Updates()
        name = str(self.rate(updates))
        counted = Program([Equation(Tensor("steps_done"), 0)])
        program = counted.replace(
            equations=tuple(updates.equations), updates=tuple(updates.pairs), passed=Form.UPDATED
        )
        values = {tensor.name: 0.0 for tensor, _ in updates.pairs}
        result = np.empty(checked_size("steps", steps))
        for step in range(len(result)):
            found = interpret(program, values)
            result[step] = found[name]
            values = {old.name: float(found[new.name]) for old, new in updates.pairs}
        return result

    def _is_off(self, name: str) -> bool:
        return name == "warmup" and not getattr(self, "warmup", 0)

    def _after_warmup(self, updates: Updates) -> Expr:
        """Return how many steps there are besides those of the warm-up."""
        steps = self.constant("steps", updates)
        return steps if self._is_off("warmup") else steps - self.constant("warmup", updates)


class _Decay(Schedule):
    """Base of those that reach ``final`` after ``steps``, of which the warm-up is a part."""

    def __post_init__(self) -> None:
        super().__post_init__()
        steps, warmup = getattr(self, "steps"), getattr(self, "warmup")  # noqa: B009 - fields
        if steps <= warmup:
            raise SymbpError(
                f"{type(self).__name__} steps: expected more than the warm-up's {warmup:g}, which "
                f"are among them, got {steps:g}"
            )

    def after(self, s: Expr, updates: Updates) -> Expr:
        """Return a value between the first and the final rate."""
        eta, final = self.constant("learning_rate", updates), self.constant("final", updates)
        done = updates.scalar("decayed", minimum(s / self._after_warmup(updates), 1))
        return final + (eta - final) * self.left(done)

    def left(self, done: Expr) -> Expr:
        """Return how much of the way is left, from the part of the steps that is done."""
        raise NotImplementedError


@checks_options
@dataclass(frozen=True)
class CosineDecay(_Decay):
    """Half a period of a cosine, after a linear warm-up: ``η_T + (η - η_T)(1 + cos πp)/2``.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, eq. (5),
    as ``optax.warmup_cosine_decay_schedule`` and, without warm-up, as
    ``torch.optim.lr_scheduler.CosineAnnealingLR``. After `steps` it stays at `final`.

    Parameters
    ----------
    learning_rate : float
        Where the decay begins; positive.
    steps : int
        Of the warm-up and the decay together.
    warmup : int, default 0
        Steps in which the rate rises from 0.
    final : float, default 0.0
        Where it ends; not negative.

    Examples
    --------
    >>> CosineDecay(1.0, steps=6, warmup=2).rates(7).round(3).tolist()
    [0.0, 0.5, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    learning_rate: float
    steps: float
    warmup: float = 0
    final: float = 0.0

    def left(self, done: Expr) -> Expr:
        """Return ``(1 + cos πp)/2``."""
        return (1 + cos(sympy.pi * done)) / 2


@checks_options
@dataclass(frozen=True)
class LinearDecay(_Decay):
    """A straight line from the first to the final rate, after a linear warm-up.

    As ``optax.linear_schedule`` and ``torch.optim.lr_scheduler.LinearLR``. After `steps` it stays
    at `final`.

    Parameters
    ----------
    learning_rate : float
        Where the decay begins; positive.
    steps : int
        Of the warm-up and the decay together.
    warmup : int, default 0
        Steps in which the rate rises from 0.
    final : float, default 0.0
        Where it ends; not negative.

    Examples
    --------
    >>> LinearDecay(1.0, steps=4).rates(6).tolist()
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    learning_rate: float
    steps: float
    warmup: float = 0
    final: float = 0.0

    def left(self, done: Expr) -> Expr:
        """Return ``1 - p``."""
        return 1 - done


@checks_options
@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """The rate times ``factor`` in every so many steps, evenly: ``η γ^(s/T)``.

    As ``optax.exponential_decay`` and, with ``steps=1``, as
    ``torch.optim.lr_scheduler.ExponentialLR``.

    Parameters
    ----------
    learning_rate : float
        Where the decay begins; positive.
    factor : float
        γ, positive.
    steps : int, default 1
        T, positive.
    warmup : int, default 0
        Steps before, in which the rate rises from 0.

    Examples
    --------
    >>> ExponentialDecay(1.0, factor=0.25, steps=2).rates(4).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """

    learning_rate: float
    factor: float
    steps: float = 1
    warmup: float = 0

    def after(self, s: Expr, updates: Updates) -> Expr:
        """Return ``η γ^(s/T)``."""
        exponent = s / self.constant("steps", updates)
        return (
            self.constant("learning_rate", updates) * self.constant("factor", updates) ** exponent
        )


@checks_options
@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate times ``factor`` at once after every so many steps.

    As ``torch.optim.lr_scheduler.StepLR``. How often that has happened is remembered with the
    optimizer's state.

    Parameters
    ----------
    learning_rate : float
        Where it begins; positive.
    steps : int
        How many there are with one rate.
    factor : float, default 0.1
        γ, positive.
    warmup : int, default 0
        Steps before, in which the rate rises from 0.

    Examples
    --------
    >>> StepDecay(1.0, steps=2, factor=0.5).rates(5).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    learning_rate: float
    steps: float
    factor: float = 0.1
    warmup: float = 0

    def after(self, s: Expr, updates: Updates) -> Expr:
        """Return ``η γ^k``, where k is larger by 1 than before if ``s ≥ (k + 1) T``."""
        steps = self.constant("steps", updates)
        count = updates.recurrence("decays", lambda k: where(s >= (k + 1) * steps, k + 1, k), "k")
        return self.constant("learning_rate", updates) * self.constant("factor", updates) ** count


@checks_options
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to the largest rate and down to nearly nothing, along two half periods of a cosine.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018, in the form of ``torch.optim.lr_scheduler.OneCycleLR(cycle_momentum=False)``.

    Parameters
    ----------
    learning_rate : float
        The largest; positive.
    steps : int
        All of them; after them the rate stays where it is.
    rising : float, default 0.3
        The part of the steps in which it rises; in (0, 1).
    divisor : float, default 25
        The largest rate by the first.
    final_divisor : float, default 1e4
        The first rate by the last.

    Examples
    --------
    >>> OneCycle(1.0, steps=10, rising=0.4, divisor=10).rates(10).round(3).tolist()
    [0.1, 0.325, 0.775, 1.0, 0.933, 0.75, 0.5, 0.25, 0.067, 0.0]
    """

    learning_rate: float
    steps: float
    rising: float = 0.3
    divisor: float = 25.0
    final_divisor: float = 1e4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rising * self.steps <= 1:
            raise SymbpError(
                f"OneCycle steps: expected more than {1 / self.rising:g}, as the rate rises in "
                f"{self.rising:g} of them, got {self.steps:g}"
            )

    def after(self, s: Expr, updates: Updates) -> Expr:
        """Return the rate on the way up or on the way down."""
        largest = self.constant("learning_rate", updates)
        steps = self.constant("steps", updates)
        top = updates.scalar("top", self.constant("rising", updates) * steps - 1)
        first = updates.scalar("first_rate", largest / self.constant("divisor", updates))
        last = updates.scalar("last_rate", first / self.constant("final_divisor", updates))
        down = updates.scalar("descended", minimum((s - top) / (steps - 1 - top), 1))
        rises = largest + (first - largest) * (1 + cos(sympy.pi * s / top)) / 2
        falls = last + (largest - last) * (1 + cos(sympy.pi * down)) / 2
        return where(s <= top, rises, falls)


@checks_options
@dataclass(frozen=True)
class Warmup(Schedule):
    """A rate that rises from 0, evenly, and then stays.

    Parameters
    ----------
    learning_rate : float
        Where it ends; positive.
    warmup : int
        The number of steps in which it rises.

    Examples
    --------
    >>> Warmup(1.0, 2).rates(4).tolist()
    [0.0, 0.5, 1.0, 1.0]
    """

    learning_rate: float
    warmup: float

    def after(self, s: Expr, updates: Updates) -> Expr:
        """Return the rate."""
        return self.constant("learning_rate", updates)
