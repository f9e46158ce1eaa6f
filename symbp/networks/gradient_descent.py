"""Optimizers that step along the gradient or its mean: descent, momentum, and their signs."""

from dataclasses import dataclass

from sympy.core.expr import Expr

from symbp.networks.learning_rates import Schedule
from symbp.networks.optimizer import Optimizer
from symbp.networks.options import checks_options
from symbp.networks.updates import Updates
from symbp.notation.standard import sign
from symbp.notation.tensor import Tensor

__all__ = ["SGD", "Lion", "Momentum", "Nesterov"]


@checks_options
@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent on mini-batches: ``w' = w - η g``.

    Nielsen, "Neural Networks and Deep Learning", eq. (20).

    Parameters
    ----------
    learning_rate : float or Schedule
        Positive.
    """

    learning_rate: float | Schedule

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``w' = w - η g``."""
        updates.replace(parameter, parameter.element - self.constant("learning_rate", updates) * g)


@checks_options
@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy-ball momentum: ``v' = μ v + g``, ``w' = w - η v'``.

    Polyak, 1964, in the form of ``torch.optim.SGD(momentum=μ)``: the learning rate multiplies
    the velocity, not the gradient.

    Parameters
    ----------
    learning_rate : float or Schedule
        Positive.
    momentum : float, default 0.9
        In [0, 1).
    """

    learning_rate: float | Schedule
    momentum: float = 0.9

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``v' = μ v + g`` and ``w' = w - η v'``."""
        v = updates.state(parameter, "velocity")
        v_next = updates.replace(v, self.constant("momentum", updates) * v.element + g)
        eta = self.constant("learning_rate", updates)
        updates.replace(parameter, parameter.element - eta * v_next)


@checks_options
@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's momentum: ``v' = μ v + g``, ``w' = w - η (g + μ v')``.

    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013,
    in the form of ``torch.optim.SGD(momentum=μ, nesterov=True)``.

    Parameters
    ----------
    learning_rate : float or Schedule
        Positive.
    momentum : float, default 0.9
        In [0, 1).
    """

    learning_rate: float | Schedule
    momentum: float = 0.9

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``v' = μ v + g`` and ``w' = w - η (g + μ v')``."""
        mu, eta = self.constant("momentum", updates), self.constant("learning_rate", updates)
        v = updates.state(parameter, "velocity")
        v_next = updates.replace(v, mu * v.element + g)
        updates.replace(parameter, parameter.element - eta * (g + mu * v_next))


@checks_options
@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a momentum: ``w' = w - η (sign(β₁ m + (1 - β₁) g) + λ w)``.

    Chen et al., "Symbolic discovery of optimization algorithms", 2023, program 1, as
    ``optax.lion``; the momentum is ``m' = β₂ m + (1 - β₂) g``, and sign(0) is 0.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.0001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.99
        Of the step and of the momentum; in [0, 1).
    weight_decay : float, default 0.0
        λ, not negative.
    """

    learning_rate: float | Schedule = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``w' = w - η (sign(β₁ m + (1 - β₁) g) + λ w)`` and the momentum."""
        beta1, beta2 = self.constant("beta1", updates), self.constant("beta2", updates)
        eta, decay = self.constant("learning_rate", updates), self.constant("weight_decay", updates)
        m = updates.state(parameter, "m")
        direction = sign(beta1 * m.element + (1 - beta1) * g)
        updates.replace(m, beta2 * m.element + (1 - beta2) * g)
        kept = updates.scalar("weight_kept", 1 - eta * decay, r"\kappa")
        updates.replace(parameter, kept * parameter.element - eta * direction)
