"""Embeddings of words, and of places in a sequence."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy

from symbp.networks.layers import checked_initial, library_layer
from symbp.networks.options import checked_number, checked_size
from symbp.networks.shapes import checked_flag, checked_source
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.standard import cos, exp, sin
from symbp.notation.tensor import Initial, Kind, Tensor

__all__ = ["Embedding", "PositionalEncoding"]


@library_layer
@dataclass(frozen=True)
class Embedding:
    """A row of a table for each word, as ``torch.nn.Embedding``.

    Parameters
    ----------
    num_embeddings : int
        The number of words; the source holds integers from 0 up to it.
    embedding_dim : int
        The number of values of a row.
    initial : tuple, optional
        How the table starts: normal with standard deviation 1 unless given.

    Examples
    --------
    >>> import symbp as bp
    >>> word = bp.input("word", *bp.indices("n t", "N", 5), kind="integer")
    >>> print(*Embedding(100, 8).equations(word, 1)[0])
    a1[n, t, j] = E1[word[n, t], j]
    """

    num_embeddings: int
    embedding_dim: int
    initial: Initial | None = None

    source_kind: ClassVar[Kind] = "integer"

    def __post_init__(self) -> None:
        for name in ("num_embeddings", "embedding_dim"):
            object.__setattr__(self, name, checked_size(f"Embedding {name}", getattr(self, name)))
        if self.initial is not None:
            object.__setattr__(self, "initial", checked_initial("Embedding", self.initial))

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation that reads the rows.

        Parameters
        ----------
        source : Tensor
            Integers, of any shape.
        number : int
            Counts the layers from 1.
        """
        if not isinstance(source, Tensor) or source.kind != "integer":
            name = getattr(source, "name", source)
            raise SymbpError(
                f"Embedding: it reads integers, but {name} holds real numbers; it comes first in a "
                f"network, or its input is declared with kind='integer'"
            )
        m, j = Index("m", self.num_embeddings), Index("j", self.embedding_dim)
        table = parameter(
            f"E{number}", m, j, symbol="E", label=number + 1,
            initial=self.initial or ("normal", 1.0),
        )  # fmt: skip
        a = tensor(f"a{number}", *source.indices, j, symbol="a", label=number + 1)
        return [Equation(a.element, table[source.element, j])], a


@library_layer
@dataclass(frozen=True)
class PositionalEncoding:
    r"""What tells the steps of a sequence apart is added to them.

    ``sin(t/10000^(j/d))`` for even ``j`` of ``d``, and the cosine of the same for the next
    (Vaswani et al., "Attention is all you need", 2017, section 3.5); or a row of a table for each
    step, which is learnt.

    Parameters
    ----------
    learned : bool, default False
        Whether the rows are parameters.
    base : float, default 10000
        The longest wavelength is 2π times it.
    initial : tuple, optional
        How a table starts: normal with standard deviation 1 unless given, as
        ``torch.nn.Embedding``.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n t j", "N", 5, 8))
    >>> print(*PositionalEncoding(learned=True).equations(x, 1)[0])
    a1[n, t, j] = x[n, t, j] + P1[t, j]
    """

    learned: bool = False
    base: float = 10000.0
    initial: Initial | None = None

    def __post_init__(self) -> None:
        checked_flag("PositionalEncoding learned", self.learned)
        base = checked_number("PositionalEncoding base", self.base, least=0, open=True)
        object.__setattr__(self, "base", base)
        if self.initial is not None:
            initial = checked_initial("PositionalEncoding", self.initial)
            object.__setattr__(self, "initial", initial)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equation of the sum.

        Parameters
        ----------
        source : Tensor
            Of shape (N, steps, features).
        number : int
            Counts the layers from 1.
        """
        steps, features = checked_source("PositionalEncoding", source, "steps", "features")
        n = source.indices[0]
        t, j = Index("t", steps), Index("j", features)
        a = tensor(f"a{number}", n, t, j, symbol="a", label=number + 1)
        if self.learned:
            initial = self.initial or ("normal", 1.0)
            P = parameter(f"P{number}", t, j, symbol="P", label=number + 1, initial=initial)
            return [Equation(a.element, source[n, t, j] + P[t, j])], a
        place = tensor(f"place{number}", t, j, symbol="p", label=number + 1)
        pair: Any = j - sympy.Mod(j, 2)
        angle = t * exp(-(math.log(self.base) / features) * pair)
        wave = where(sympy.Eq(sympy.Mod(j, 2), 0), sin(angle), cos(angle))
        return [
            Equation(place.element, wave),
            Equation(a.element, source[n, t, j] + place[t, j]),
        ], a
