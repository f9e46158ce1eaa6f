"""Adam and what was made of it: steps by the first two moments of the gradient."""

from dataclasses import dataclass

from sympy.core.expr import Expr

from symbp.networks.learning_rates import Schedule
from symbp.networks.optimizer import Optimizer
from symbp.networks.options import checks_options
from symbp.networks.updates import Updates
from symbp.notation.functions import maximum, where
from symbp.notation.standard import Abs, sqrt
from symbp.notation.tensor import Tensor

__all__ = ["LAMB", "Adam", "AdamW", "Adamax", "LazyAdam", "NAdam", "RAdam"]


@checks_options
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments: ``w' = w - η m̂ / (√v̂ + ε)``.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015: algorithm 1, with the two
    bias corrections taken out of the loop as the end of section 2 says (ε is corrected with
    them, so that nothing but the rounding changes).

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive; outside of the root.
    """

    learning_rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two moments and ``w' = w - η_t m' / (√v' + ε_t)``."""
        updates.replace(parameter, parameter.element - self._change(parameter, g, updates))

    def _change(self, parameter: Tensor, g: Expr, updates: Updates) -> Expr:
        beta1, beta2 = self.constant("beta1", updates), self.constant("beta2", updates)
        eta, epsilon = self.constant("learning_rate", updates), self.constant("epsilon", updates)
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
    learning_rate : float or Schedule, default 0.001
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
        eta = self.constant("learning_rate", updates)
        change = self._change(parameter, g, updates)
        decay = self.constant("weight_decay", updates)
        kept = updates.scalar("weight_kept", 1 - eta * decay, r"\kappa")
        updates.replace(parameter, kept * parameter.element - change)


@checks_options
@dataclass(frozen=True)
class LazyAdam(Adam):
    """Adam that changes those rows of a table alone that the batch looks up.

    A table is a parameter whose gradient is made of rows at places that the data tells, such as
    ``U[user[n], k]`` or that of :class:`symbp.Embedding`. In the rows that a batch looks up, the
    moments and the parameter take Adam's step, with the sum of all that the batch adds to the
    gradient of the row, also where it looks a row up several times; all other rows, and their
    moments, stay as they are. A step takes as long as the batch is large, however large the table
    is. t counts all steps, as in ``torch.optim.SparseAdam``, from which it differs in that ε is
    corrected with the moments, as in :class:`symbp.Adam`.

    Every other parameter, and a table with a term for each row in its gradient such as a penalty,
    takes the step of :class:`symbp.Adam`. A row that is looked up in every batch does so, too; of
    others, Adam's moments go on decaying, and moving the row, while no batch looks it up.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive; outside of the root.

    Raises
    ------
    SymbpError
        It is inside of :class:`symbp.Accumulate`, whose step is for several batches.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k, u = bp.indices("n k u", "N", 4, 1000)
    >>> user, r = bp.input("user", n, kind="integer"), bp.target("r", n)
    >>> U, p, C = bp.parameter("U", u, k), bp.tensor("p", n), bp.tensor("C")
    >>> program = bp.Program([
    ...     bp.Equation(p[n], bp.Sum(U[user[n], k] ** 2, k)),
    ...     bp.Equation(C, bp.Sum((p[n] - r[n]) ** 2, n) / n.extent),
    ... ], cost=C)
    >>> trainer = bp.compile(program, bp.LazyAdam(0.1))
    >>> before = trainer.parameters.U.copy()
    >>> changed = trainer.fit([3, 3, 7], [1.0, 1.0, 2.0], epochs=1).parameters.U != before
    >>> changed.any(axis=1).nonzero()[0].tolist()
    [3, 7]
    """

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write Adam's equations, for the rows that are looked up."""
        row_is_looked_up = updates.looked_up(parameter)
        if row_is_looked_up is None:
            super().update(parameter, g, updates)
            return
        # What counts the steps counts all of them, whichever rows they change.
        self.constant("learning_rate", updates)
        updates.count()
        with updates.only_when(row_is_looked_up):
            super().update(parameter, g, updates)


@checks_options
@dataclass(frozen=True)
class Adamax(Adam):
    """Adam with the largest gradient for a second moment: ``w' = w - η m̂ / u'``.

    Kingma and Ba, 2015, algorithm 2, with ``u' = max(β₂ u, |g| + ε)`` as in
    ``torch.optim.Adamax``.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.002
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive.
    """

    learning_rate: float | Schedule = 0.002

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the moment, the largest gradient, and ``w' = w - η_t m' / u'``."""
        beta1, beta2 = self.constant("beta1", updates), self.constant("beta2", updates)
        eta, epsilon = self.constant("learning_rate", updates), self.constant("epsilon", updates)
        eta_t = updates.scalar("learning_rate_step", eta / (1 - beta1 ** updates.count()))
        m, u = updates.state(parameter, "m"), updates.state(parameter, "largest")
        m_next = updates.replace(m, beta1 * m.element + (1 - beta1) * g)
        u_next = updates.replace(u, maximum(beta2 * u.element, Abs(g) + epsilon))
        updates.replace(parameter, parameter.element - eta_t * m_next / u_next)


