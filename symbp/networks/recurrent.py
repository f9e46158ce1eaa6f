"""Recurrent layers: RNN, LSTM and GRU, in one or both directions, one above the other.

Each step reads the one before it, ``h[n, t - 1]``, or the one after it in the other direction;
before the first there is 0. The weights of all gates are one matrix, in PyTorch's order, so that
the products with the inputs of all steps are one.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from symbp.networks.joining import end_to_end
from symbp.networks.layers import library_layer
from symbp.networks.lengths import checked_lengths, kept_steps
from symbp.networks.options import checked_size, warn_of_a_size_too_many
from symbp.networks.shapes import checked_flag, checked_source
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.functions import relu, sigmoid, where
from symbp.notation.index import Index
from symbp.notation.reductions import Sum
from symbp.notation.standard import tanh
from symbp.notation.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN"]


@dataclass(frozen=True)
class _Direction:
    """One layer in one direction: its parameters, and what each step reads of the one before."""

    source: Tensor
    t: Index
    units: int
    gates: int
    bias: bool
    backwards: bool
    name: str
    """What the names of its tensors end in, such as ``2_l0`` or ``2_l0_reverse``."""
    label: str
    lengths: Tensor | None = None

    def parameters(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Return ``W``, ``U`` and the two biases, declared in PyTorch's order."""
        number, _, rest = self.name.partition("_")
        bound = ("uniform", 1 / math.sqrt(self.units))
        g = Index("g", self.gates * self.units)
        inputs, k = Index("m", self.source.shape[-1]), Index("k", self.units)

        def declared(name: str, symbol: str, *indices: Index) -> Tensor:
            name = f"{name[0]}{number}{name[1:]}_{rest}"
            return parameter(name, *indices, symbol=symbol, label=self.label, initial=bound)

        W, U = declared("W_ih", "w", g, inputs), declared("W_hh", "u", g, k)
        if not self.bias:
            return W, U, None, None
        return W, U, declared("b_ih", "b", g), declared("b_hh", "d", g)

    def tensor(self, name: str, units: int, symbol: str) -> Tensor:
        n = self.source.indices[0]
        index = Index("j" if units == self.units else "g", units)
        return tensor(f"{name}{self.name}", n, self.t, index, symbol=symbol, label=self.label)

    def by_gate(self, rows: Tensor, symbol: str) -> tuple[Equation, Tensor]:
        """Return the rows of all gates with an index for the gate, and that equation."""
        # Rows that were read by gate in the product would keep it from being a product of matrices:
        # with 64 units it took four times as long.
        n, t, _ = rows.indices
        a, j = Index("a", self.gates), Index("j", self.units)
        z = tensor(f"{symbol}{self.name}", n, t, a, j, symbol=symbol, label=self.label)
        return Equation(z.element, rows[n, t, self.units * a + j]), z

    def before(self, value: Any) -> Any:
        """Return a value of the last step, 0 where there is none.

        Parameters
        ----------
        value : callable
            Maps the last step to the value.
        """
        last = self.t.extent - 1
        if self.backwards:
            return where(self.t < last, value(self.t + 1), 0)
        return where(self.t > 0, value(self.t - 1), 0)

    def kept(self, value: Any) -> Any:
        """Return what a step gives, 0 behind the example's last one.

        So the other direction begins with 0 at each example's own last step.
        """
        return kept_steps(self.lengths, self.source.indices[0], self.t, value)

    def of_inputs(self, W: Tensor, b: Tensor | None, g: Any) -> Any:
        n, m = self.source.indices[0], W.indices[1]
        body: Any = Sum(W[g, m] * self.source[n, self.t, m], m)
        return body if b is None else body + b[g]

    def of_states(self, U: Tensor, d: Tensor | None, h: Tensor, g: Any) -> Any:
        n, k = self.source.indices[0], U.indices[1]
        body = self.before(lambda step: Sum(U[g, k] * h[n, step, k], k))
        return body if d is None else body + d[g]


