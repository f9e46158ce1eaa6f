"""Layers with noise: drawn anew in each step of the training, and gone at inference."""

from dataclasses import dataclass

from symbp.networks.layers import library_layer
from symbp.networks.options import checked_number
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.laws import exact
from symbp.notation.noise import noise
from symbp.notation.tensor import Tensor

__all__ = ["Dropout", "GaussianNoise"]


@library_layer
@dataclass(frozen=True)
class Dropout:
    """Set each element of the source to zero with a probability, while training.

    What is kept is divided by the probability of being kept, so that the mean stays what it was
    (inverted dropout, as ``torch.nn.Dropout``); at inference the layer is the identity. Srivastava
    et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    Parameters
    ----------
    p : float, default 0.5
        The probability of zero, from 0 to below 1.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.Network([bp.Dense(30, "relu"), bp.Dropout(0.2), bp.Dense(10)], input=64)
    >>> print(net.equations[2])
    a2[n, j] = 5*a1[n, j]*keep2[n, j]/4
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        checked_number("Dropout p", self.p, least=0, below=1)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return ``a = source · keep / (1 - p)`` and ``a``, of the shape of the source."""
        kept = 1 - exact(self.p)
        keep = noise(
            f"keep{number}", *source.indices, law="bernoulli", probability=float(kept),
            symbol="r", label=number + 1,
        )  # fmt: skip
        a = tensor(f"a{number}", *source.indices, symbol="a", label=number + 1)
        # The factor is one number at inference, and that number is 1.
        return [Equation(a.element, source.element * (keep.element / kept))], a


@library_layer
@dataclass(frozen=True)
class GaussianNoise:
    """Add normal noise of mean 0 to each element of the source, while training.

    Parameters
    ----------
    scale : float
        The standard deviation, 0 or more.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.Network([bp.GaussianNoise(0.1), bp.Dense(10)], input=64)
    >>> print(net.equations[0])
    a1[n, k] = x[n, k] + e1[n, k]
    """

    scale: float

    def __post_init__(self) -> None:
        checked_number("GaussianNoise scale", self.scale, least=0)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return ``a = source + e`` and ``a``, of the shape of the source."""
        e = noise(
            f"e{number}", *source.indices, scale=float(self.scale), symbol=r"\varepsilon",
            label=number + 1,
        )  # fmt: skip
        a = tensor(f"a{number}", *source.indices, symbol="a", label=number + 1)
        return [Equation(a.element, source.element + e.element)], a
