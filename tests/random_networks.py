"""Random networks, each with its forward pass written out by hand in plain ``jax.numpy``.

A seed gives a program, values for everything that it reads, and a function that computes its cost
and output without symbp: so the layers, the costs and the penalties are checked as well as the
gradients. A third of the networks come from ``bp.mlp``, a third from ``bp.Network`` (layers of a
user's own among them), a third are a user's own equations in a ``bp.Program``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import sympy

import symbp as bp
from symbp.networks.activations import ACTIVATIONS
from symbp.networks.costs import COSTS
from symbp.notation.tensor import Tensor
from tests import jax_oracle  # double precision in JAX

assert jax_oracle.jax is jax

COUNT = 210
WIDTHS = (1, 2, 3, 4, 5, 7, 10, 13, 20, 29, 40)
# The compiler's time grows with the depth.
DEPTHS = (1, 2, 3, 2, 1, 4, 2, 3, 5, 1, 3, 6)
# Nearer to a kink than this, rounding alone decides on which side a value lies.
MARGIN = 1e-9

SQUASH = bp.function("squash", lambda u: u / sympy.sqrt(1 + u**2))
BUMP = bp.function(
    "bump", lambda u: u * sympy.exp(-(u**2)), lambda u: (1 - 2 * u**2) * sympy.exp(-(u**2))
)


def mish(u: Any) -> Any:
    return u * sympy.tanh(bp.softplus(u))


Function = Callable[[Any], Any]
FUNCTIONS: dict[str, Function] = {
    "identity": lambda z: z,
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + jnp.exp(-z)),
    "logistic": lambda z: 1 / (1 + jnp.exp(-z)),
    "tanh": jnp.tanh,
    "relu": lambda z: jnp.where(z > 0, z, 0.0),
    "leaky_relu": lambda z: jnp.where(z > 0, z, 0.01 * z),
    "elu": lambda z: jnp.where(z > 0, z, jnp.expm1(jnp.minimum(z, 0.0))),
    "gelu": lambda z: z * (1 + jax.scipy.special.erf(z / np.sqrt(2))) / 2,
    "gelu_tanh": lambda z: z * (1 + jnp.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2,
    "silu": lambda z: z / (1 + jnp.exp(-z)),
    "swish": lambda z: z / (1 + jnp.exp(-z)),
    "softplus": lambda z: jnp.log1p(jnp.exp(z)),
    "sin": jnp.sin,
    "exp": jnp.exp,
    "squash": lambda z: z / jnp.sqrt(1 + z**2),
    "bump": lambda z: z * jnp.exp(-(z**2)),
    "mish": lambda z: z * jnp.tanh(jnp.log1p(jnp.exp(z))),
}
OWN: dict[str, Any] = {"squash": SQUASH, "bump": BUMP, "mish": mish}
NAMES = [*ACTIVATIONS, *OWN]
KINKED = {"relu", "leaky_relu"}
# Positive or growing functions: with smaller weights, six of them in a row stay moderate.
LARGE = {"exp", "softplus"}


def _quadratic(a: Any, y: Any) -> Any:
    return jnp.sum((a - y) ** 2) / (2 * a.shape[0])


def _mean_squared_error(a: Any, y: Any) -> Any:
    return jnp.mean((a - y) ** 2)


def _cross_entropy(a: Any, y: Any) -> Any:
    return -jnp.sum(y * jnp.log(a) + (1 - y) * jnp.log1p(-a)) / a.shape[0]


def _binary_cross_entropy(z: Any, y: Any) -> Any:
    return jnp.mean(jnp.log1p(jnp.exp(z)) - y * z)


def _softmax_cross_entropy(z: Any, y: Any) -> Any:
    return -jnp.sum(y * jax.nn.log_softmax(z, axis=-1)) / z.shape[0]


COST_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "quadratic": _quadratic,
    "mean_squared_error": _mean_squared_error,
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}


class Environment(dict[str, Any]):
    """The values of a forward pass by name, and the distances from a kink on its way."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.distances: list[Any] = []

    def apply(self, name: str, z: Any) -> Any:
        if name in KINKED:
            self.distances.append(jnp.min(jnp.abs(z)))
        return FUNCTIONS[name](z)


Step = Callable[[Environment], Any]


