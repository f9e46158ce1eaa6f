"""Costs of numbers: robust ones, quantiles, counts, a Gaussian with a variance of its own.

Each is a function of the output and the target, as those of :mod:`symbp.networks.costs`: a class
where it has options.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from sympy.core.expr import Expr

from symbp.networks.options import checked_number, checks_options
from symbp.networks.shapes import checked_alike, checked_flag, checked_number_of
from symbp.notation.declarations import target as target_tensor
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import maximum, softplus, where
from symbp.notation.index import Index
from symbp.notation.reductions import Mean
from symbp.notation.standard import Abs, exp, log
from symbp.notation.tensor import Kind, Tensor

__all__ = ["GaussianNLL", "Huber", "PoissonNLL", "Quantile", "SmoothL1", "gaussian_nll", "log_cosh"]


@checks_options
@dataclass(frozen=True)
class Huber:
    """The mean of ``d²/2`` up to ``delta`` and ``delta (|d| - delta/2)`` beyond, ``d = a - y``.

    Huber, "Robust estimation of a location parameter", 1964; ``torch.nn.HuberLoss``.

    Parameters
    ----------
    delta : float, default 1
        Where the parabola becomes a line.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 1, loss=Huber(0.5)).loss
    'huber'
    """

    delta: float = 1.0

    target_kind: ClassVar[Kind] = "real"
    __name__: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        delta = checked_number("Huber delta", self.delta, least=0, open=True)
        object.__setattr__(self, "delta", delta)

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        d = output.element - target[output.indices]
        far = self.delta * (Abs(d) - self.delta / 2)
        return Mean(where(Abs(d) <= self.delta, d**2 / 2, far), *output.indices)


@checks_options
@dataclass(frozen=True)
class SmoothL1:
    """The mean of ``d²/(2 beta)`` below ``beta`` and ``|d| - beta/2`` beyond, ``d = a - y``.

    Girshick, "Fast R-CNN", 2015; ``torch.nn.SmoothL1Loss``. It is the Huber cost divided by beta.

    Parameters
    ----------
    beta : float, default 1
        Where the parabola becomes a line; with 0 the cost is ``|d|``.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 1, loss=SmoothL1(0.5)).loss
    'smooth_l1'
    """

    beta: float = 1.0

    target_kind: ClassVar[Kind] = "real"
    __name__: ClassVar[str] = "smooth_l1"

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", checked_number("SmoothL1 beta", self.beta, least=0))

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        d = output.element - target[output.indices]
        body: Any = Abs(d)
        if self.beta:
            body = where(Abs(d) < self.beta, d**2 / (2 * self.beta), Abs(d) - self.beta / 2)
        return Mean(body, *output.indices)


def log_cosh(output: Tensor, target: Tensor) -> Expr:
    """Return the mean of ``ln cosh(a - y)``, as ``d + softplus(-2d) - ln 2``: it does not overflow.

    Parameters
    ----------
    output, target : Tensor
        Of one shape.

    Returns
    -------
    SymPy expression
        A scalar.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 1, loss="log_cosh").loss
    'log_cosh'
    """
    d = output.element - target[output.indices]
    return Mean(d + softplus(-2 * d) - math.log(2), *output.indices)


@checks_options
@dataclass(frozen=True)
class Quantile:
    """The mean of ``max(q e, (q - 1) e)`` with ``e = y - a``: its least value is at a quantile.

    Koenker and Bassett, "Regression quantiles", 1978; also called pinball loss. As
    ``sklearn.metrics.mean_pinball_loss``.

    Parameters
    ----------
    q : float, default 0.5
        Between 0 and 1: the share of targets that lie below the output.

    Notes
    -----
    At ``e = 0`` the derivative is the mean of those on both sides, as at every tie.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 1, loss=Quantile(0.9)).loss
    'quantile'
    """

    q: float = 0.5

    target_kind: ClassVar[Kind] = "real"
    __name__: ClassVar[str] = "quantile"

    def __post_init__(self) -> None:
        q = checked_number("Quantile q", self.q, least=0, below=1, open=True)
        object.__setattr__(self, "q", q)

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        e = target[output.indices] - output.element
        return Mean(maximum(self.q * e, (self.q - 1) * e), *output.indices)


@checks_options
@dataclass(frozen=True)
class PoissonNLL:
    """The mean of ``exp(a) - y a``: counts y with the rate exp(a), as ``torch.nn.PoissonNLLLoss``.

    Parameters
    ----------
    log_input : bool, default True
        Whether the output is the logarithm of the rate; else the cost is ``a - y ln(a + eps)``.
    full : bool, default False
        Whether Stirling's approximation of ``ln y!`` is added for y > 1; it has no gradient.
    eps : float, default 1e-8
        Keeps the logarithm finite.

    Examples
    --------
    >>> import symbp as bp
    >>> print(bp.mlp(3, 1, loss="poisson").equations[-1])
    C = Sum(exp(z1[n, j]) - y[n, j]*z1[n, j], n, j)/N
    """

    log_input: bool = True
    full: bool = False
    eps: float = 1e-8

    target_kind: ClassVar[Kind] = "real"
    __name__: ClassVar[str] = "poisson"

    def __post_init__(self) -> None:
        checked_flag("PoissonNLL log_input", self.log_input)
        checked_flag("PoissonNLL full", self.full)
        object.__setattr__(self, "eps", checked_number("PoissonNLL eps", self.eps, least=0))

    def __call__(self, output: Tensor, target: Tensor) -> Expr:
        """Return the cost of an output and a target, two tensors of one shape."""
        a, y = output.element, target[output.indices]
        body: Any = exp(a) - y * a if self.log_input else a - y * log(a + self.eps)
        if self.full:
            stirling = y * log(y) - y + log(2 * math.pi * y) / 2
            body = body + where(y > 1, stirling, 0)
        return Mean(body, *output.indices)


def gaussian_nll(
    mean: Tensor, target: Tensor, variance: Tensor, full: bool = False, eps: float = 1e-6
) -> Expr:
    """Return the mean of ``(ln v + (m - y)²/v)/2`` with ``v = max(variance, eps)``.

    As ``torch.nn.GaussianNLLLoss``, but for the gradient of a variance below eps: 0, and there that
    at eps.

    Parameters
    ----------
    mean, target, variance : Tensor
        Of one shape.
    full : bool, default False
        Whether ``ln(2π)/2`` is added.
    eps : float, default 1e-6
        The least variance.

    Returns
    -------
    SymPy expression
        A scalar.

    Examples
    --------
    >>> import symbp as bp
    >>> n, j = bp.indices("n j", "N", 2)
    >>> m, v, y = bp.tensor("m", n, j), bp.tensor("v", n, j), bp.target("y", n, j)
    >>> bp.Equation(bp.tensor("C"), gaussian_nll(m, y, v)).lhs
    C
    """
    eps = checked_number("gaussian_nll eps", eps, least=0, open=True)
    checked_alike("gaussian_nll", mean, target, variance)
    at = mean.indices
    v = maximum(variance[at], eps)
    body = (log(v) + (mean[at] - target[at]) ** 2 / v) / 2
    constant = math.log(2 * math.pi) / 2 if checked_flag("gaussian_nll full", full) else 0
    return Mean(body + constant, *at)


@checks_options
@dataclass(frozen=True)
class GaussianNLL:
    """The negative logarithm of a Gaussian's density, its mean and variance both outputs.

    The first half of the outputs are means m, the second half logarithms s of variances: the mean
    of ``(s + (m - y)² exp(-s))/2`` (Nix and Weigend, "Estimating the mean and variance of the
    target probability distribution", 1994). The targets are half as many as the outputs.

    Parameters
    ----------
    full : bool, default False
        Whether ``ln(2π)/2`` is added.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.mlp(3, 2, loss=GaussianNLL())
    >>> net.targets[0].shape
    (N, 1)
    """

    full: bool = False

    target_kind: ClassVar[Kind] = "real"
    __name__: ClassVar[str] = "gaussian_nll"

    def __post_init__(self) -> None:
        checked_flag("GaussianNLL full", self.full)

    def target(self, output: Tensor) -> Tensor:
        """Return the target: half as wide as the output."""
        *outer, last = output.indices
        outputs = checked_number_of("outputs", "GaussianNLL", last.extent)
        if outputs % 2:
            raise SymbpError(
                f"GaussianNLL: expected an even number of outputs, means and logarithms of "
                f"variances, got {outputs}"
            )
        return target_tensor("y", *outer, Index("j", outputs // 2), symbol="y")

    def __call__(self, output: Tensor, target: Tensor) -> tuple[list[Equation], Expr]:
        """Return the two halves, and the cost of an output and a target half as wide."""
        *outer, j = target.indices
        a = Index("a", 2)
        u = tensor("halves", *outer, a, j, symbol="u")
        split = Equation(u.element, output[(*outer, int(j.extent) * a + j)])
        m, s = u[(*outer, 0, j)], u[(*outer, 1, j)]
        body: Any = (s + (m - target[target.indices]) ** 2 * exp(-s)) / 2
        if self.full:
            body = body + math.log(2 * math.pi) / 2
        return [split], Mean(body, *target.indices)
