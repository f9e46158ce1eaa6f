"""Layers that hold others: a residual around them, or branches side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symbp.networks.joining import end_to_end
from symbp.networks.layers import Layer, library_layer
from symbp.networks.shapes import checked_number_of
from symbp.networks.stack import checked_layers, depth, source_kinds, stacked
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["Concatenate", "Residual"]


@library_layer
@dataclass(frozen=True, init=False)
class Residual:
    r"""What layers make of the source, added to it: ``r = x + f(x)``.

    He et al., "Deep residual learning for image recognition", 2016.

    Parameters
    ----------
    *layers : Layer
        In order; the last has the shape of the source. They are numbered from that of the block
        on, and the sum has the number behind theirs.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.Network([bp.Dense(8, "relu"), Residual(bp.Dense(8, "tanh")), bp.Dense(3)], input=4)
    >>> print(*net.equations[2:5], sep="\n")
    z2[n, j] = Sum(W2[j, k]*a1[n, k], k) + b2[j]
    a2[n, j] = tanh(z2[n, j])
    r3[n, j] = a1[n, j] + a2[n, j]
    """

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Any) -> None:
        checked = checked_layers("Residual", layers)
        if not checked:
            raise SymbpError("Residual: expected layers such as bp.Dense(8, 'relu'), got none")
        object.__setattr__(self, "layers", checked)

    @property
    def depth(self) -> int:
        """How many numbers it takes: those of its layers, and one for the sum."""
        return depth(self.layers) + 1

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equations of the layers and the sum.

        Parameters
        ----------
        source : Tensor
            Of any shape.
        number : int
            That of the first of the layers.
        """
        equations, made, _ = stacked(self.layers, source, number - 1)
        if made.shape != source.shape:
            raise SymbpError(
                f"Residual: its layers make ({', '.join(map(str, made.shape))}) of "
                f"({', '.join(map(str, source.shape))}); expected the same shape"
            )
        place = number + self.depth - 1
        # Named alike, whatever the layers call their indices, and no longer time.
        indices = [
            index if axis == 0 else Index(index.name, index.extent)
            for axis, index in enumerate(source.indices)
        ]
        r = tensor(f"r{place}", *indices, symbol="r", label=place + 1)
        body = source[tuple(indices)] + made[tuple(indices)]
        return [*equations, Equation(r.element, body)], r


@library_layer
@dataclass(frozen=True, init=False)
class Concatenate:
    r"""Branches side by side, their outputs end to end.

    Parameters
    ----------
    *branches : list of Layer
        Each reads the source; where there are several sources, each reads its own, in their
        order. An empty list passes its source on.
    axis : int, default -1
        Along which the outputs lie end to end, that of the examples counted; all other extents
        are the same.

    Examples
    --------
    >>> import symbp as bp
    >>> both = Concatenate([bp.Embedding(20, 4), bp.Flatten()], [])
    >>> net = bp.Network([both, bp.Dense(2)], input={"words": (3,), "numbers": 5})
    >>> print(net.equations[2])
    a3[n, j] = where(j < 12, a2[n, j], numbers[n, j - 12])
    """

    branches: tuple[tuple[Layer, ...], ...]
    axis: int

    def __init__(self, *branches: Sequence[Any], axis: int = -1) -> None:
        if len(branches) < 2:
            raise SymbpError(
                f"Concatenate: expected two lists of layers at least, got {len(branches)}"
            )
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise SymbpError(f"Concatenate axis: expected an int, got {axis!r}")
        checked = tuple(checked_layers("Concatenate", branch) for branch in branches)
        object.__setattr__(self, "branches", checked)
        object.__setattr__(self, "axis", axis)

    @property
    def depth(self) -> int:
        """How many numbers it takes: those of all branches, and one for what they make."""
        return sum(map(depth, self.branches)) + 1

    @property
    def source_kind(self) -> tuple[str, ...]:
        """The kind of tensor that each branch reads."""
        return tuple(source_kinds(branch, 1)[0] for branch in self.branches)

    def equations(self, source: Any, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equations of the branches and of what they make.

        Parameters
        ----------
        source : Tensor or sequence of Tensor
            One for all branches, or one for each.
        number : int
            That of the first layer of the first branch.
        """
        sources = tuple(source) if isinstance(source, (tuple, list)) else (source,)
        if len(sources) == 1:
            sources = sources * len(self.branches)
        if len(sources) != len(self.branches):
            raise SymbpError(
                f"Concatenate: expected a branch for each of the {len(sources)} inputs, got "
                f"{len(self.branches)}"
            )
        equations: list[Equation] = []
        made, last = [], number - 1
        for branch, given in zip(self.branches, sources, strict=True):
            added, output, _ = stacked(branch, given, last)
            last += depth(branch)
            equations += added
            made.append(output)
        axis = self._axis(made)
        shape = made[0].indices
        outer = [i if a == 0 else Index(i.name, i.extent) for a, i in enumerate(shape[:axis])]
        inner = [Index(i.name, i.extent) for i in shape[axis + 1 :]]
        what, layer = "places along the axis", f"Concatenate axis {self.axis}"
        parts = [
            (checked_number_of(what, layer, each.shape[axis]), _read(each, outer, inner))
            for each in made
        ]
        joined, a = end_to_end(f"a{last + 1}", outer, parts, inner, symbol="a", label=last + 2)
        return [*equations, joined], a

    def _axis(self, made: Sequence[Tensor]) -> int:
        shapes = [each.shape for each in made]
        rank = len(shapes[0])
        axis = self.axis + rank if self.axis < 0 else self.axis
        shown = ", ".join(f"({', '.join(map(str, shape))})" for shape in shapes)
        if not 1 <= axis < rank:
            raise SymbpError(f"Concatenate axis {self.axis}: expected one of 1 to {rank - 1}")
        if len({(*s[:axis], None, *s[axis + 1 :]) for s in shapes}) > 1:
            raise SymbpError(
                f"Concatenate axis {self.axis}: expected the same extents along the other "
                f"axes, got {shown}"
            )
        return axis


def _read(part: Tensor, outer: Sequence[Index], inner: Sequence[Index]) -> Any:
    return lambda j: part[(*outer, j, *inner)]