@dataclass(frozen=True)
class Example:
    """A network, a point, and the forward pass at it.

    ``labels`` are integer labels that say the same as the target ``y``, where there are such.
    """

    program: bp.Program
    values: dict[str, Any]
    forward: Callable[[dict[str, Any]], tuple[Any, tuple[Any, Any]]]
    features: frozenset[str]
    labels: Any = None

    def arrays(self, labels: bool = False) -> list[Any]:
        """Return the inputs and targets in the order in which a module takes them."""
        arrays = [self.values[t.name] for t in (*self.program.inputs, *self.program.targets)]
        if labels and self.labels is not None:
            arrays[-1] = self.labels
        return arrays

    @property
    def parameters(self) -> dict[str, Any]:
        return {p.name: self.values[p.name] for p in self.program.parameters}


@dataclass(frozen=True)
class Reference:
    """What JAX says: cost, output, gradients, and the distance from the nearest kink."""

    cost: float
    output: np.ndarray
    gradients: dict[str, np.ndarray]
    distance: float


def reference(example: Example) -> Reference:
    """Differentiate the forward pass by ``jax.grad`` in float64."""
    given = {n: jnp.asarray(v, dtype=jnp.float64) for n, v in example.values.items()}
    parameters = {name: given.pop(name) for name in example.parameters}

    def forward(chosen: dict[str, Any]) -> Any:
        return example.forward({**given, **chosen})

    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    differentiated = jax.jit(jax.value_and_grad(forward, has_aux=True))
    compiled = differentiated.lower(parameters).compile(compiler_options=options)
    (cost, (output, distance)), gradients = compiled(parameters)
    named = {name: np.asarray(gradient) for name, gradient in gradients.items()}
    return Reference(float(cost), np.asarray(output), named, float(distance))


def example_with_reference(seed: int) -> tuple[Example, Reference]:
    """Return the network of a seed and JAX's answer, at a point that is at no kink."""
    for attempt in range(8):
        example = random_network(seed, attempt)
        answer = reference(example)
        if answer.distance > MARGIN:
            return example, answer
    raise AssertionError(f"seed {seed}: every point is at a kink")


