"""Batch normalisation: by the statistics of the batch in training, by running ones in use.

Its running statistics are states, whose next values are equations like all others; which of the
two statistics an example is normalised by is a condition on the phase.
"""

from dataclasses import dataclass
from typing import Any

from symbp.networks.layers import library_layer
from symbp.networks.options import checked_eps, checked_number
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import maximum, where
from symbp.notation.index import Index
from symbp.notation.phase import is_training
from symbp.notation.reductions import Mean
from symbp.notation.standard import sqrt
from symbp.notation.states import next_value, state
from symbp.notation.tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d"]


@dataclass(frozen=True)
class _BatchNorm:
    eps: float = 1e-5
    momentum: float | None = 0.1
    affine: bool = True
    track_running_stats: bool = True

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "eps", checked_eps(f"{name} eps", self.eps))
        if self.momentum is not None:
            number = checked_number(f"{name} momentum", self.momentum, least=0)
            if number > 1:
                raise SymbpError(f"{name} momentum: expected at most 1, got {self.momentum!r}")
            object.__setattr__(self, "momentum", number)
        for option in ("affine", "track_running_stats"):
            value = getattr(self, option)
            if not isinstance(value, bool):
                raise SymbpError(f"{name} {option}: expected True or False, got {value!r}")

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the statistics of the batch, what the running ones become, and the result.

        Parameters
        ----------
        source : Tensor
            Its second axis is that of the channels.
        number : int
            Counts the layers from 1.
        """
        n, channel, *others = source.indices
        # What is summed over is no longer time.
        places = [Index(index.name, index.extent) for index in others]
        c, label = Index("c" if places else "j", channel.extent), number + 1
        x = source[(n, c, *places)]
        mean = tensor(f"mean{number}", c, symbol=r"\mu", label=label)
        variance = tensor(f"variance{number}", c, symbol="v", label=label)
        equations = [
            Equation(mean[c], Mean(x, n, *places)),
            Equation(variance[c], Mean((x - mean[c]) ** 2, n, *places)),
        ]
        shift: Any = mean[c]
        scale: Any = variance[c]
        if self.track_running_stats:
            count: Any = n.extent
            for place in places:
                count = count * place.extent
            # That of one value is 0, and stays 0.
            unbiased = variance[c] * (count / maximum(count - 1, 1))
            kept, after = self._running(c, mean[c], unbiased, f"{number}", label)
            equations += after
            shift, scale = where(is_training, shift, kept[0]), where(is_training, scale, kept[1])
        body = x - shift
        if self.affine:
            gamma = _affine(f"gamma{number}", c, r"\gamma", label, 1.0)
            beta = _affine(f"beta{number}", c, r"\beta", label, 0.0)
            body = gamma[c] * body / sqrt(scale + self.eps) + beta[c]
        else:
            body = body / sqrt(scale + self.eps)
        a = tensor(f"a{number}", n, c, *places, symbol="a", label=label)
        return [*equations, Equation(a[(n, c, *places)], body)], a

    def _running(
        self, c: Index, mean: Any, variance: Any, name: str, label: int
    ) -> tuple[tuple[Any, Any], list[Equation]]:
        """Return the running statistics and the equations of what they become."""
        running_mean = state(f"running_mean{name}", c, symbol="m", label=label)
        running_var = state(f"running_var{name}", c, initial=1.0, symbol="s", label=label)
        equations = []
        weight: Any = self.momentum
        if weight is None:
            batches = state(f"num_batches_tracked{name}", symbol="t", label=label)
            counted = next_value(batches)
            equations.append(Equation(counted.element, batches.element + 1))
            weight = 1 / counted.element
        for kept, now in ((running_mean, mean), (running_var, variance)):
            body = (1 - weight) * kept[c] + weight * now
            equations.append(Equation(next_value(kept)[c], body))
        return (running_mean[c], running_var[c]), equations


def _affine(name: str, c: Index, symbol: str, label: int, initial: float) -> Tensor:
    return parameter(name, c, symbol=symbol, label=label, initial=("constant", initial))


@library_layer
@dataclass(frozen=True)
class BatchNorm1d(_BatchNorm):
    r"""Each feature with mean 0 and variance 1 over the batch, as ``torch.nn.BatchNorm1d``.

    Ioffe and Szegedy, "Batch normalization", 2015. In training the statistics are those of the
    batch, with the variance divided by the number of values; in use they are running averages,
    whose variance is unbiased, divided by one less. ``running_mean``, ``running_var`` and, without
    a momentum, ``num_batches_tracked`` are states.

    Parameters
    ----------
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        The weight of a new batch in the running statistics; None for the mean of all batches.
    affine : bool, default True
        Whether each feature is multiplied by its ``gamma``, and its ``beta`` added.
    track_running_stats : bool, default True
        Whether there are running statistics; else those of the batch are taken in use too.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n j", "N", 4))
    >>> equations, a = BatchNorm1d(momentum=0.5).equations(x, 1)
    >>> print(*equations[:-1], sep="\n")
    mean1[j] = Sum(x[n, j], n)/N
    variance1[j] = Sum((x[n, j] - mean1[j])**2, n)/N
    running_mean1_next[j] = 0.5*running_mean1[j] + 0.5*mean1[j]
    running_var1_next[j] = 0.5*running_var1[j] + 0.5*variance1[j]*(N/maximum(N - 1, 1))
    """

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the statistics of the batch, what the running ones become, and the result.

        Parameters
        ----------
        source : Tensor
            Of shape (N, features) or (N, channels, length).
        number : int
            Counts the layers from 1.
        """
        _check_axes("BatchNorm1d", source, (2, 3), "(N, features) or (N, channels, length)")
        return super().equations(source, number)


@library_layer
@dataclass(frozen=True)
class BatchNorm2d(_BatchNorm):
    """Each channel with mean 0 and variance 1 over batch and image, as ``torch.nn.BatchNorm2d``.

    See :class:`BatchNorm1d`.

    Parameters
    ----------
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        The weight of a new batch in the running statistics; None for the mean of all batches.
    affine : bool, default True
        Whether each channel is multiplied by its ``gamma``, and its ``beta`` added.
    track_running_stats : bool, default True
        Whether there are running statistics; else those of the batch are taken in use too.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n c h w", "N", 3, 8, 8))
    >>> BatchNorm2d().equations(x, 1)[1].shape
    (N, 3, 8, 8)
    """

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the statistics of the batch, what the running ones become, and the result.

        Parameters
        ----------
        source : Tensor
            Of shape (N, channels, height, width).
        number : int
            Counts the layers from 1.
        """
        _check_axes("BatchNorm2d", source, (4,), "(N, channels, height, width)")
        return super().equations(source, number)


def _check_axes(layer: str, source: Any, ranks: tuple[int, ...], shape: str) -> None:
    if not isinstance(source, Tensor):
        raise SymbpError(f"{layer}: expected a tensor to read, got {source!r}")
    if source.rank not in ranks:
        came = ", ".join(map(str, source.shape))
        raise SymbpError(f"{layer}: expected a source of shape {shape}, got ({came})")
