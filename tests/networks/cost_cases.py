"""Costs, and the functions of JAX and PyTorch that they are compared with.

The arrays that are compared are parameters here, so that gradients by all of them are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symbp as bp
from symbp.networks.costs import cost

jax.config.update("jax_enable_x64", True)

BATCH = 5


@dataclass(frozen=True)
class CostCase:
    """A cost of arrays: those that it is differentiated by, and those that are given.

    ``equation`` maps tensors to equations and an expression; ``jax`` maps arrays, in the order of
    ``shapes`` and ``given``, to a number; ``torch`` maps ``torch.nn.functional`` and tensors to
    one.
    """

    equation: Callable[..., Any]
    shapes: dict[str, tuple[int, ...]]
    given: dict[str, Any]
    jax: Callable[..., Any]
    torch: Callable[..., Any] | None = None
    positive: bool = False


def arrays_of(case: CostCase, seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    values = {name: generator.normal(size=shape) for name, shape in case.shapes.items()}
    if case.positive:
        values = {name: np.exp(value) for name, value in values.items()}
    return {**values, **{name: np.asarray(value) for name, value in case.given.items()}}


def program_of(case: CostCase) -> bp.Program:
    tensors = []
    for name, shape in case.shapes.items():
        n = bp.Index("n", shape[0])
        tensors.append(
            bp.parameter(name, n, *(bp.Index("jk"[i], s) for i, s in enumerate(shape[1:])))
        )
    for name, value in case.given.items():
        shape = np.shape(value)
        whole = np.issubdtype(np.asarray(value).dtype, np.integer) and name == "words"
        indices = [bp.Index("njk"[i], s) for i, s in enumerate(shape)]
        tensors.append(bp.target(name, *indices, kind="integer" if whole else "real"))
    made = case.equation(*tensors)
    equations, body = made if isinstance(made, tuple) else ([], made)
    C = bp.tensor("C")
    return bp.Program([*equations, bp.Equation(C, body)], cost=C)


def by_name(name: Any) -> Callable[..., Any]:
    return lambda a, y: cost(name).parts(a, y)


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


Y = random(10, BATCH, 3)
LABELS = np.array([2, 0, 1, 2, 2])
ONE_HOT = np.eye(3)[LABELS]
BITS = (Y > 0).astype(float)
SIGNS = 2 * BITS - 1
ROWS = np.exp(Y) / np.exp(Y).sum(1, keepdims=True)
COUNTS = np.array([[0.0, 1, 2], [3, 0, 0], [5, 1, 1], [0, 0, 4], [2, 2, 7]])
WORDS = np.array([[1, 2, 2], [3, 1, 3], [2, 2, 2], [1, 1, 3]])
WEIGHTS = (0.5, 2.0, 1.5)


def two(name: Any, y: Any, in_jax: Any, in_torch: Any = None, positive: bool = False) -> CostCase:
    """Return the case of an output and a target of one shape."""
    return CostCase(by_name(name), {"a": y.shape}, {"y": y}, in_jax, in_torch, positive)


def huber(a: Any, y: Any, delta: float) -> Any:
    d = jnp.abs(a - y)
    return jnp.mean(jnp.where(d <= delta, d**2 / 2, delta * (d - delta / 2)))


def cross_entropy(a: Any, y: Any, smoothing: float = 0.0, weight: Any = (1.0, 1.0, 1.0)) -> Any:
    weight = jnp.asarray(weight)
    soft = (1 - smoothing) * y + smoothing / 3
    return -(weight * soft * jax.nn.log_softmax(a)).sum() / (weight * y).sum()


def focal(a: Any, y: Any, gamma: float, alpha: float | None = None) -> Any:
    p = jax.nn.sigmoid(a)
    right = jnp.where(y == 1, p, 1 - p)
    share = 1.0 if alpha is None else jnp.where(y == 1, alpha, 1 - alpha)
    return jnp.mean(-share * (1 - right) ** gamma * jnp.log(right))


def focal_in_torch(F: Any, a: Any, y: Any, gamma: float, alpha: float | None = None) -> Any:
    entropy = F.binary_cross_entropy_with_logits(a, y, reduction="none")
    p = a.sigmoid()
    right = p * y + (1 - p) * (1 - y)
    share = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    return (share * entropy * (1 - right) ** gamma).mean()


def cosines(a: Any, b: Any) -> Any:
    squares = ((a**2).sum(1) + 1e-12) * ((b**2).sum(1) + 1e-12)
    return (a * b).sum(1) / jnp.sqrt(squares)


def distance(a: Any, b: Any) -> Any:
    return jnp.sqrt(((a - b + 1e-6) ** 2).sum(1))


def triplet(a: Any, p: Any, q: Any, margin: float, swap: bool) -> Any:
    far = distance(a, q)
    far = jnp.minimum(far, distance(p, q)) if swap else far
    return jnp.mean(jnp.maximum(distance(a, p) - far + margin, 0))


def multi_margin(a: Any, y: Any, p: int, margin: float) -> Any:
    own = (a * y).sum(1, keepdims=True)
    return ((1 - y) * jnp.maximum(margin - own + a, 0) ** p).mean()


def ctc(z: Any, words: Any, blank: int) -> Any:
    """Return the cost by adding up all ways of the steps to spell the labels."""
    import itertools

    N, T, K = z.shape
    q = jax.nn.log_softmax(z, axis=-1)
    total = 0.0
    for n in range(N):
        ways = []
        for way in itertools.product(range(K), repeat=T):
            kept = [k for i, k in enumerate(way) if i == 0 or way[i - 1] != k]
            if [k for k in kept if k != blank] == list(words[n]):
                ways.append(way)
        steps = np.asarray(ways)
        total += jax.scipy.special.logsumexp(q[n][np.arange(T), steps].sum(axis=1))
    return -total / N / words.shape[1]


def embedding_in_jax(a: Any, b: Any, y: Any) -> Any:
    value = cosines(a, b)
    return jnp.mean(jnp.where(y > 0, 1 - value, jnp.maximum(value - 0.2, 0)))


PAIRS = {"a": (BATCH, 4), "b": (BATCH, 4)}
TOGETHER = np.array([1.0, -1, -1, 1, -1])

CASES: dict[str, CostCase] = {
    "huber": two(
        "huber", Y, lambda a, y: huber(a, y, 1.0), lambda F, a, y: F.huber_loss(a, y)
    ),
    "Huber with delta": two(
        bp.Huber(0.3), Y, lambda a, y: huber(a, y, 0.3),
        lambda F, a, y: F.huber_loss(a, y, delta=0.3),
    ),
    "smooth_l1": two(
        bp.SmoothL1(0.4), Y, lambda a, y: huber(a, y, 0.4) / 0.4,
        lambda F, a, y: F.smooth_l1_loss(a, y, beta=0.4),
    ),
    "SmoothL1 that is L1": two(
        bp.SmoothL1(0), Y, lambda a, y: jnp.mean(jnp.abs(a - y)),
        lambda F, a, y: F.smooth_l1_loss(a, y, beta=0.0),
    ),
    "log_cosh": two("log_cosh", Y, lambda a, y: jnp.mean(jnp.log(jnp.cosh(a - y)))),
    "quantile": two(
        bp.Quantile(0.9), Y, lambda a, y: jnp.mean(jnp.maximum(0.9 * (y - a), -0.1 * (y - a)))
    ),
    "poisson": two(
        "poisson", COUNTS, lambda a, y: jnp.mean(jnp.exp(a) - y * a),
        lambda F, a, y: F.poisson_nll_loss(a, y),
    ),
    "PoissonNLL of rates, in full": two(
        bp.PoissonNLL(log_input=False, full=True), COUNTS,
        lambda a, y: jnp.mean(
            a - y * jnp.log(a + 1e-8)
            + jnp.where(
                y > 1, y * jnp.log(jnp.maximum(y, 1)) - y
                + jnp.log(2 * jnp.pi * jnp.maximum(y, 1)) / 2, 0,
            )
        ),
        lambda F, a, y: F.poisson_nll_loss(a, y, log_input=False, full=True),
        positive=True,
    ),
    "gaussian_nll": CostCase(
        lambda m, v, y: bp.gaussian_nll(m, y, v, full=True), {"m": Y.shape, "v": Y.shape},
        {"y": Y},
        lambda m, v, y: jnp.mean((jnp.log(v) + (m - y) ** 2 / v + jnp.log(2 * jnp.pi)) / 2),
        lambda F, m, v, y: F.gaussian_nll_loss(m, y, v, full=True),
        positive=True,
    ),
    "GaussianNLL": CostCase(
        by_name(bp.GaussianNLL(full=True)), {"a": (BATCH, 6)}, {"y": Y},
        lambda a, y: jnp.mean(
            (a[:, 3:] + (a[:, :3] - y) ** 2 / jnp.exp(a[:, 3:]) + jnp.log(2 * jnp.pi)) / 2
        ),
        lambda F, a, y: F.gaussian_nll_loss(a[:, :3], y, a[:, 3:].exp(), full=True),
    ),
    "hinge": two("hinge", SIGNS, lambda a, y: jnp.mean(jnp.maximum(0, 1 - y * a))),
    "Hinge squared": two(
        bp.Hinge(0.5, squared=True), SIGNS, lambda a, y: jnp.mean(jnp.maximum(0, 0.5 - y * a) ** 2)
    ),
    "multi_margin": two(
        bp.MultiMargin(), ONE_HOT, lambda a, y: multi_margin(a, y, 1, 1.0),
        lambda F, a, y: F.multi_margin_loss(a, y.argmax(1)),
    ),
    "MultiMargin squared": two(
        bp.MultiMargin(2, margin=0.5), ONE_HOT, lambda a, y: multi_margin(a, y, 2, 0.5),
        lambda F, a, y: F.multi_margin_loss(a, y.argmax(1), p=2, margin=0.5),
    ),
    "CrossEntropy": two(
        bp.CrossEntropy(), ONE_HOT, cross_entropy, lambda F, a, y: F.cross_entropy(a, y)
    ),
    "CrossEntropy smoothed": two(
        bp.CrossEntropy(label_smoothing=0.2), ROWS, lambda a, y: cross_entropy(a, y, 0.2),
        lambda F, a, y: F.cross_entropy(a, y, label_smoothing=0.2),
    ),
    "CrossEntropy weighted": two(
        bp.CrossEntropy(weight=WEIGHTS), ONE_HOT, lambda a, y: cross_entropy(a, y, 0.0, WEIGHTS),
        lambda F, a, y: F.cross_entropy(a, y.argmax(1), weight=a.new_tensor(WEIGHTS)),
    ),
    "CrossEntropy with both": two(
        bp.CrossEntropy(0.1, WEIGHTS), ONE_HOT, lambda a, y: cross_entropy(a, y, 0.1, WEIGHTS),
        lambda F, a, y: F.cross_entropy(
            a, y.argmax(1), weight=a.new_tensor(WEIGHTS), label_smoothing=0.1
        ),
    ),
    "BinaryCrossEntropy": two(
        bp.BinaryCrossEntropy(3.0), BITS,
        lambda a, y: jnp.mean(3 * y * jax.nn.softplus(-a) + (1 - y) * jax.nn.softplus(a)),
        lambda F, a, y: F.binary_cross_entropy_with_logits(a, y, pos_weight=a.new_tensor(3.0)),
    ),
    "focal": two(
        "focal", BITS, lambda a, y: focal(a, y, 2.0),
        lambda F, a, y: focal_in_torch(F, a, y, 2.0),
    ),
    "Focal with alpha": two(
        bp.Focal(1.5, alpha=0.25), BITS, lambda a, y: focal(a, y, 1.5, 0.25),
        lambda F, a, y: focal_in_torch(F, a, y, 1.5, 0.25),
    ),
    "kl_divergence": two(
        "kl_divergence", ROWS,
        lambda a, y: (y * (jnp.log(y) - jax.nn.log_softmax(a))).sum() / BATCH,
        lambda F, a, y: F.kl_div(F.log_softmax(a, -1), y, reduction="batchmean"),
    ),
    "KLDivergence of logarithms": two(
        bp.KLDivergence(log_probabilities=True, log_target=True), np.log(ROWS),
        lambda a, y: (jnp.exp(y) * (y - a)).sum() / BATCH,
        lambda F, a, y: F.kl_div(a, y, reduction="batchmean", log_target=True),
    ),
    "cosine": two(
        "cosine", Y, lambda a, y: jnp.mean(1 - cosines(a, y)),
        lambda F, a, y: F.cosine_embedding_loss(a, y, a.new_ones(len(a))),
    ),
    "cosine_embedding": CostCase(
        lambda a, b, y: bp.cosine_embedding(a, b, y, 0.2), PAIRS, {"y": TOGETHER},
        embedding_in_jax,
        lambda F, a, b, y: F.cosine_embedding_loss(a, b, y, margin=0.2),
    ),
    "triplet_margin": CostCase(
        lambda a, p, q: bp.triplet_margin(a, p, q, 0.7),
        {"a": (BATCH, 4), "p": (BATCH, 4), "q": (BATCH, 4)}, {},
        lambda a, p, q: triplet(a, p, q, 0.7, swap=False),
        lambda F, a, p, q: F.triplet_margin_loss(a, p, q, margin=0.7),
    ),
    "triplet_margin with a swap": CostCase(
        lambda a, p, q: bp.triplet_margin(a, p, q, swap=True),
        {"a": (BATCH, 4), "p": (BATCH, 4), "q": (BATCH, 4)}, {},
        lambda a, p, q: triplet(a, p, q, 1.0, swap=True),
        lambda F, a, p, q: F.triplet_margin_loss(a, p, q, swap=True),
    ),
    "info_nce": CostCase(
        lambda a, b: bp.info_nce(a, b, 0.5), PAIRS, {},
        lambda a, b: -jnp.mean(jnp.diag(jax.nn.log_softmax(a @ b.T / 0.5, axis=1))),
        lambda F, a, b: F.cross_entropy(a @ b.T / 0.5, a.new_tensor(range(len(a))).long()),
    ),
    "ctc": CostCase(
        by_name(bp.CTC(3)), {"a": (4, 6, 4)}, {"words": WORDS},
        lambda a, words: ctc(a, WORDS, 0),
        lambda F, a, words: F.ctc_loss(
            F.log_softmax(a, -1).transpose(0, 1), words, [6] * 4, [3] * 4
        ),
    ),
    "CTC with another blank": CostCase(
        by_name(bp.CTC(2, blank=3)), {"a": (4, 5, 4)}, {"words": WORDS[:, :2] - 1},
        lambda a, words: ctc(a, WORDS[:, :2] - 1, 3),
        lambda F, a, words: F.ctc_loss(
            F.log_softmax(a, -1).transpose(0, 1), words, [5] * 4, [2] * 4, blank=3
        ),
    ),
}  # fmt: skip