@dataclass
class Drawing:
    """A network being drawn: what is chosen, the values, and the forward pass so far."""

    seed: int
    generator: np.random.Generator
    steps: list[Step] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    equations: list[bp.Equation] = field(default_factory=list)
    parameters: list[Tensor] = field(default_factory=list)
    scale: float = 1.0
    count: int = 0

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return int(self.generator.integers(low, high + 1))

    def choice(self, options: Sequence[Any]) -> Any:
        return options[int(self.generator.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        return bool(self.generator.random() < probability)

    def normal(self, *shape: int) -> np.ndarray:
        scale = self.scale / np.sqrt(shape[-1]) if len(shape) > 1 else self.scale / 2
        return scale * self.generator.normal(size=shape)

    def activation(self) -> str:
        """Return the name of an activation: each has its turn."""
        self.count += 1
        name: str = NAMES[(self.seed + 5 * self.count) % len(NAMES)]
        self.features.add(name)
        if name in LARGE:
            self.scale = 0.3
        return name

    def run(self, values: dict[str, Any]) -> Environment:
        environment = Environment(values)
        for step in self.steps:
            step(environment)
        return environment


def random_network(seed: int, attempt: int = 0) -> Example:
    """Return the network of a seed; another attempt is another point of a similar network."""
    drawing = Drawing(seed, np.random.default_rng([seed, attempt]))
    return (_mlp, _network, _equations)[seed % 3](drawing)


# The target and the cost -------------------------------------------------------------------------


def _target(d: Drawing, loss: str, examples: int, width: int) -> Any:
    """Put a target for a cost into the values; return its integer labels, if it has any."""
    labels = d.generator.integers(0, width, size=examples)
    kind = COSTS[loss].target_kind
    if kind == "real" or (loss == "quadratic" and d.chance(0.5)):
        d.values["y"] = d.generator.normal(size=(examples, width))
        return None
    if width > 1 and d.chance(0.5):
        d.features.add("labels")
        d.values["y"] = np.eye(width)[labels]
        return labels
    d.features.add("soft targets")
    y = d.generator.uniform(0.05, 0.95, size=(examples, width))
    d.values["y"] = y / y.sum(axis=1, keepdims=True) if kind == "distribution" else y
    return None


def _loss(d: Drawing) -> str:
    loss: str = list(COST_FUNCTIONS)[(d.seed // 3) % len(COST_FUNCTIONS)]
    d.features.add(loss)
    return loss


def _penalties(d: Drawing) -> list[Any]:
    drawn: list[Any] = []
    for kind, penalty in (("L1", bp.L1), ("L2", bp.L2)):
        if d.chance(0.3):
            drawn.append(penalty(round(float(d.generator.uniform(0.01, 0.2)), 3)))
            d.features.add(kind)
    return drawn


def _penalised(cost: Any, penalties: Sequence[Any], weights: Sequence[Any]) -> Any:
    for penalty in penalties:
        if isinstance(penalty, bp.L1):
            cost += penalty.strength * sum(jnp.sum(jnp.abs(w)) for w in weights)
        else:
            cost += penalty.strength / 2 * sum(jnp.sum(w**2) for w in weights)
    return cost


def _sizes(d: Drawing, loss: str, widest: int = 40) -> tuple[int, list[int]]:
    """Return the number of inputs and the units of each layer; the depths have their turns."""
    widths = [width for width in WIDTHS if width <= widest]
    depth = DEPTHS[(d.seed // 3) % len(DEPTHS)]
    d.features.add(f"depth {depth}")
    units = [d.choice(widths) for _ in range(depth)]
    if loss == "softmax_cross_entropy":
        units[-1] = max(2, units[-1])  # of one class, the cost is constant
    return d.choice(widths), units


def _finished(
    d: Drawing, program: bp.Program, loss: str, penalties: Sequence[Any], labels: Any
) -> Example:
    """Return the example of a drawing whose environment's ``out`` is the output."""
    weights = [p.name for p in program.parameters if p.rank > 1]

    def forward(values: dict[str, Any]) -> tuple[Any, tuple[Any, Any]]:
        environment = d.run(values)
        out = environment["out"]
        cost = COST_FUNCTIONS[loss](out, environment["y"])
        cost = _penalised(cost, penalties, [environment[name] for name in weights])
        distances = [*environment.distances, jnp.inf]
        return cost, (out, jnp.min(jnp.asarray(distances)))

    return Example(program, d.values, forward, frozenset(d.features), labels)


def _dense_step(number: int, name: str, bias: bool) -> Step:
    def step(environment: Environment) -> None:
        z = environment["out"] @ environment[f"W{number}"].T
        if bias:
            z = z + environment[f"b{number}"]
        environment["out"] = environment.apply(name, z)

    return step


def _from_input(environment: Environment) -> None:
    environment["out"] = environment["x"]


# bp.mlp ------------------------------------------------------------------------------------------


def _mlp(d: Drawing) -> Example:
    loss = _loss(d)
    inputs, units = _sizes(d, loss)
    name = "sigmoid" if loss == "cross_entropy" and len(units) == 1 else d.activation()
    output = name if COSTS[loss].activates_output else "identity"
    options: dict[str, Any] = {}
    if loss == "cross_entropy" and name not in ("sigmoid", "logistic"):
        options["output"] = output = "sigmoid"
    elif loss not in ("cross_entropy", "softmax_cross_entropy") and d.chance(0.2):
        options["output"] = output = "tanh"
    penalties = _penalties(d)
    program = bp.mlp(
        inputs, *units, activation=OWN.get(name, name), loss=loss, penalty=penalties or None,
        **options,
    )  # fmt: skip
    d.features.add("mlp")
    examples = d.integer(1, 9)
    d.values["x"] = d.generator.normal(size=(examples, inputs))
    d.steps.append(_from_input)
    before = inputs
    for number, width in enumerate(units, start=1):
        d.values[f"W{number}"], d.values[f"b{number}"] = d.normal(width, before), d.normal(width)
        d.steps.append(_dense_step(number, output if number == len(units) else name, True))
        before = width
    labels = _target(d, loss, examples, before)
    return _finished(d, program, loss, penalties, labels)


# bp.Network --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Residual:
    """A layer of a user's own: ``a + U tanh(V a)``."""

    width: int

    def equations(self, source: Tensor, number: int) -> tuple[list[bp.Equation], Tensor]:
        n, k = source.indices
        j, h = k.fresh(), bp.Index("h", self.width)
        V, U = bp.parameter(f"V{number}", h, k), bp.parameter(f"U{number}", j, h)
        hidden, r = bp.tensor(f"hidden{number}", n, h), bp.tensor(f"r{number}", n, j)
        return [
            bp.Equation(hidden[n, h], sympy.tanh(bp.Sum(V[h, k] * source[n, k], k))),
            bp.Equation(r[n, j], source[n, j] + bp.Sum(U[j, h] * hidden[n, h], h)),
        ], r


@dataclass(frozen=True)
class RowNorm:
    """A layer of a user's own: each row over its mean absolute value, with a gain."""

    def equations(self, source: Tensor, number: int) -> tuple[list[bp.Equation], Tensor]:
        n, k = source.indices
        g, r = bp.parameter(f"g{number}", k), bp.tensor(f"r{number}", n, k)
        size = sympy.Rational(1, 2) + bp.Mean(sympy.Abs(source[n, k]), k)
        return [bp.Equation(r[n, k], g[k] * source[n, k] / size)], r


def _residual_step(number: int) -> Step:
    def step(environment: Environment) -> None:
        a = environment["out"]
        hidden = jnp.tanh(a @ environment[f"V{number}"].T)
        environment["out"] = a + hidden @ environment[f"U{number}"].T

    return step


def _row_norm_step(number: int) -> Step:
    def step(environment: Environment) -> None:
        a = environment["out"]
        environment.distances.append(jnp.min(jnp.abs(a)))
        size = 0.5 + jnp.mean(jnp.abs(a), axis=1, keepdims=True)
        environment["out"] = environment[f"g{number}"] * a / size

    return step


def _network(d: Drawing) -> Example:
    loss = _loss(d)
    inputs, units = _sizes(d, loss)
    layers: list[Any] = []
    d.steps.append(_from_input)
    number, before = 0, inputs
    for position, width in enumerate(units):
        last = position == len(units) - 1
        if not last and d.chance(0.15) and before > 1:
            number += 1
            kind = d.choice(["residual layer", "normalising layer"])
            d.features.add(kind)
            if kind == "residual layer":
                hidden = d.integer(1, 6)
                layers.append(Residual(hidden))
                d.values[f"V{number}"] = d.normal(hidden, before)
                d.values[f"U{number}"] = d.normal(before, hidden)
                d.steps.append(_residual_step(number))
            else:
                layers.append(RowNorm())
                d.values[f"g{number}"] = 1 + d.normal(before)
                d.steps.append(_row_norm_step(number))
        name = d.activation()
        if last and loss == "cross_entropy":
            name = "sigmoid"
        elif last and loss != "quadratic":
            name = "identity"
        bias = not d.chance(0.25)
        if not bias:
            d.features.add("without a bias")
        number += 1
        own = OWN.get(name, name)
        if d.chance(0.3):
            layers += [bp.Dense(width, bias=bias), bp.Activation(own)]
            d.features.add("activation layer")
        else:
            layers.append(bp.Dense(width, own, bias=bias))
        d.values[f"W{number}"] = d.normal(width, before)
        if bias:
            d.values[f"b{number}"] = d.normal(width)
        d.steps.append(_dense_step(number, name, bias))
        before = width
    penalties = _penalties(d)
    program = bp.Network(layers, input=inputs, loss=loss, penalty=penalties or None)
    d.features.add("Network")
    examples = d.integer(1, 9)
    d.values["x"] = d.generator.normal(size=(examples, inputs))
    labels = _target(d, loss, examples, before)
    return _finished(d, program, loss, penalties, labels)


# bp.Program --------------------------------------------------------------------------------------


class Growing:
    """Equations in the making: the batch's index and the tensors that a skip may reach."""

    def __init__(self, d: Drawing, n: bp.Index, x: Tensor) -> None:
        self.d, self.n = d, n
        self.pool = [x]
        self.count = 0

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def parameter(self, stem: str, *indices: bp.Index, share: bool = False) -> Tensor:
        shape = tuple(i.extent for i in indices)
        fitting = [p for p in self.d.parameters if p.shape == shape]
        if share and fitting:
            self.d.features.add("shared parameters")
            return self.d.choice(fitting)
        made = bp.parameter(self.name(stem), *indices)
        self.d.values[made.name] = self.d.normal(*shape) + (0 if len(shape) > 1 else 0.5)
        self.d.parameters.append(made)
        return made

    def define(self, body: Any, value: Step, *indices: bp.Index) -> Tensor:
        """Define a tensor by an equation, and by a formula of JAX's."""
        made = bp.tensor(self.name("a"), *indices)
        self.d.equations.append(bp.Equation(made[indices] if indices else made, body))

        def step(environment: Environment) -> None:
            environment[made.name] = value(environment)

        self.d.steps.append(step)
        return made

    def feature(self, name: str) -> None:
        self.d.features.add(name)


Move = Callable[[Growing, Tensor, int], Tensor]


def _function(name: str) -> Any:
    return OWN.get(name) or ACTIVATIONS[name]


def _dense_move(g: Growing, a: Tensor, width: int) -> Tensor:
    n, k, j = g.n, a.indices[1].fresh(), bp.Index("j", width)
    W = g.parameter("W", j, k, share=True)
    b = g.parameter("b", j, share=True) if g.d.chance(0.7) else None
    name = g.d.activation()
    z = bp.Sum(W[j, k] * a[n, k], k) + (b[j] if b is not None else 0)

    def value(e: Environment) -> Any:
        return e.apply(name, e[a.name] @ e[W.name].T + (e[b.name] if b is not None else 0))

    return g.define(_function(name)(z), value, n, j)


def _repeated_move(g: Growing, a: Tensor, width: int) -> Tensor:
    """The same weights twice in a row: ``tanh(W tanh(W a))``."""
    g.feature("shared parameters")
    n, (_, k) = g.n, a.indices
    j = k.fresh()
    W = g.parameter("W", j, k)
    first = g.define(
        sympy.tanh(bp.Sum(W[j, k] * a[n, k], k)),
        lambda e: jnp.tanh(e[a.name] @ e[W.name].T), n, j,
    )  # fmt: skip
    return g.define(
        sympy.tanh(bp.Sum(W[j, k] * first[n, k], k)),
        lambda e: jnp.tanh(e[first.name] @ e[W.name].T), n, j,
    )  # fmt: skip


def _transposed_move(g: Growing, a: Tensor, width: int) -> Tensor:
    """An autoencoder's tied weights: ``Wᵀ σ(W a)``."""
    g.feature("tied weights")
    n, k = g.n, a.indices[1].fresh()
    j = bp.Index("j", min(width, 8))
    W = g.parameter("W", j, k)
    h = g.define(
        bp.sigmoid(bp.Sum(W[j, k] * a[n, k], k)),
        lambda e: 1 / (1 + jnp.exp(-(e[a.name] @ e[W.name].T))), n, j,
    )  # fmt: skip
    return g.define(bp.Sum(W[j, k] * h[n, j], j), lambda e: e[h.name] @ e[W.name], n, k)


def _skip_move(g: Growing, a: Tensor, width: int) -> Tensor:
    g.feature("skip connection")
    n, j = g.n, a.indices[1].fresh()
    others = [t for t in g.pool if t.shape == a.shape]
    other = g.d.choice(others) if others else a
    p = g.parameter("p", j)
    if g.d.chance(0.5):
        return g.define(
            p[j] * a[n, j] + (1 - p[j]) * other[n, j],
            lambda e: e[p.name] * e[a.name] + (1 - e[p.name]) * e[other.name], n, j,
        )  # fmt: skip
    return g.define(
        a[n, j] + bp.sigmoid(p[j] * a[n, j]) * other[n, j],
        lambda e: e[a.name] + e[other.name] / (1 + jnp.exp(-e[p.name] * e[a.name])), n, j,
    )  # fmt: skip


def _bilinear_move(g: Growing, a: Tensor, width: int) -> Tensor:
    g.feature("bilinear equation")
    n, i, k = g.n, a.indices[1].fresh(), bp.Index("k", min(width, 7))
    others = [t for t in g.pool if t.shape[1] <= 13]
    other = g.d.choice(others) if others and a.shape[1] <= 13 else a
    j = other.indices[1].fresh()
    if a.shape[1] * j.extent <= 200:
        B = g.parameter("B", k, i, j)
        return g.define(
            SQUASH(bp.Sum(B[k, i, j] * a[n, i] * other[n, j], i, j)),
            lambda e: FUNCTIONS["squash"](
                jnp.einsum("kij,ni,nj->nk", e[B.name], e[a.name], e[other.name])
            ),
            n, k,
        )  # fmt: skip
    P, Q = g.parameter("P", k, i), g.parameter("Q", k, j, share=True)
    return g.define(
        bp.Sum(P[k, i] * a[n, i], i) * bp.Sum(Q[k, j] * other[n, j], j),
        lambda e: (e[a.name] @ e[P.name].T) * (e[other.name] @ e[Q.name].T), n, k,
    )  # fmt: skip


def _normalising_move(g: Growing, a: Tensor, width: int) -> Tensor:
    g.feature("normalising equation")
    n, (_, j) = g.n, a.indices
    k = j.fresh()
    half = sympy.Rational(1, 2)
    kind = g.d.choice(["layer", "absolute", "root mean square", "softmax", "batch"])
    g.feature(f"{kind} normalisation")
    if kind == "layer":
        p, q = g.parameter("p", j), g.parameter("q", j)
        mean = bp.Mean(a[n, k], k)
        variance = bp.Mean((a[n, k] - bp.Mean(a[n, j], j)) ** 2, k)
        body = p[j] * (a[n, j] - mean) / sympy.sqrt(variance + half) + q[j]

        def value(e: Environment) -> Any:
            u = e[a.name]
            centred = u - jnp.mean(u, axis=1, keepdims=True)
            return (
                e[p.name] * centred / jnp.sqrt(jnp.var(u, axis=1, keepdims=True) + 0.5) + e[q.name]
            )

        return g.define(body, value, n, j)
    if kind == "absolute":
        body = a[n, j] / (half + bp.Sum(sympy.Abs(a[n, k]), k))

        def value(e: Environment) -> Any:
            u = e[a.name]
            e.distances.append(jnp.min(jnp.abs(u)))
            return u / (0.5 + jnp.sum(jnp.abs(u), axis=1, keepdims=True))

        return g.define(body, value, n, j)
    if kind == "root mean square":
        p = g.parameter("p", j)
        return g.define(
            p[j] * a[n, j] / sympy.sqrt(bp.Mean(a[n, k] ** 2, k) + half),
            lambda e: (
                e[p.name] * e[a.name]
                / jnp.sqrt(jnp.mean(e[a.name] ** 2, axis=1, keepdims=True) + 0.5)
            ),
            n, j,
        )  # fmt: skip
    if kind == "softmax":
        return g.define(
            a[n, j] * bp.softmax(2 * a[n, j], j),
            lambda e: e[a.name] * jax.nn.softmax(2 * e[a.name], axis=1), n, j,
        )  # fmt: skip
    m = n.fresh()
    p = g.parameter("p", j)
    centred = a[n, j] - bp.Mean(a[m, j], m)
    return g.define(
        a[n, j] + p[j] * centred / sympy.sqrt(bp.Mean(a[m, j] ** 2, m) + half),
        lambda e: (
            e[a.name] + e[p.name] * (e[a.name] - jnp.mean(e[a.name], axis=0))
            / jnp.sqrt(jnp.mean(e[a.name] ** 2, axis=0) + 0.5)
        ),
        n, j,
    )  # fmt: skip


def _attention_move(g: Growing, a: Tensor, width: int) -> Tensor:
    """Softmax attention among the features of an example, or among the examples."""
    n, (_, j) = g.n, a.indices
    k, m = j.fresh(), g.n.fresh()
    q, v = g.parameter("q", j), g.parameter("v", j)
    if g.d.chance(0.5):
        g.feature("attention among features")
        P = g.define(
            bp.softmax(q[j] * a[n, j] * a[n, k], k),
            lambda e: jax.nn.softmax((e[q.name] * e[a.name])[:, :, None] * e[a.name][:, None, :]),
            n, j, k,
        )  # fmt: skip
        return g.define(
            bp.Sum(P[n, j, k] * v[k] * a[n, k], k),
            lambda e: jnp.einsum("njk,nk->nj", e[P.name], e[v.name] * e[a.name]), n, j,
        )  # fmt: skip
    g.feature("attention among examples")
    S = g.define(
        bp.Sum(q[j] * a[n, j] * a[m, j], j) / sympy.sqrt(j.extent),
        lambda e: (e[q.name] * e[a.name]) @ e[a.name].T / np.sqrt(j.extent), n, m,
    )  # fmt: skip
    return g.define(
        bp.Sum(bp.softmax(S[n, m], m) * a[m, j], m) * v[j],
        lambda e: (jax.nn.softmax(e[S.name], axis=1) @ e[a.name]) * e[v.name], n, j,
    )  # fmt: skip


def _constant_move(g: Growing, a: Tensor, width: int) -> Tensor:
    g.feature("constant")
    n, j = g.n, a.indices[1].fresh()
    number = round(float(g.d.generator.uniform(0.3, 0.9)), 2)
    c, s = bp.constant(g.name("c"), number), g.parameter("s")
    return g.define(
        sympy.sin(a[n, j] / c) * c + s * a[n, j],
        lambda e: jnp.sin(e[a.name] / number) * number + e[s.name] * e[a.name], n, j,
    )  # fmt: skip


def _recurrent_move(g: Growing, a: Tensor, width: int) -> Tensor:
    """A recurrence along the features: ``h[t] = tanh(w h[t - 1] + v[t] a[t])``."""
    g.feature("recurrence")
    n, t = g.n, bp.Index("t", a.shape[1], sequential=True)
    w, v = g.parameter("w"), g.parameter("v", t)
    h = bp.tensor(g.name("h"), n, t)
    before = bp.where(sympy.Gt(t, 0), h[n, t - 1], 0)
    g.d.equations.append(bp.Equation(h[n, t], sympy.tanh(w * before + v[t] * a[n, t])))

    def step(e: Environment) -> None:
        state, states = jnp.zeros(e[a.name].shape[0]), []
        for column in range(a.shape[1]):
            state = jnp.tanh(e[w.name] * state + e[v.name][column] * e[a.name][:, column])
            states.append(state)
        e[h.name] = jnp.stack(states, axis=1)

    g.d.steps.append(step)
    return h


MOVES: tuple[Move, ...] = (
    _dense_move, _repeated_move, _transposed_move, _skip_move, _bilinear_move, _normalising_move,
    _attention_move, _constant_move, _recurrent_move,
)  # fmt: skip


def _equations(d: Drawing) -> Example:
    loss = _loss(d)
    inputs, units = _sizes(d, loss, widest=20)
    n = bp.Index("n", d.choice(["N", "N", "N", d.integer(1, 9)]))
    examples = n.extent if isinstance(n.extent, int) else d.integer(1, 9)
    x = bp.input("x", n, bp.Index("k", inputs))
    d.values["x"] = d.generator.normal(size=(examples, inputs))
    g = Growing(d, n, x)
    a = x
    for position, width in enumerate(units[:-1]):
        move = d.choice(MOVES) if position else _dense_move
        if a.shape[1] == 1 and move in (_normalising_move, _attention_move):
            move = _dense_move  # of one number, a normalised row is constant
        a = move(g, a, width)
        g.pool.append(a)
    output = _output(g, a, units[-1], loss)
    d.steps.append(lambda e: e.update(out=e[output.name]))
    labels = _target(d, loss, examples, units[-1])
    y = bp.target("y", n, output.indices[1], kind=COSTS[loss].target_kind)
    penalties = _penalties(d)
    body = COSTS[loss](output, y)
    weights = [p for p in d.parameters if p.rank > 1]
    for penalty in penalties:
        body += penalty.term(weights)
    C = bp.tensor("C")
    program = bp.Program([*d.equations, bp.Equation(C, body)], cost=C, output=output)
    d.features.add("Program")
    return _finished(d, program, loss, penalties, labels)


def _output(g: Growing, a: Tensor, width: int, loss: str) -> Tensor:
    n, k, j = g.n, a.indices[1].fresh(), bp.Index("j", width)
    W = g.parameter("W", j, k, share=True)
    z = bp.Sum(W[j, k] * a[n, k], k)
    if loss != "cross_entropy":
        return g.define(z, lambda e: e[a.name] @ e[W.name].T, n, j)
    return g.define(bp.sigmoid(z), lambda e: 1 / (1 + jnp.exp(-(e[a.name] @ e[W.name].T))), n, j)
