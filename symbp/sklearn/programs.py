"""From an estimator's arguments to a program, and to the module that trains it.

Compiling takes seconds and a fit of a small table takes less, so that modules are kept: in this
process by what they were made from, on disk by their text. All numbers that a search over
hyperparameters varies (learning rate, ``alpha``, weights of examples) are arguments of a module.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from sympy.core.expr import Expr

from symbp.compiler import compile
from symbp.networks.blocks import Concatenate
from symbp.networks.dropout import Dropout
from symbp.networks.embedding import Embedding
from symbp.networks.flatten import Flatten
from symbp.networks.layers import Dense, Layer
from symbp.networks.network import Network
from symbp.networks.optimizer import Optimizer
from symbp.networks.optimizers import checked_optimizer, named_optimizer
from symbp.networks.options import checked_number, checked_size
from symbp.notation.arithmetic import Plus
from symbp.notation.declarations import target
from symbp.notation.errors import SymbpError
from symbp.notation.program import Program
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Initial, Tensor

__all__ = ["STRENGTH", "WEIGHT", "Compiled", "Design", "compiled", "split_rate"]

#: The targets that are not the one to predict.
WEIGHT, STRENGTH = "sample_weight", "l2_strength"
# Of a module that is kept: another one is given to the trainer.
_RATE = 0.01
# How vectors of categories start: near zero, so that one that is never seen says little.
_VECTORS: Initial = ("normal", 0.1)
_MOST = 64


class Strength:
    """The penalty of :class:`symbp.L2`, with a strength that is an argument of the module."""

    def term(self, weights: Iterable[Tensor]) -> Expr:
        """Return the penalty as a term of the cost."""
        strength = target(STRENGTH, symbol=r"\lambda").element
        return Plus(*(strength / 2 * Sum(w.element**2, *w.indices) for w in weights))


@dataclass(frozen=True)
class Design:
    """What a network is made from, apart from what is learnt.

    Attributes
    ----------
    layers : tuple or callable
        Units of the hidden layers, hidden layers, or a function of the numbers of features and
        outputs that returns a program.
    features, outputs : int
        The sizes of an example and of what is predicted.
    activation, output : str or callable
        Of the hidden layers that are given by their units, and of the last layer.
    loss : str or callable
        As for :class:`symbp.Network`.
    dropout : float
        Behind each hidden layer that is given by its units.
    penalised, weighted : bool
        Whether the module takes a strength of the penalty, and a weight for each example.
    hidden : bool
        Whether the module computes what the last layer reads.
    categories : tuple of (int, int)
        Of each column of codes the number of categories, and how long their vectors are.
    """

    layers: Any
    features: int
    outputs: int
    activation: Any
    output: Any
    loss: Any
    dropout: float
    penalised: bool
    weighted: bool
    hidden: bool = False
    categories: tuple[tuple[int, int], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is made of numbers and names alone, so that two equal ones are the same."""
        names = (self.activation, self.output, self.loss)
        return (
            isinstance(self.layers, tuple)
            and all(isinstance(units, int) for units in self.layers)
            and all(isinstance(name, str) for name in names)
        )

    def program(self) -> Program:
        """Return the program."""
        if callable(self.layers) and not isinstance(self.layers, Layer):
            return self._given(self.layers)
        made, shapes = self._front()
        inputs: int | None = self.features + sum(size for _, size in self.categories)
        for layer in self.layers:
            if isinstance(layer, int):
                made.append(Dense(layer, self.activation, initial=_start(inputs, layer)))
                made += [Dropout(self.dropout)] * (self.dropout > 0)
                inputs = layer
            else:
                made.append(layer)
                inputs = layer.units if isinstance(layer, Dense) else None
        made.append(Dense(self.outputs, self.output, initial=_start(inputs, self.outputs)))
        return Network(
            made,
            input=shapes,
            loss=self.loss,
            penalty=Strength() if self.penalised else None,
            sample_weight=self.weighted,
        )

    def _front(self) -> tuple[list[Any], Any]:
        """Return the layers that make one vector of what is read, and its shapes."""
        if not self.categories:
            return [], self.features
        branches: list[list[Any]] = [[]] if self.features else []
        shapes: dict[str, Any] = {"x": self.features} if self.features else {}
        for number, (count, size) in enumerate(self.categories, start=1):
            branches.append([Embedding(count, size, initial=_VECTORS), Flatten()])
            shapes[f"category_{number}"] = (1,)
        if len(branches) == 1:
            return branches[0], (1,)
        return [Concatenate(*branches)], shapes

    def _given(self, layers: Callable[[int, int], Any]) -> Program:
        if self.categories:
            raise SymbpError(
                "categorical_features: a function that returns a program says itself what it reads"
            )
        program = layers(self.features, self.outputs)
        if not isinstance(program, Program):
            raise SymbpError(
                f"layers: expected the function to return a bp.Program or bp.Network, got "
                f"{type(program).__name__}"
            )
        if len(program.inputs) != 1 or program.output is None:
            raise SymbpError("layers: expected a program with one input and an output")
        names = [tensor.name for tensor in program.targets]
        if self.weighted and WEIGHT not in names:
            raise SymbpError(
                "sample_weight: the program takes none; bp.Network(…, sample_weight=True) does"
            )
        return program


