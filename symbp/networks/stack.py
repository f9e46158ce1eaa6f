"""Layers in a row, each of which reads what the one before it defines: networks and blocks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from symbp.networks.layers import Activation, Layer, known_layers
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.tensor import Kind, Tensor

__all__ = ["checked_layers", "depth", "name_of", "source_kinds", "stacked"]

Sources = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class _FromFunction:
    """A layer that is a function of the source and the number."""

    function: Callable[..., Any]

    def equations(self, source: Any, number: int) -> Any:
        return self.function(source, number)


def checked_layers(owner: str, layers: object) -> tuple[Layer, ...]:
    """Return layers as a tuple; raise :class:`SymbpError` where one of them is none.

    Parameters
    ----------
    owner : str
        What has the layers, named in the message.
    layers : iterable of Layer or callable
        A callable is a layer: ``function(source, number)`` returns what
        :meth:`~symbp.networks.layers.Layer.equations` does.
    """
    if not isinstance(layers, Iterable) or isinstance(layers, str):
        raise SymbpError(f"{owner}: expected a list of layers such as bp.Dense(30), got {layers!r}")
    return tuple(_checked_layer(position, layer) for position, layer in enumerate(layers, start=1))


def _checked_layer(position: int, value: object) -> Layer:
    if isinstance(value, Layer) and not isinstance(value, type):
        return value
    if callable(value) and not isinstance(value, type):
        return _FromFunction(value)
    named = isinstance(value, str)
    known = known_layers()
    near = suggest(str(value), known) if named else f"known: {', '.join(sorted(known))}"
    raise SymbpError(
        f"layer {position}: expected a layer such as bp.Dense(30), got {value!r}; {near}"
    )


def name_of(layer: Layer) -> str:
    """Return what a layer is called in messages: its class, or the function that it is."""
    if isinstance(layer, _FromFunction):
        return getattr(layer.function, "__name__", "own")
    return type(layer).__name__


def depth(layers: Iterable[Layer]) -> int:
    """Return how many numbers layers take: one each, unless a layer says otherwise."""
    return sum(getattr(layer, "depth", 1) for layer in layers)


def source_kinds(layers: Sequence[Layer], count: int) -> tuple[Kind, ...]:
    """Return the kinds of the tensors that layers read: ``"integer"`` where they are subscripts.

    Parameters
    ----------
    layers : sequence of Layer
        In order; the first says it, by an attribute ``source_kind``, a tuple where it has branches.
    count : int
        How many tensors they read.
    """
    kind: Any = getattr(layers[0], "source_kind", "real") if layers else "real"
    if isinstance(kind, str):
        return cast(tuple[Kind, ...], (kind,) * count)
    if len(kind) == count:
        return tuple(kind)
    # One source for all branches.
    return (kind[0] if len(set(kind)) == 1 else "real",) * count


def stacked(
    layers: Sequence[Layer], source: Sources, number: int
) -> tuple[list[Equation], Tensor, int]:
    """Return the equations of layers in a row, their output, and the last number taken.

    Parameters
    ----------
    layers : sequence of Layer
        In order from the source.
    source : Tensor
        What the first of them reads; a tuple of several if that takes several.
    number : int
        That of the layer before the first.
    """
    equations: list[Equation] = []
    for layer in layers:
        # An Activation after a linear layer completes it and shares its number.
        completes = (
            isinstance(layer, Activation)
            and isinstance(source, Tensor)
            and source.name == f"z{number}"
        )
        first = number if completes else number + 1
        made = layer.equations(source, first)  # type: ignore[arg-type]
        if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], Tensor)):
            raise SymbpError(
                f"layer {name_of(layer)}: equations(source, number) must return a list of "
                f"equations and the output tensor, got {made!r}"
            )
        for each in made[0]:
            if not isinstance(each, Equation):
                raise SymbpError(f"layer {name_of(layer)}: expected equations, got {each!r}")
        added, source = made
        equations.extend(added)
        number = first + depth([layer]) - 1
    if not isinstance(source, Tensor):
        raise SymbpError(
            f"several inputs ({', '.join(tensor.name for tensor in source)}) and no layer that "
            f"takes them; expected bp.Concatenate first"
        )
    return equations, source, number
