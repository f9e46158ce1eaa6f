"""LSTM, GRU and RNN: a recurrence for each direction, with the gates as the format orders them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.interop.onnx.call import Call, operator
from symbp.notation.equation import Equation
from symbp.notation.functions import (
    elu,
    leaky_relu,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    where,
)
from symbp.notation.index import Index
from symbp.notation.reductions import Sum
from symbp.notation.standard import Abs, tanh
from symbp.notation.tensor import Tensor

__all__: list[str] = []

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x, a, b: sigmoid(x),
    "tanh": lambda x, a, b: tanh(x),
    "relu": lambda x, a, b: relu(x),
    "softplus": lambda x, a, b: softplus(x),
    "softsign": lambda x, a, b: x / (1 + Abs(x)),
    "affine": lambda x, a, b: (1.0 if a is None else a) * x + (0.0 if b is None else b),
    "leakyrelu": lambda x, a, b: leaky_relu(x, 0.01 if a is None else a),
    "elu": lambda x, a, b: elu(x, 1.0 if a is None else a),
    "hardsigmoid": lambda x, a, b: maximum(
        0, minimum(1, (0.2 if a is None else a) * x + (0.5 if b is None else b))
    ),
}
_DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@dataclass
class _Direction:
    """One direction: how it reads its weights and the step before."""

    call: Call
    number: int
    backwards: bool
    units: int
    steps: int
    batch: Any
    batch_first: bool
    activations: list[Callable[[Any], Any]]
    clip: float | None

    def index(self, name: str = "j") -> Index:
        return Index(name, self.units)

    def tensor(self, part: str, indices: list[Index]) -> Tensor:
        side = "reverse_" if self.backwards else ""
        return self.call.declare(indices, None, f"{side}{part}")

    def x(self, n: Index, t: Any, k: Index) -> Any:
        return self.call.element(0, [n, t, k] if self.batch_first else [t, n, k])

    def weight(self, place: int, row: Any, k: Index) -> Any:
        return self.call.element(place, [self.number, row, k])

    def bias(self, row: Any, half: int) -> Any:
        if not self.call.has(3):
            return sympy.S.Zero
        return self.call.element(
            3, [self.number, row + half * _GATES[self.call.operator] * self.units]
        )

    def before(self, t: Index, n: Index, value: Callable[[Any], Any], place: int, j: Any) -> Any:
        """Return a value of the step before, or the one that the first step begins with."""
        start: Any = sympy.S.Zero
        if self.call.has(place):
            at = [n, self.number, j] if self.batch_first else [self.number, n, j]
            start = self.call.element(place, at)
        if self.steps == 1:
            return start
        if self.backwards:
            return where(t < self.steps - 1, value(t + 1), start)
        return where(t > 0, value(t - 1), start)

    def clipped(self, x: Any) -> Any:
        return x if self.clip is None else maximum(minimum(x, self.clip), -self.clip)


@operator("LSTM", "GRU", "RNN")
def recurrent(call: Call) -> None:
    """Define the states of all steps, and the last ones."""
    if call.has(4):
        lengths = call.whole_numbers(4)
        steps = call.shape(0)[1 if call.attribute("layout", 0) else 0]
        if any(each != steps for each in lengths or ()):
            raise call.refuse("sequence_lens: sequences of different lengths are not read")
    batch_first = bool(call.attribute("layout", 0))
    steps = call.size(0, 1 if batch_first else 0)
    batch = call.shape(0)[0 if batch_first else 1]
    directions = call.shape(1)[0]
    units = call.attribute("hidden_size") or call.size(2, 2)
    names = call.attribute("activations") or _DEFAULTS[call.operator] * int(directions)
    alphas = [*(call.attribute("activation_alpha") or [])]
    betas = [*(call.attribute("activation_beta") or [])]
    functions = []
    for name in names:
        if name.lower() not in _FUNCTIONS:
            raise call.refuse(f"activation {name} is not read")
        takes = name.lower() in ("affine", "leakyrelu", "elu", "hardsigmoid", "thresholdedrelu")
        both = name.lower() in ("affine", "hardsigmoid")
        a = alphas.pop(0) if takes and alphas else None
        b = betas.pop(0) if both and betas else None
        functions.append(_bound(_FUNCTIONS[name.lower()], a, b))
    each = len(_DEFAULTS[call.operator])
    states, cells = [], []
    for number in range(int(directions)):
        backwards = number == 1 or call.attribute("direction", "forward") == "reverse"
        own = functions[number * each : (number + 1) * each]
        d = _Direction(
            call, number, backwards, units, steps, batch, batch_first, own, call.attribute("clip")
        )
        h, c = _STEPS[call.operator](d)
        states.append((h, backwards))
        cells.append((c, backwards))
    _outputs(call, states, cells, units, steps, batch, batch_first)


def _bound(function: Callable[..., Any], a: Any, b: Any) -> Callable[[Any], Any]:
    return lambda x: function(x, a, b)


def _outputs(
    call: Call, states: Any, cells: Any, units: int, steps: int, batch: Any, batch_first: bool
) -> None:
    directions = len(states)
    n, j, d = Index("n", batch), Index("j", units), Index("d", directions)
    t = Index("t", steps)

    def chosen(values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else where(d < 1, values[0], values[1])

    if call.outputs[0]:
        left = [n, t, d, j] if batch_first else [t, d, n, j]
        call.define(left, chosen([h[n, t, j] for h, _ in states]), 0)
    for output, values in ((1, states), (2, cells)):
        if output < len(call.outputs) and call.outputs[output]:
            last = [h[n, 0 if backwards else steps - 1, j] for h, backwards in values]
            left = [n, d, j] if batch_first else [d, n, j]
            call.define(left, chosen(last), output)


def _rnn(d: _Direction) -> tuple[Tensor, Tensor]:
    n, t, j = Index("n", d.batch), Index("t", d.steps, sequential=True), d.index()
    k, m = d.index("k"), Index("m", d.call.size(0, 2))
    h = d.tensor("h", [n, t, j])
    inputs = Sum(d.weight(1, j, m) * d.x(n, t, m), m)
    earlier = Sum(d.weight(2, j, k) * d.before(t, n, lambda s: h[n, s, k], 5, k), k)
    body = inputs + earlier + d.bias(j, 0) + d.bias(j, 1)
    _add(d, h, d.activations[0](d.clipped(body)))
    return h, h


def _add(d: _Direction, tensor: Tensor, body: Any) -> None:
    d.call.equations.append(Equation(tensor.element, body))


def _lstm(d: _Direction) -> tuple[Tensor, Tensor]:
    n, t = Index("n", d.batch), Index("t", d.steps, sequential=True)
    m = Index("m", d.call.size(0, 2))
    f, g, out = d.activations
    units = d.units
    h, c = (d.tensor(name, [n, t, d.index()]) for name in ("h", "c"))

    row, k = Index("g", 4 * units), d.index("k")
    rows, z = d.tensor("rows", [n, t, row]), d.tensor("gates", [n, t, Index("a", 4), d.index()])
    total: Any = Sum(d.weight(1, row, m) * d.x(n, t, m), m)
    total = total + Sum(d.weight(2, row, k) * d.before(t, n, lambda s: h[n, s, k], 5, k), k)
    _add(d, rows, total + d.bias(row, 0) + d.bias(row, 1))
    a, j = z.indices[2:]
    _add(d, z, rows[n, t, units * a + j])

    def gate(name: str, number: int, function: Any, peephole: int | None, own: Any) -> Tensor:
        j = d.index()
        body: Any = z[n, t, number, j]
        if d.call.has(7) and peephole is not None:
            weight = d.call.element(7, [d.number, j + peephole * units])
            body = body + weight * own(j)
        made = d.tensor(name, [n, t, j])
        _add(d, made, function(d.clipped(body)))
        return made

    def earlier(j: Any) -> Any:
        return d.before(t, n, lambda s: c[n, s, j], 6, j)

    i = gate("i", 0, f, 0, earlier)
    forget = gate("f", 2, f, 2, earlier)
    if d.call.attribute("input_forget", 0):
        raise d.call.refuse("input_forget is not read")
    new = gate("g", 3, g, None, earlier)
    j = c.indices[2]
    _add(d, c, forget[n, t, j] * earlier(j) + i[n, t, j] * new[n, t, j])
    o = gate("o", 1, f, 1, lambda j: c[n, t, j])
    j = h.indices[2]
    _add(d, h, o[n, t, j] * out(c[n, t, j]))
    return h, c


def _gru(d: _Direction) -> tuple[Tensor, Tensor]:
    n, t = Index("n", d.batch), Index("t", d.steps, sequential=True)
    m, k, units = Index("m", d.call.size(0, 2)), d.index("k"), d.units
    f, g = d.activations
    h = d.tensor("h", [n, t, d.index()])

    g3, a, j = Index("g", 3 * units), Index("a", 3), d.index()
    rows, x = d.tensor("rows", [n, t, g3]), d.tensor("inputs", [n, t, a, j])
    _add(d, rows, Sum(d.weight(1, g3, m) * d.x(n, t, m), m) + d.bias(g3, 0))
    _add(d, x, rows[n, t, units * a + j])

    def before(j: Any) -> Any:
        return d.before(t, n, lambda s: h[n, s, j], 5, j)

    # Those of both gates; the new value's, too, unless it needs the reset gate before.
    after = bool(d.call.attribute("linear_before_reset", 0))
    a, j = Index("a", 3 if after else 2), d.index()
    y = d.tensor("states", [n, t, a, j])
    row = units * a + j
    _add(d, y, Sum(d.weight(2, row, k) * before(k), k) + d.bias(row, 1))
    gates = []
    for number, name in enumerate("zr"):
        j = d.index()
        made = d.tensor(name, [n, t, j])
        _add(d, made, f(d.clipped(x[n, t, number, j] + y[n, t, number, j])))
        gates.append(made)
    z, r = gates
    new = d.tensor("m", [n, t, d.index()])
    j = new.indices[2]
    row = j + 2 * units
    if after:
        inner = r[n, t, j] * y[n, t, 2, j]
    else:
        reset = d.tensor("q", [n, t, d.index()])
        p = reset.indices[2]
        _add(d, reset, r[n, t, p] * before(p))
        inner = Sum(d.weight(2, row, k) * reset[n, t, k], k) + d.bias(row, 1)
    _add(d, new, g(d.clipped(x[n, t, 2, j] + inner)))
    j = h.indices[2]
    _add(d, h, (1 - z[n, t, j]) * new[n, t, j] + z[n, t, j] * before(j))
    return h, h


_STEPS: dict[str, Callable[[_Direction], tuple[Tensor, Tensor]]] = {
    "RNN": _rnn, "LSTM": _lstm, "GRU": _gru
}  # fmt: skip
