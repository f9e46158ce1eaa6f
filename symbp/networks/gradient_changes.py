"""Optimizers made of another one: what it gets for gradients, and when it takes a step."""

from dataclasses import dataclass

from symbp.networks.optimizer import Optimizer
from symbp.networks.options import checked_size, checks_options
from symbp.networks.updates import Gradients, Updates
from symbp.notation.errors import SymbpError
from symbp.notation.functions import maximum, minimum, where

__all__ = ["Accumulate", "Clip"]


@dataclass(frozen=True)
class _Around(Optimizer):
    """Base of those that hand on to another optimizer."""

    optimizer: Optimizer

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.optimizer, Optimizer):
            raise SymbpError(
                f"{type(self).__name__} optimizer: expected an instance such as bp.Adam(0.01), "
                f"got {self.optimizer!r}"
            )


@checks_options
@dataclass(frozen=True)
class Clip(_Around):
    """Gradients that are not too large, for another optimizer.

    By their norm, which is that of all gradients together, ``g' = g c / max(‖g‖, c)``: Pascanu,
    Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm
    1, as ``optax.clip_by_global_norm`` (``torch.nn.utils.clip_grad_norm_`` adds 1e-6 to the norm).
    By their value, each entry on its own: into [-c, c].

    Parameters
    ----------
    optimizer : Optimizer
        What gets the clipped gradients.
    max_norm : float, optional
        c, of all gradients together; positive.
    max_value : float, optional
        Of the absolute value of an entry; positive. With both, entries are clipped first.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.compile(bp.mlp(2, 1), bp.Clip(bp.SGD(0.5), max_norm=1.0)).hyperparameters
    {'max_norm': 1.0, 'learning_rate': 0.5}
    """

    max_norm: float | None = None
    max_value: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_norm is None and self.max_value is None:
            raise SymbpError("Clip: expected max_norm=…, max_value=… or both")

    def update_all(self, gradients: Gradients, updates: Updates) -> None:
        """Clip, and let the other optimizer write its equations."""
        if self.max_value is not None:
            most = self.constant("max_value", updates)
            clipped = [(of, maximum(minimum(g, most), -most)) for of, g in gradients]
            gradients = [(of, updates.intermediate(of, "gradient_clipped", g)) for of, g in clipped]
        if self.max_norm is not None:
            most = self.constant("max_norm", updates)
            norm = updates.norm("gradient_norm", gradients, r"\|g\|")
            scale = updates.scalar("gradient_scale", most / maximum(norm, most))
            gradients = [(of, scale * g) for of, g in gradients]
        self.optimizer.apply(gradients, updates)


@checks_options
@dataclass(frozen=True)
class Accumulate(_Around):
    """A step for every so many batches, along the mean of their gradients.

    What is trained is that of batches so many times as large, as far as the cost is a mean over
    examples, in the memory of a small one. Between two steps nothing changes but the sum of the
    gradients, which goes on from epoch to epoch; as ``optax.MultiSteps``.

    Parameters
    ----------
    optimizer : Optimizer
        What takes the step.
    batches : int
        How many there are for a step.

    Examples
    --------
    >>> import symbp as bp
    >>> Accumulate(bp.Adam(0.01), batches=4).batches
    4
    """

    batches: int

    def __post_init__(self) -> None:
        batches = checked_size("Accumulate batches", self.batches)
        super().__post_init__()
        object.__setattr__(self, "batches", batches)

    def update_all(self, gradients: Gradients, updates: Updates) -> None:
        """Add up the gradients, and let the other optimizer write a step that is taken in turn."""
        batches = self.constant("batches", updates)
        # Counted from 1 and, after as many as there are for a step, anew.
        seen = updates.recurrence("batch", lambda k: where(k + 1 > batches, 1, k + 1))
        due = seen >= batches
        means = []
        for of, g in gradients:
            total = updates.state(of, "gradient_sum")
            mean = updates.intermediate(of, "gradient_mean", total.element + g / batches)
            updates.replace(total, where(due, 0, mean))
            means.append((of, mean))
        with updates.only_when(due):
            self.optimizer.apply(means, updates)