@dataclass(frozen=True)
class _Recurrent:
    """What the three have in common: layers one above the other, and both directions."""

    hidden_size: int
    num_layers: int = 1
    bias: bool = True
    bidirectional: bool = False
    last: bool = False
    lengths: Tensor | None = None

    gates: ClassVar[int]

    def __post_init__(self) -> None:
        name = type(self).__name__
        for size in ("hidden_size", "num_layers"):
            object.__setattr__(self, size, checked_size(f"{name} {size}", getattr(self, size)))
        for flag in ("bias", "bidirectional", "last"):
            checked_flag(f"{name} {flag}", getattr(self, flag))
        checked_lengths(name, self.lengths)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equations of all layers and directions.

        Parameters
        ----------
        source : Tensor
            Of shape (N, steps, features).
        number : int
            Counts the layers from 1.

        Returns
        -------
        list of Equation
            For each layer and direction, those of its gates and its state.
        Tensor
            The states of the last layer, of shape (N, steps, units), or (N, units) where only the
            last is asked for; twice as many units for both directions.
        """
        steps, features = checked_source(type(self).__name__, source, "steps", "features")
        if self.hidden_size == features and self.num_layers >= 8:
            warn_of_a_size_too_many(
                type(self).__name__, "number of features",
                f"hidden_size={features}, num_layers={self.num_layers}", f"{self.num_layers}",
            )  # fmt: skip
        if isinstance(steps, int) and steps < 2:
            raise SymbpError(f"{type(self).__name__}: expected two steps at least, got {steps}")
        n, t = source.indices[:2]
        checked_lengths(type(self).__name__, self.lengths, n)
        end = steps - 1 if self.lengths is None else self.lengths[n] - 1
        if not t.sequential:
            t = Index("t", steps, sequential=True)
        H = self.hidden_size
        equations: list[Equation] = []
        for layer in range(self.num_layers):
            label = f"{number + 1}.{layer + 1}" if self.num_layers > 1 else f"{number + 1}"
            states = []
            for backwards in (False, True)[: 1 + self.bidirectional]:
                name = f"{number}_l{layer}" + "_reverse" * backwards
                own = label + "r" * backwards
                made, h = self._direction(
                    _Direction(
                        source, t, H, self.gates, self.bias, backwards, name, own, self.lengths
                    )
                )
                equations += made
                states.append((h, 0 if backwards else end))
            above = layer + 1 < self.num_layers
            if len(states) == 1 and (above or not self.last):
                source = states[0][0]
            else:
                outer = (n,) if self.last and not above else (n, t)
                equation, source = end_to_end(
                    f"h{number}_l{layer}_both" if above else f"h{number}",
                    outer,
                    [(H, _state(h, n, end if len(outer) == 1 else t)) for h, end in states],
                    # What the layer gives of its last states is an activation as of any layer.
                    symbol="h" if len(outer) == 2 else "a",
                    label=f"{label}b" if above else f"{number + 1}",
                )
                equations.append(equation)
        return equations, source

    def _direction(self, d: _Direction) -> tuple[list[Equation], Tensor]:
        raise NotImplementedError


def _state(h: Tensor, n: Index, step: Any) -> Any:
    return lambda j: h[n, step, j]


@library_layer
@dataclass(frozen=True)
class RNN(_Recurrent):
    r"""A recurrent layer ``h[t] = tanh(W x[t] + b + U h[t-1] + d)``, as ``torch.nn.RNN``.

    Elman, "Finding structure in time", 1990. Parameters as in :class:`LSTM`, and

    Parameters
    ----------
    nonlinearity : {"tanh", "relu"}
        The activation.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n t m", "N", 5, 2))
    >>> equations, h = RNN(3, bidirectional=True).equations(x, 1)
    >>> print(equations[-1])
    h1[n, t, j] = where(j < 3, h1_l0[n, t, j], h1_l0_reverse[n, t, j - 3])
    """

    nonlinearity: str = "tanh"

    gates: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nonlinearity not in _NONLINEARITIES:
            raise SymbpError(
                f"RNN nonlinearity {self.nonlinearity!r}: "
                f"{suggest(str(self.nonlinearity), _NONLINEARITIES)}"
            )

    def _direction(self, d: _Direction) -> tuple[list[Equation], Tensor]:
        W, U, b, e = d.parameters()
        h = d.tensor("h", d.units, "h")
        j = h.indices[2]
        body = d.of_inputs(W, b, j) + d.of_states(U, e, h, j)
        return [Equation(h.element, d.kept(_NONLINEARITIES[self.nonlinearity](body)))], h


_NONLINEARITIES: dict[str, Any] = {"tanh": tanh, "relu": relu}


@library_layer
@dataclass(frozen=True)
class LSTM(_Recurrent):
    r"""Long short-term memory, as ``torch.nn.LSTM``.

    ``c[t] = f c[t-1] + i g`` and ``h[t] = o tanh(c[t])``, with the gates ``i``, ``f``, ``o`` and
    the new value ``g`` of ``W x[t] + b + U h[t-1] + d`` (Hochreiter and Schmidhuber, "Long
    short-term memory", 1997; the forget gate is that of Gers et al., 2000).

    Parameters
    ----------
    hidden_size : int
        The number of units.
    num_layers : int, default 1
        How many lie one above the other.
    bias : bool, default True
        Whether there are ``b`` and ``d``.
    bidirectional : bool, default False
        Whether there are layers that read the steps from the end, too; the states of both are
        put end to end.
    last : bool, default False
        Return only the state after the last step, of shape (N, units), which for the other
        direction is the first: what ``torch.nn.LSTM`` calls ``h_n``, of the last layer.
    lengths : Tensor, optional
        How many steps each example has, integers of shape (N,) such as ``bp.input("length", n,
        kind="integer")``: as with ``torch.nn.utils.rnn.pack_padded_sequence``, states behind an
        example's last step are 0, the other direction begins at it, and `last` is its state.

    Notes
    -----
    All parameters start uniform in ±1/sqrt(hidden_size). ``W1_ih_l0`` is of shape (4·units,
    features), ``W1_hh_l0`` of (4·units, units); the rows are those of i, f, g and o.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n t m", "N", 5, 2))
    >>> equations, h = LSTM(3).equations(x, 1)
    >>> print(equations[-1])
    h1_l0[n, t, j] = o1_l0[n, t, j]*tanh(c1_l0[n, t, j])
    """

    gates: ClassVar[int] = 4

    def _direction(self, d: _Direction) -> tuple[list[Equation], Tensor]:
        W, U, b, e = d.parameters()
        s = d.tensor("s", 4 * d.units, "s")
        i, f, g, o, c, h = (d.tensor(name, d.units, name) for name in "ifgoch")
        n, t, rows = s.indices
        split, z = d.by_gate(s, "z")
        equations = [
            Equation(s.element, d.of_inputs(W, b, rows) + d.of_states(U, e, h, rows)),
            split,
        ]
        for place, gate in enumerate((i, f, g, o)):
            function = tanh if gate is g else sigmoid
            j = gate.indices[2]
            equations.append(Equation(gate.element, function(z[n, t, place, j])))
        j = c.indices[2]
        kept = d.before(lambda step: f[n, t, j] * c[n, step, j])
        equations.append(Equation(c.element, d.kept(i[n, t, j] * g[n, t, j] + kept)))
        j = h.indices[2]
        return [*equations, Equation(h.element, d.kept(o[n, t, j] * tanh(c[n, t, j])))], h


@library_layer
@dataclass(frozen=True)
class GRU(_Recurrent):
    r"""A gated recurrent unit, as ``torch.nn.GRU``.

    ``h[t] = (1 - z) m + z h[t-1]`` with ``m = tanh(p + r q)``: the reset gate ``r`` multiplies the
    product ``q = U h[t-1] + d`` (Cho et al., "Learning phrase representations using RNN
    encoder-decoder", 2014, multiply ``h[t-1]`` before). Parameters as in :class:`LSTM`; the rows of
    ``W`` are those of r, z and m.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n t m", "N", 5, 2))
    >>> equations, h = GRU(3).equations(x, 1)
    >>> print(equations[6])
    m1_l0[n, t, j] = tanh(p1_l0[n, t, 2, j] + r1_l0[n, t, j]*q1_l0[n, t, 2, j])
    """

    gates: ClassVar[int] = 3

    def _direction(self, d: _Direction) -> tuple[list[Equation], Tensor]:
        W, U, b, e = d.parameters()
        s, y = d.tensor("s", 3 * d.units, "s"), d.tensor("y", 3 * d.units, "y")
        r, z, m, h = (d.tensor(name, d.units, name) for name in "rzmh")
        n, t, _ = s.indices
        (split, p), (split_states, q) = d.by_gate(s, "p"), d.by_gate(y, "q")
        equations = [
            Equation(s.element, d.of_inputs(W, b, s.indices[2])),
            Equation(y.element, d.of_states(U, e, h, y.indices[2])),
            split,
            split_states,
        ]
        for place, gate in enumerate((r, z)):
            j = gate.indices[2]
            equations.append(Equation(gate.element, sigmoid(p[n, t, place, j] + q[n, t, place, j])))
        j = m.indices[2]
        new = p[n, t, 2, j] + r[n, t, j] * q[n, t, 2, j]
        equations.append(Equation(m.element, tanh(new)))
        j = h.indices[2]
        kept = d.before(lambda step: z[n, t, j] * h[n, step, j])
        new = (1 - z[n, t, j]) * m[n, t, j]
        return [*equations, Equation(h.element, d.kept(new + kept))], h
