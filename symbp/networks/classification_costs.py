"""Costs of classes: margins, divergences, cross-entropies with weights and smoothing.

Each is a function of the output and the target, as those of :mod:`symbp.networks.costs`: a class
where it has options.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy
from sympy.core.expr import Expr

from symbp.networks.options import checked_number, checks_options
from symbp.networks.shapes import checked_flag
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import maximum, sigmoid, softplus, where
from symbp.notation.reductions import Mean, Sum, log_softmax
from symbp.notation.singular import absorbing_product, xlogy
from symbp.notation.standard import exp
from symbp.notation.tensor import Kind, Tensor

__all__ = ["BinaryCrossEntropy", "CrossEntropy", "Focal", "Hinge", "KLDivergence", "MultiMargin"]


@checks_options
@dataclass(frozen=True)
class CrossEntropy:
    """The cross-entropy of logits with weights of classes and smoothed labels.

    As ``torch.nn.CrossEntropyLoss`` with class labels: ``-Σ w_j t_j ln softmax(z)_j / Σ w_j y_j``
    over all examples, where ``t = (1 - ε) y + ε/K`` for K classes. With neither it is
    ``"softmax_cross_entropy"``.

    Parameters
    ----------
    label_smoothing : float, default 0
        ε, from 0 to below 1 (Szegedy et al., "Rethinking the Inception architecture", 2016).
    weight : sequence of float, optional
        One for each class.

    Notes
    -----
    For rows of probabilities instead of labels PyTorch divides by their number, not by the sum of
    their weights.

    Examples
    --------
    >>> import symbp as bp
    >>> print(bp.mlp(3, 2, loss=CrossEntropy(label_smoothing=0.1)).equations[-1])
    C = -Sum((0.9*y[n, j] + 0.05)*(z1[n, j] - LogSumExp(z1[n, j], j)), n, j)/N
    """

    label_smoothing: float = 0.0
    weight: Sequence[float] | None = None

    target_kind: ClassVar[Kind] = "distribution"
    softmax: ClassVar[bool] = True
    __name__: ClassVar[str] = "cross_entropy_of_logits"

    def __post_init__(self) -> None:
        name = "CrossEntropy label_smoothing"
        smoothing = checked_number(name, self.label_smoothing, least=0, below=1)
        object.__setattr__(self, "label_smoothing", smoothing)
        if self.weight is not None:
            object.__setattr__(self, "weight", _checked_weights("CrossEntropy", self.weight))

    def __call__(self, output: Tensor, target: Tensor) -> Any:
        """Return the cost of an output and a target, two tensors of one shape."""
        *rows, j = output.indices
        y, smoothing = target[output.indices], self.label_smoothing
        logarithm = log_softmax(output.element, j)
        if smoothing:
            body = ((1 - smoothing) * y + smoothing / j.extent) * logarithm
        else:
            body = absorbing_product(y, logarithm)
        if self.weight is None:
            return -Sum(body, *output.indices) / math.prod(index.extent for index in rows)
        equation, w = _class_weights("CrossEntropy", self.weight, j)
        whole = Sum(w[j] * y, *output.indices)
        return [equation], -Sum(w[j] * body, *output.indices) / whole


def _checked_weights(name: str, value: Any) -> tuple[float, ...]:
    if isinstance(value, (str, int, float)) or not hasattr(value, "__iter__"):
        raise SymbpError(f"{name} weight: expected a number for each class, got {value!r}")
    return tuple(checked_number(f"{name} weight", each, least=0) for each in value)


def _class_weights(name: str, weight: Sequence[float], j: Any) -> tuple[Equation, Tensor]:
    """Return the equation of a vector of numbers: one value for each place."""
    if len(weight) != j.extent:
        raise SymbpError(f"{name} weight: expected {j.extent} numbers, one a class, got {weight!r}")
    w = tensor("class_weight", j, symbol=r"\omega")
    body: Any = sympy.Float(weight[-1])
    for place in reversed(range(len(weight) - 1)):
        body = where(j <= place, sympy.Float(weight[place]), body)
    return Equation(w.element, body), w


@checks_options
@dataclass(frozen=True)
class BinaryCrossEntropy:
    """The mean of ``p y softplus(-z) + (1 - y) softplus(z)``, as ``torch.nn.BCEWithLogitsLoss``.

    Parameters
    ----------
    pos_weight : float, default 1
        p, how much a target of 1 counts beside one of 0.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 1, loss=BinaryCrossEntropy(pos_weight=4.0)).loss
    'weighted_binary_cross_entropy'
    """

    pos_weight: float = 1.0

    threshold: ClassVar[float] = 0.0
    __name__: ClassVar[str] = "weighted_binary_cross_entropy"

    def __post_init__(self) -> None:
        weight = checked_number("BinaryCrossEntropy pos_weight", self.pos_weight, least=0)
        object.__setattr__(self, "pos_weight", weight)

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        z, y = output.element, target[output.indices]
        positive = self.pos_weight * y * softplus(-z)
        return Mean(positive + (1 - y) * softplus(z), *output.indices)


@checks_options
@dataclass(frozen=True)
class Focal:
    """The mean of ``α_t (1 - p_t)^γ (-ln p_t)``: what is right already counts little.

    Lin et al., "Focal loss for dense object detection", 2017, of logits, a class each: ``p_t`` is
    σ(z) for a target of 1 and 1 - σ(z) for 0.

    Parameters
    ----------
    gamma : float, default 2
        γ, at least 0; with 0 it is the binary cross-entropy.
    alpha : float, optional
        ``α_t`` is alpha for a target of 1 and 1 - alpha for 0; without it 1.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 2, loss="focal").loss
    'focal'
    """

    gamma: float = 2.0
    alpha: float | None = None

    threshold: ClassVar[float] = 0.0
    __name__: ClassVar[str] = "focal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", checked_number("Focal gamma", self.gamma, least=0))
        if self.alpha is not None:
            alpha = checked_number("Focal alpha", self.alpha, least=0)
            object.__setattr__(self, "alpha", alpha)

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        z, y = output.element, target[output.indices]
        # (1 - p)^γ by σ(-z), which keeps its digits where p is near 1.
        gamma = int(self.gamma) if self.gamma == int(self.gamma) else self.gamma
        one = sigmoid(-z) ** gamma * softplus(-z)
        zero = sigmoid(z) ** gamma * softplus(z)
        if self.alpha is not None:
            one, zero = self.alpha * one, (1 - self.alpha) * zero
        return Mean(y * one + (1 - y) * zero, *output.indices)


@checks_options
@dataclass(frozen=True)
class Hinge:
    """The mean of ``max(0, margin - y z)`` for targets y of -1 and 1.

    Cortes and Vapnik, "Support-vector networks", 1995; ``sklearn.metrics.hinge_loss``.

    Parameters
    ----------
    margin : float, default 1
        Beyond it nothing counts.
    squared : bool, default False
        Whether the squares of what is short of it are taken.

    Examples
    --------
    >>> import symbp as bp
    >>> print(bp.mlp(3, 1, loss="hinge").equations[-1])
    C = Sum(maximum(1 - y[n, j]*z1[n, j], 0), n, j)/N
    """

    margin: float = 1.0
    squared: bool = False

    target_kind: ClassVar[Kind] = "real"
    threshold: ClassVar[float] = 0.0
    __name__: ClassVar[str] = "hinge"

    def __post_init__(self) -> None:
        object.__setattr__(self, "margin", checked_number("Hinge margin", self.margin))
        checked_flag("Hinge squared", self.squared)

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        margin = int(self.margin) if self.margin == int(self.margin) else self.margin
        short = maximum(margin - target[output.indices] * output.element, 0)
        return Mean(short**2 if self.squared else short, *output.indices)


@checks_options
@dataclass(frozen=True)
class MultiMargin:
    """The mean of ``Σ_j max(0, margin - z_y + z_j)^p / K``, over the classes besides the label.

    Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector
    machines", 2001; ``torch.nn.MultiMarginLoss``.

    Parameters
    ----------
    p : {1, 2}
        The power.
    margin : float, default 1
        By how much the label's value exceeds the others where they count no longer.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 4, loss=MultiMargin()).loss
    'multi_margin'
    """

    p: int = 1
    margin: float = 1.0

    __name__: ClassVar[str] = "multi_margin"

    def __post_init__(self) -> None:
        if self.p not in (1, 2) or isinstance(self.p, bool):
            raise SymbpError(f"MultiMargin p: expected 1 or 2, got {self.p!r}")
        object.__setattr__(self, "margin", checked_number("MultiMargin margin", self.margin))

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        *rows, j = output.indices
        k = j.fresh()
        own = Sum(target[(*rows, k)] * output[(*rows, k)], k)
        short = maximum(self.margin - own + output.element, 0) ** self.p
        return Mean((1 - target[output.indices]) * short, *output.indices)


@checks_options
@dataclass(frozen=True)
class KLDivergence:
    """The mean over the rows of ``Σ_j y_j (ln y_j - ln softmax(z)_j)``.

    Kullback and Leibler, "On information and sufficiency", 1951. With ``log_probabilities`` the
    output is what ``torch.nn.KLDivLoss(reduction="batchmean")`` takes.

    Parameters
    ----------
    log_probabilities : bool, default False
        Whether the output is a logarithm of probabilities already; else it is logits.
    log_target : bool, default False
        Whether the target is a logarithm, too.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 4, loss="kl_divergence").loss
    'kl_divergence'
    """

    log_probabilities: bool = False
    log_target: bool = False

    __name__: ClassVar[str] = "kl_divergence"

    def __post_init__(self) -> None:
        checked_flag("KLDivergence log_probabilities", self.log_probabilities)
        checked_flag("KLDivergence log_target", self.log_target)

    @property
    def target_kind(self) -> str:
        """Rows that sum to one, or any numbers where they are logarithms."""
        return "real" if self.log_target else "distribution"

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        *rows, j = output.indices
        y = target[output.indices]
        q: Any = output.element if self.log_probabilities else log_softmax(output.element, j)
        body: Any = exp(y) * (y - q) if self.log_target else xlogy(y, y) - absorbing_product(y, q)
        return Sum(body, *output.indices) / math.prod(index.extent for index in rows)