def _start(inputs: int | None, outputs: int) -> Initial | None:
    """Return how weights start, where both sizes are known: as in scikit-learn's networks.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    2010, eq. (16). On tables it gave better scores than wider starts.
    """
    return None if inputs is None else ("uniform", math.sqrt(6 / (inputs + outputs)))


@dataclass(frozen=True)
class Compiled:
    """A program, its module, and the name of the tensor that its last layer reads."""

    program: Program
    module: Any
    hidden: str | None


def checked_design(design: Design) -> Design:
    """Return a design whose arguments were looked at; raise for what no network can be made of."""
    layers = design.layers
    if not (callable(layers) and not isinstance(layers, Layer)):
        if isinstance(layers, int) and not isinstance(layers, bool):
            layers = (layers,)
        if not isinstance(layers, Sequence) or isinstance(layers, str):
            raise SymbpError(
                f"layers: expected units such as (64, 32), a list of layers, or a function that "
                f"returns a program, got {layers!r}"
            )
        layers = tuple(
            layer if isinstance(layer, Layer) else checked_size("layers: units", layer)
            for layer in layers
        )
    dropout = checked_number("dropout", design.dropout, least=0, below=1)
    return replace(design, layers=layers, dropout=dropout)


def split_rate(optimizer: Any, learning_rate: float | None) -> tuple[Optimizer, dict[str, float]]:
    """Return an optimizer with a fixed rate, and the rate that its trainer is given.

    Parameters
    ----------
    optimizer : Optimizer or str
        As for :func:`symbp.compile`.
    learning_rate : float, optional
        Of an optimizer that is given by its name.
    """
    if isinstance(optimizer, str):
        checked_optimizer(optimizer)
        chosen = named_optimizer(optimizer, learning_rate)
    else:
        chosen = checked_optimizer(optimizer)
        if learning_rate is not None:
            raise SymbpError(
                f"learning_rate: it stands in the optimizer, {chosen!r}; leave it out, or give "
                f"the optimizer by its name"
            )
    rate = getattr(chosen, "learning_rate", None)
    if not isinstance(rate, float | int):
        return chosen, {}
    return replace(chosen, learning_rate=_RATE), {"learning_rate": float(rate)}  # type: ignore[type-var]


_kept: "OrderedDict[Any, Compiled]" = OrderedDict()
_lock = threading.RLock()


def compiled(design: Design, optimizer: Optimizer, dtype: str) -> Compiled:
    """Return the program and the module of a design, made once for equal ones.

    Parameters
    ----------
    design : Design
        Checked by :func:`checked_design`.
    optimizer : Optimizer
        With a fixed rate, see :func:`split_rate`.
    dtype : {"float32", "float64"}
        The precision.
    """
    # Functions and classes of a user may change under the same name: then the text tells.
    if not (design.is_plain and _is_library(optimizer)):
        return _made(design, optimizer, dtype)
    key = design, repr(optimizer), dtype
    with _lock:
        found = _kept.get(key)
        if found is None:
            found = _kept[key] = _made(design, optimizer, dtype)
            if len(_kept) > _MOST:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
    return found


def _made(design: Design, optimizer: Optimizer, dtype: str) -> Compiled:
    program = design.program()
    hidden = _read_by_output(program) if design.hidden else None
    outputs = () if hidden is None else (hidden,)
    trainer = compile(program, optimizer, dtype, outputs=outputs)
    return Compiled(program, trainer.module, hidden)


def _is_library(optimizer: object) -> bool:
    """Whether an optimizer, and what it is made of, are those of symbp."""
    if not is_dataclass(optimizer):
        return isinstance(optimizer, int | float | str | None)
    inside = type(optimizer).__module__.startswith("symbp.networks.")
    return inside and all(_is_library(getattr(optimizer, f.name)) for f in fields(optimizer))


def _read_by_output(program: Program) -> str:
    """Return the name of the tensor that the equation of the output reads."""
    (made,) = (eq for eq in program.equations if eq.tensor is program.output)
    while True:
        read = {e.tensor: None for e in made.reads() if e.tensor.role != "parameter"}
        (source,) = (t for t in read if t.indices[:1])
        found = [eq for eq in program.equations if eq.tensor is source]
        # The activation of the last layer is a step of its own.
        if any(e.tensor.role == "parameter" for e in made.reads()):
            if not found:
                raise SymbpError("transform: the network has no hidden layer")
            return source.name
        (made,) = found
