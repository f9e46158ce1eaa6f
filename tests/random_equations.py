"""Random programs far from any network, in which every feature of the notation meets the others.

A seed gives a program, an optimizer and the names of what was drawn. The equations are products
and sums of elements with subscripts of every form (guarded, shifted, reversed, strided, diagonal),
reduced in every way; the recurrences go up or down and look one or two steps back.
"""

import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

import symbp as bp
from symbp.networks.optimizers import Optimizer
from symbp.notation.equation import Origin
from symbp.notation.operation import in_notation
from symbp.notation.tensor import Tensor

EXTENTS = (2, 3, 4)
RATE = bp.CosineDecay(0.001, steps=3, warmup=1)
# Gradients reach a thousand: longer steps would lead to where rounding decides everything.
OPTIMIZERS: tuple[Optimizer, ...] = (
    bp.SGD(0.001), bp.Accumulate(bp.Clip(bp.SGD(RATE), max_norm=0.5), batches=2),
    bp.Momentum(0.001), bp.Nesterov(0.001), bp.RMSProp(0.01), bp.Adam(0.01), bp.AdamW(0.01),
)  # fmt: skip
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda u: u,
    "square": lambda u: u**2,
    "sin": sympy.sin,
    "tanh": sympy.tanh,
    "sigmoid": bp.sigmoid,
    "softplus": bp.softplus,
    "where": lambda u: bp.where(u > 0, u, u / 3),
}
# How often each form of subscript and each reduction is drawn.
SUBSCRIPTS = {
    "plain": 75, "of another extent": 7, "shifted": 6, "reversed": 5, "sum of two": 5, "strided": 4,
}  # fmt: skip
REDUCTIONS = {"sum": 75, "max": 10, "logsumexp": 8, "mean": 7}
# What the programs together have to contain, besides.
FEATURES = {
    *FUNCTIONS, *SUBSCRIPTS, *REDUCTIONS, *(type(o).__name__ for o in OPTIMIZERS),
    "guard", "otherwise one", "diagonal", "index absent from the body", "without the batch",
    "scalar parameter", "read twice", "sum of contributions",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A program, what it is trained with, and which features it has."""

    program: bp.Program
    optimizer: Optimizer
    features: frozenset[str]


class Drawing:
    """A random generator that remembers what it chose, and the tensors drawn so far."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.features: set[str] = set()
        self.equations: list[bp.Equation] = []
        self.parameters: list[Tensor] = []
        self.pool: list[Tensor] = []
        self.count = 0

    def choice(self, options: Sequence[Any]) -> Any:
        return self.random.choice(options)

    def chance(self, probability: float, feature: str | None = None) -> bool:
        drawn = self.random.random() < probability
        if drawn and feature:
            self.features.add(feature)
        return drawn

    def kind(self, weights: dict[str, int]) -> str:
        name: str = self.random.choices(list(weights), list(weights.values()))[0]
        self.features.add(name)
        return name

    def function(self, argument: Any) -> Any:
        return FUNCTIONS[self.kind(dict.fromkeys(FUNCTIONS, 1))](argument)

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def index(self, extent: Any = None) -> bp.Index:
        """Return a new index; names repeat, as they may."""
        if extent == "N" or isinstance(extent, sympy.Symbol):
            return bp.Index("n", extent)
        return bp.Index(self.choice("ijklmopq"), extent or self.choice(EXTENTS))

    def axes(self, least: int, most: int) -> list[bp.Index]:
        return [self.index() for _ in range(self.random.randint(least, most))]

    def example(self, cost: Tensor) -> Example:
        optimizer = self.choice(OPTIMIZERS)
        self.features.add(type(optimizer).__name__)
        program = bp.Program(self.equations, cost=cost)
        return Example(program, optimizer, frozenset(self.features))


# Equations ----------------------------------------------------------------------------------------


@functools.cache
def random_equations(seed: int) -> Example:
    """Return some equations over two inputs and up to three parameters, and a cost."""
    d = Drawing(seed)
    d.pool = [bp.input(d.name("x"), d.index("N"), *d.axes(1, 2)) for _ in range(2)]
    d.parameters = [bp.parameter(d.name("P"), *d.axes(0, 2)) for _ in range(d.random.randint(1, 3))]
    d.pool += d.parameters
    for _ in range(d.choice((2, 2, 3, 4))):
        _equation(d)
    read = {element.tensor for equation in d.equations for element in equation.reads()}
    if any(not p.rank and p in read for p in d.parameters):
        d.features.add("scalar parameter")
    C, total = bp.tensor("C"), sympy.S.Zero
    for tensor in (*d.parameters, *(equation.tensor for equation in d.equations)):
        if tensor not in read:
            total += _cost_of(d, tensor)
    d.equations.append(bp.Equation(C, total))
    return d.example(C)


def _cost_of(d: Drawing, tensor: Tensor) -> Any:
    """Return a mean over a tensor in which each entry has a weight of its own."""
    axes = [d.index(extent) for extent in tensor.shape]
    weight = 1 + sum((i for i in axes if isinstance(i.extent, int)), sympy.S.Zero) / 7
    body = d.function(tensor[tuple(axes)]) * weight
    return bp.Mean(body, *axes) if axes else body


class Subscripts:
    """The subscripts of one equation's body, and the conditions under which they exist."""

    def __init__(self, d: Drawing) -> None:
        self.d = d
        self.drawn: dict[Any, list[bp.Index]] = {}
        self.guards: list[Any] = []

    def index(self, extent: Any, reuse: float = 0.7) -> bp.Index:
        """Return an index of an extent: one that is there already, or a new one."""
        known = self.drawn.setdefault(extent, [])
        if known and self.d.chance(reuse):
            chosen: bp.Index = self.d.choice(known)
            return chosen
        known.append(self.d.index(extent))
        return known[-1]

    def of(self, tensor: Tensor) -> tuple[Any, ...]:
        subscripts = tuple(self.subscript(extent) for extent in tensor.shape)
        if len(set(subscripts)) < len(subscripts):
            self.d.features.add("diagonal")
        return subscripts

    def subscript(self, extent: Any) -> Any:
        """Return a subscript for an axis; nearly always, there is one batch index."""
        if not isinstance(extent, int):
            return self.index(extent, reuse=0.95)
        match self.d.kind(SUBSCRIPTS):
            case "of another extent":
                i = self.index(self.d.choice(EXTENTS))
                self.guards.append(i < extent)
                return i
            case "shifted":
                i = self.index(extent)
                self.guards.append(sympy.Ge(i, 1))
                return i - 1
            case "reversed":
                return extent - 1 - self.index(extent)
            case "sum of two":
                i, j = self.index(2), self.index(self.d.choice((2, 3)))
                self.guards.append(i + j < extent)
                return i + j
            case "strided":
                i = self.index(2)
                self.guards.append(2 * i < extent)
                return 2 * i
        return self.index(extent)


def _equation(d: Drawing) -> None:
    """Append an equation that reads tensors of the pool, a parameter among them more often."""
    subscripts = Subscripts(d)
    factors = [d.choice(d.pool) for _ in range(d.random.randint(1, 3))]
    if d.chance(0.6):
        factors[0] = d.choice(d.parameters)
    body = sympy.S.One
    for position, tensor in enumerate(factors):
        element = tensor[subscripts.of(tensor)]
        if d.chance(0.3):
            element = d.function(element)
        added = position > 0 and d.chance(0.2, "sum of contributions")
        body = body + element if added else body * element
    for guard in subscripts.guards:
        d.features.add("guard")
        body = bp.where(guard, body, 1 if d.chance(0.25, "otherwise one") else 0)
    used = [i for indices in subscripts.drawn.values() for i in indices if i in body.free_symbols]
    batch = [i for i in used if not isinstance(i.extent, int)]
    left = [i for i in used if isinstance(i.extent, int) and d.chance(0.5)]
    d.random.shuffle(left)
    left = left if d.chance(0.3, "without the batch") else [*batch[:1], *left]
    if d.chance(0.4):
        d.random.shuffle(left)
    reduced = [i for i in used if i not in left]
    if d.chance(0.1, "index absent from the body"):
        reduced.append(bp.Index("z", 3))
    body = _reduced(d, body, reduced)
    if d.chance(0.5):
        body = d.function(body)
    if d.chance(0.3):
        body += _elementwise(d, left)
    made = bp.tensor(d.name("T"), *(d.index(i.extent) for i in left))
    # As if a pass had made it: a user's sum may not run over an index that its body does not hold,
    # nor hold two indices of one name.
    body = in_notation(sympy.sympify(body), "drawn")
    d.equations.append(bp.Equation(made[tuple(left)], body, origin=Origin("drawn")))
    d.pool += [made, made] if d.chance(0.5, "read twice") else [made]


def _reduced(d: Drawing, body: Any, indices: list[bp.Index]) -> Any:
    if not indices:
        return body
    match d.kind(REDUCTIONS):
        case "max":
            return bp.Max(body, *indices)
        case "logsumexp":
            return bp.logsumexp(body, *indices)
        case "mean":
            return bp.Mean(body, *indices)
    return bp.Sum(body, *indices) / d.choice((1, 2, 5))


def _elementwise(d: Drawing, indices: list[bp.Index]) -> Any:
    """Return a function of an element with these indices, or zero if there is no such tensor."""
    tensor = d.choice(d.pool)
    fitting = [[i for i in indices if i.extent == extent] for extent in tensor.shape]
    if not all(fitting):
        return sympy.S.Zero
    return d.function(tensor[tuple(d.choice(options) for options in fitting)])


# Recurrences --------------------------------------------------------------------------------------


def random_recurrence(seed: int) -> Example:
    """Return one or two states over time, up or down, with an output and a cost."""
    d = Drawing(seed)
    steps, width = d.choice((3, 4)), d.choice((2, 3))
    upwards = d.chance(0.7, "upwards")

    def axes() -> tuple[bp.Index, ...]:
        return bp.Index("n", "N"), bp.Index("t", steps, sequential=True), bp.Index("k", width)

    j, k, l = bp.indices("j k l", width)
    x, s, g = bp.input("x", *axes()), bp.parameter("s"), bp.parameter("g", k)
    U, V = bp.parameter("U", j, k), bp.parameter("V", j, k)
    states = [bp.tensor(name, *axes()) for name in ("h", "c")[: d.random.randint(1, 2)]]
    for position, state in enumerate(states):
        n, t, k = axes()
        terms = [x[n, t, k]]
        for _ in range(d.random.randint(1, 3)):
            back = d.choice((1, 1, 2))
            earlier = d.choice(states)[n, t - back if upwards else t + back, l]
            earlier = d.function(earlier) if d.chance(0.3) else earlier
            term = {
                "matrix": bp.Sum(d.choice((U, V))[k, l] * earlier, l),
                "transposed": bp.Sum(U[l, k] * earlier * x[n, t, l], l),
                "elementwise": g[k] * earlier.xreplace({l: k}),
                "max": s * bp.Max(earlier, l),
            }[d.kind({"matrix": 4, "transposed": 2, "elementwise": 2, "max": 2})]
            exists = sympy.Ge(t, back) if upwards else t + back < steps
            terms.append(bp.where(exists, term, d.choice((0, 0, g[k]))))
        if position and d.chance(0.8):
            now = states[0][n, t, k]
            other = bp.Sum(V[k, l] * states[0][n, t, l], l)
            terms.append(d.choice((now * g[k], other, sympy.tanh(now) * x[n, t, k])))
        body = sum(terms) if d.chance(0.7) else terms[0] * terms[1] + sum(terms[2:])
        function = d.choice((sympy.tanh, bp.sigmoid, sympy.sin))
        d.equations.append(bp.Equation(state[n, t, k], function(body / 2)))
    n, t, k = axes()
    y, C, h = bp.tensor("y", n, t, k), bp.tensor("C"), states[0]
    d.equations.append(bp.Equation(y[n, t, k], bp.Sum(U[k, l] * states[-1][n, t, l], l) * (1 + t)))
    mirrored = h[n, t, k] * h[n, steps - 1 - t, k]
    cost = bp.Mean(y[n, t, k] ** 2 + d.choice((0, 1)) * mirrored, n, t, k)
    if d.chance(0.4, "one step"):
        cost += bp.Mean(h[n, d.choice((0, steps - 1)), k] ** 3, n, k)
    penalty = bp.Sum(V[k, l] ** 2, k, l) + bp.Sum(g[k] ** 2, k) + s**2
    d.equations.append(bp.Equation(C, cost + penalty / 10))
    return d.example(C)