@checks_options
@dataclass(frozen=True)
class NAdam(Adam):
    """Adam with Nesterov's momentum, which grows from step to step.

    Dozat, "Incorporating Nesterov momentum into Adam", 2016, as ``torch.optim.NAdam``: with
    ``μ_t = β₁ (1 - 0.96^{ψ t} / 2)`` and ``w' = w - η ((1 - μ_t) / (1 - Πμ) g + μ_{t+1} /
    (1 - μ_{t+1} Πμ) m') / (√v̂ + ε)``, where Πμ is the product of all μ up to step t.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.002
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive; outside of the root.
    momentum_decay : float, default 0.004
        ψ, not negative.
    """

    learning_rate: float | Schedule = 0.002
    momentum_decay: float = 0.004

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two moments and the step."""
        beta1, beta2 = self.constant("beta1", updates), self.constant("beta2", updates)
        eta, epsilon = self.constant("learning_rate", updates), self.constant("epsilon", updates)
        psi, t = self.constant("momentum_decay", updates), updates.count()
        mu = updates.scalar("momentum_step", beta1 * (1 - 0.96 ** (psi * t) / 2), r"\mu_t")
        following = beta1 * (1 - 0.96 ** (psi * (t + 1)) / 2)
        mu_next = updates.scalar("momentum_step_after", following, r"\mu_{t+1}")
        # 1 - Πμ, which is 0 before the first step: remembered as such, it has all of its digits.
        rest = updates.recurrence(
            "rest_of_momentum", lambda before: before * mu + (1 - mu), r"1 - \prod\mu"
        )
        rest_next = rest * mu_next + (1 - mu_next)
        along_g = updates.scalar("gradient_rate", eta * (1 - mu) / rest)
        along_m = updates.scalar("moment_rate", eta * mu_next / rest_next)
        root = updates.scalar("correction2", sqrt(1 - beta2**t), "c_2")
        m, v = updates.state(parameter, "m"), updates.state(parameter, "v")
        m_next = updates.replace(m, beta1 * m.element + (1 - beta1) * g)
        v_next = updates.replace(v, beta2 * v.element + (1 - beta2) * g**2)
        divisor = sqrt(v_next) / root + epsilon
        updates.replace(parameter, parameter.element - (along_g * g + along_m * m_next) / divisor)


@checks_options
@dataclass(frozen=True)
class RAdam(Adam):
    """Adam whose steps wait for the second moment: ``w' = w - η r_t m̂ / (√v̂ + ε)``.

    Liu et al., "On the variance of the adaptive learning rate and beyond", 2020, algorithm 2, as
    ``torch.optim.RAdam``: while ρ_t is at most 5, which are the first steps, ``w' = w - η m̂``.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-8
        Positive; outside of the root.
    """

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two moments and the step."""
        beta1, beta2 = self.constant("beta1", updates), self.constant("beta2", updates)
        eta, epsilon = self.constant("learning_rate", updates), self.constant("epsilon", updates)
        t = updates.count()
        most = updates.scalar("length_in_the_end", 2 / (1 - beta2) - 1, r"\rho_\infty")
        rest = updates.scalar("rest2", 1 - beta2**t)
        length = updates.scalar("length", most - 2 * t * beta2**t / rest, r"\rho_t")
        eta_t = updates.scalar("learning_rate_step", eta / (1 - beta1**t), r"\eta_t")
        certain = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        trusted = updates.scalar("trusted", where(length > 5, sqrt(certain * rest), 0), "r_t")
        m, v = updates.state(parameter, "m"), updates.state(parameter, "v")
        m_next = updates.replace(m, beta1 * m.element + (1 - beta1) * g)
        v_next = updates.replace(v, beta2 * v.element + (1 - beta2) * g**2)
        adapted = where(length > 5, trusted / (sqrt(v_next) + epsilon), 1)
        updates.replace(parameter, parameter.element - eta_t * m_next * adapted)


@checks_options
@dataclass(frozen=True)
class LAMB(Adam):
    """Adam's step at the length of each parameter: ``w' = w - η ‖w‖/‖d‖ d``.

    You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2020,
    algorithm 2, as ``optax.lamb``: ``d = m̂ / (√v̂ + ε) + λ w``, and the ratio is 1 where one of the
    norms is 0.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Positive.
    beta1, beta2 : float, default 0.9 and 0.999
        How slowly the two moments forget; in [0, 1).
    epsilon : float, default 1e-6
        Positive; outside of the root.
    weight_decay : float, default 0.0
        λ, not negative.
    """

    epsilon: float = 1e-6
    weight_decay: float = 0.0

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the two moments, the direction d, both norms, and the step."""
        beta1, beta2 = self.constant("beta1", updates), self.constant("beta2", updates)
        epsilon, decay = self.constant("epsilon", updates), self.constant("weight_decay", updates)
        t = updates.count()
        first = updates.scalar("correction1", 1 - beta1**t, "c_1")
        root = updates.scalar("correction2", sqrt(1 - beta2**t), "c_2")
        m, v = updates.state(parameter, "m"), updates.state(parameter, "v")
        m_next = updates.replace(m, beta1 * m.element + (1 - beta1) * g)
        v_next = updates.replace(v, beta2 * v.element + (1 - beta2) * g**2)
        w = parameter.element
        direction = m_next / first / (sqrt(v_next) / root + epsilon) + decay * w
        d = updates.intermediate(parameter, "direction", direction)
        length = updates.norm(f"{parameter.name}_norm", [(parameter, w)])
        step = updates.norm(f"{parameter.name}_direction_norm", [(parameter, d)])
        ratio = where(length > 0, where(step > 0, length / step, 1), 1)
        eta = self.constant("learning_rate", updates)
        rate = updates.scalar(f"{parameter.name}_rate", eta * ratio)
        updates.replace(parameter, w - rate * d)
