"""Optimizers that divide by the size of the gradients so far: RMSProp, Adagrad, Adadelta."""

from dataclasses import dataclass

from sympy.core.expr import Expr

from symbp.networks.learning_rates import Schedule
from symbp.networks.optimizer import Optimizer
from symbp.networks.options import checks_options
from symbp.networks.updates import Updates
from symbp.notation.standard import sqrt
from symbp.notation.tensor import Tensor

__all__ = ["Adadelta", "Adagrad", "RMSProp"]


@checks_options
@dataclass(frozen=True)
class RMSProp(Optimizer):
    """``s' = ρ s + (1 - ρ) g²``, ``w' = w - η g / (√s' + ε)``.

    Hinton, "Neural networks for machine learning", lecture 6e, 2012, with ε outside of the root
    as in ``torch.optim.RMSprop``.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Positive.
    decay : float, default 0.9
        ρ, in [0, 1).
    epsilon : float, default 1e-8
        Positive.
    """

    learning_rate: float | Schedule = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``s' = ρ s + (1 - ρ) g²`` and ``w' = w - η g / (√s' + ε)``."""
        rho, eta = self.constant("decay", updates), self.constant("learning_rate", updates)
        s = updates.state(parameter, "square")
        s_next = updates.replace(s, rho * s.element + (1 - rho) * g**2)
        divisor = sqrt(s_next) + self.constant("epsilon", updates)
        updates.replace(parameter, parameter.element - eta * g / divisor)


@checks_options
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """``s' = s + g²``, ``w' = w - η g / (√s' + ε)``.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", 2011, as ``torch.optim.Adagrad``.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        Positive.
    epsilon : float, default 1e-10
        Positive; outside of the root.
    """

    learning_rate: float | Schedule = 0.01
    epsilon: float = 1e-10

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write ``s' = s + g²`` and ``w' = w - η g / (√s' + ε)``."""
        eta, epsilon = self.constant("learning_rate", updates), self.constant("epsilon", updates)
        s = updates.state(parameter, "square")
        s_next = updates.replace(s, s.element + g**2)
        updates.replace(parameter, parameter.element - eta * g / (sqrt(s_next) + epsilon))


@checks_options
@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Steps in the units of the steps before: ``w' = w - η d``, ``d = √(u + ε) / √(s' + ε) g``.

    Zeiler, "Adadelta: an adaptive learning rate method", 2012, algorithm 1, as
    ``torch.optim.Adadelta``, with ``s' = ρ s + (1 - ρ) g²`` and ``u' = ρ u + (1 - ρ) d²``.

    Parameters
    ----------
    learning_rate : float or Schedule, default 1.0
        Positive.
    decay : float, default 0.9
        ρ, in [0, 1).
    epsilon : float, default 1e-6
        Positive; inside of the roots.
    """

    learning_rate: float | Schedule = 1.0
    decay: float = 0.9
    epsilon: float = 1e-6

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two means of squares and ``w' = w - η d``."""
        rho, epsilon = self.constant("decay", updates), self.constant("epsilon", updates)
        s, u = updates.state(parameter, "square"), updates.state(parameter, "square_of_steps")
        s_next = updates.replace(s, rho * s.element + (1 - rho) * g**2)
        scaled = sqrt(u.element + epsilon) / sqrt(s_next + epsilon) * g
        d = updates.intermediate(parameter, "step", scaled)
        updates.replace(u, rho * u.element + (1 - rho) * d**2)
        eta = self.constant("learning_rate", updates)
        updates.replace(parameter, parameter.element - eta * d)
