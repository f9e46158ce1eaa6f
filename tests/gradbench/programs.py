"""GradBench's programs as equations: what differentiation tools are compared by.

Their specifications are the READMEs of github.com/gradbench/gradbench, and for four of them
ADBench's (Srajer, Kukelova and Fitzgibbon, "A benchmark of selected algorithmic differentiation
tools on some problems in computer vision and machine learning", 2018). Each function returns a
program and numbers for its arguments, drawn as the specification says, at small sizes.
"""

import math
from itertools import combinations, permutations
from typing import Any

import numpy as np
import scipy.special
import sympy

import symbp as bp

D, E = bp.Derivative, bp.Equation

Example = tuple[bp.Program, dict[str, Any]]


def gmm(seed: int = 0) -> Example:
    """The log-likelihood of a mixture of Gaussians, with a Wishart prior on their precisions.

    The factor of component k's precision has exp(q) on its diagonal, and l below it, packed column
    after column: an integer table says where.
    """
    K, d, N, gamma, m = 4, 3, 11, 1.0, 2
    n, k, i, j, p = bp.indices("n k i j p", "N", K, d, d, d * (d - 1) // 2)
    x = bp.input("x", n, i)
    place = bp.input("place", bp.Index("i", d), bp.Index("j", d), kind="integer")
    alpha, mu = bp.parameter("alpha", k), bp.parameter("mu", k, i)
    q, l = bp.parameter("q", k, i), bp.parameter("l", k, p)
    L, total = bp.tensor("L", k, i, j), bp.tensor("total", k)
    u, s, C = bp.tensor("u", n, k, i), bp.tensor("s", n, k), bp.tensor("C")
    prior = gamma**2 / 2 * bp.Sum(L[k, i, j] ** 2, k, i, j) - m * bp.Sum(total[k], k)
    likelihood = bp.Sum(bp.logsumexp(s[n, k], k) - bp.logsumexp(alpha[k], k), n)
    degrees = d + m + 1
    normaliser = degrees * d * (math.log(gamma) - math.log(2) / 2) - float(
        scipy.special.multigammaln(degrees / 2, d)
    )
    below = bp.where(sympy.Gt(i, j), l[k, place[i, j]], 0)
    equations = [
        E(L[k, i, j], bp.where(sympy.Eq(i, j), bp.exp(q[k, i]), below)),
        E(total[k], bp.Sum(q[k, i], i)),
        E(u[n, k, i], bp.Sum(L[k, i, j] * (x[n, j] - mu[k, j]), j)),
        E(s[n, k], alpha[k] + total[k] - bp.Sum(u[n, k, i] ** 2, i) / 2),
        E(C, likelihood - n.extent * d / 2 * math.log(2 * math.pi) - prior + K * normaliser),
    ]
    generator = np.random.default_rng(seed)
    table = np.zeros((d, d), dtype=int)
    for number, (column, row) in enumerate(combinations(range(d), 2)):
        table[row, column] = number
    values = {
        "alpha": generator.normal(size=K),
        "mu": generator.uniform(size=(K, d)),
        "q": generator.normal(size=(K, d)),
        "l": generator.normal(size=(K, d * (d - 1) // 2)),
        "x": generator.normal(size=(N, d)),
        "place": table,
    }
    return bp.Program(equations, cost=C), values


def lstm(seed: int = 0) -> Example:
    """ADBench's recurrent network, whose matrices are diagonal, and which sees the text in bits.

    The forget and the output gate read what comes from below, the input gate and the change what
    the cell put out before; log-sum-exp has a 2 in its sum.
    """
    layers, characters, bits = 2, 7, 4
    t = bp.Index("t", characters - 1, sequential=True)
    i = bp.Index("i", bits)
    text = bp.input("text", bp.Index("c", characters), i)
    state = bp.input("state", bp.Index("s", 2 * layers), i)
    # The row of 4·bits of the specification, one gate after another.
    main = bp.parameter("main", bp.Index("m", 2 * layers), bp.Index("g", 4), i)
    extra = bp.parameter("extra", bp.Index("e", 3), i)
    first, out, norm = bp.tensor("first", t, i), bp.tensor("out", t, i), bp.tensor("norm", t)
    C = bp.tensor("C")
    # A guard that always holds: that fewer are read than there are is meant so.
    now = bp.where(sympy.Lt(t, characters - 1), text[t, i], 0)
    equations = [E(first[t, i], now * extra[0, i])]
    source = first
    for layer in range(layers):
        h, c = bp.tensor(f"h{layer}", t, i), bp.tensor(f"c{layer}", t, i)
        before = bp.where(t > 0, h[t - 1, i], state[2 * layer, i])
        kept = bp.where(t > 0, c[t - 1, i], state[2 * layer + 1, i])
        forget, enter, leave, change = (
            value * main[2 * layer, gate, i] + main[2 * layer + 1, gate, i]
            for gate, value in enumerate((source[t, i], before, source[t, i], before))
        )
        equations += [
            E(c[t, i], kept * bp.sigmoid(forget) + bp.sigmoid(enter) * bp.tanh(change)),
            E(h[t, i], bp.sigmoid(leave) * bp.tanh(c[t, i])),
        ]
        source = h
    equations += [
        E(out[t, i], source[t, i] * extra[1, i] + extra[2, i]),
        E(norm[t], bp.log(2 + bp.Sum(bp.exp(out[t, i]), i))),
        E(C, -bp.Mean(text[t + 1, i] * (out[t, i] - norm[t]), t, i)),
    ]
    generator = np.random.default_rng(seed)
    values = {
        "main": generator.uniform(size=(2 * layers, 4, bits)),
        "extra": generator.uniform(size=(3, bits)),
        "state": generator.uniform(size=(2 * layers, bits)),
        "text": generator.integers(0, 2, size=(characters, bits)).astype(float),
    }
    return bp.Program(equations, cost=C, output=out), values


def lse(scale: float = 1.0) -> Example:
    """The logarithm of a sum of exponentials, by its greatest term: ``a + log Σ exp(x - a)``."""
    i = bp.Index("i", 9)
    x, a, C = bp.parameter("x", i), bp.tensor("a"), bp.tensor("C")
    equations = [
        E(a, bp.Max(x[i], i)),
        E(C, a + bp.log(bp.Sum(bp.exp(x[i] - a), i))),
    ]
    return bp.Program(equations, cost=C), {"x": scale * np.random.default_rng(0).normal(size=9)}


def llsq() -> Example:
    """Half the squares of what a polynomial leaves of the sign of t, from -1 to 1."""
    points, terms = 9, 5
    i, j = bp.indices("i j", points, terms)
    x, t, C = bp.parameter("x", j), bp.tensor("t", i), bp.tensor("C")
    fitted = bp.Sum(x[j] * t[i] ** j, j)
    equations = [
        E(t[i], -1 + i * sympy.Rational(2, points - 1)),
        E(C, bp.Sum((bp.sign(t[i]) - fitted) ** 2, i) / 2),
    ]
    return bp.Program(equations, cost=C), {"x": np.random.default_rng(0).normal(size=terms)}


def kmeans(seed: int = 0) -> Example:
    """The squared distances to the nearest of k centroids, and Newton's step.

    The Hessian is diagonal, and only its diagonal is asked for: ∂²f/∂c² of each coordinate.
    """
    N, K, dimensions = 12, 3, 2
    n, k, d = bp.indices("n k d", "N", K, dimensions)
    p, c = bp.input("p", n, d), bp.parameter("c", k, d)
    f, direction = bp.tensor("f"), bp.tensor("direction", k, d)
    equations = [
        E(f, bp.Sum(bp.Min(bp.Sum((c[k, d] - p[n, d]) ** 2, d), k), n)),
        E(direction[k, d], D(f, c[k, d]) / D(f, (c[k, d], 2))),
    ]
    points = np.random.default_rng(seed).normal(size=(N, dimensions))
    # So each centroid is the nearest of at least one point: near it.
    values = {"p": points, "c": points[:K] + 0.01}
    return bp.Program(equations, cost=f, output=direction), values


def ba(seed: int = 0, **given: Any) -> Example:
    """Bundle adjustment: by how much the picture of a point misses where it was observed.

    A camera is a rotation (axis times angle), a centre, a focal length, a principal point and two
    radial distortions. What an observation reads has equations of its own, so that the Jacobian is
    one block for each observation, ``∂e[p, a]/∂camera[p, i]``: what is not 0, and nothing else.
    """
    cameras, points, P = 3, 4, 6
    p, a, i, j, c = bp.indices("p a i j c", "P", 2, 3, 3, 11)
    cam = bp.parameter("cam", bp.Index("m", cameras), c)
    X = bp.parameter("X", bp.Index("m", points), i)
    w, seen = bp.input("w", p), bp.input("seen", p, a)
    which, what = bp.input("which", p, kind="integer"), bp.input("what", p, kind="integer")
    q, x = bp.tensor("q", p, c), bp.tensor("x", p, i)
    rotation, angle = bp.tensor("rotation", p, i), bp.tensor("angle", p)
    axis, cross = bp.tensor("axis", p, i), bp.tensor("cross", p, i)
    v, r, f = bp.tensor("v", p, i), bp.tensor("r", p, i), bp.tensor("f", p, a)
    square, distorted = bp.tensor("square", p), bp.tensor("distorted", p)
    e, of_weight = bp.tensor("e", p, a), bp.tensor("of_weight", p)
    C = bp.tensor("C")

    def crossed(first: Any, second: Any) -> Any:
        parts = [
            first(1) * second(2) - first(2) * second(1),
            first(2) * second(0) - first(0) * second(2),
            first(0) * second(1) - first(1) * second(0),
        ]
        return bp.where(i <= 0, parts[0], bp.where(i <= 1, parts[1], parts[2]))

    turned = (
        v[p, i] * bp.cos(angle[p])
        + cross[p, i] / angle[p] * bp.sin(angle[p])
        + axis[p, i] * bp.Sum(axis[p, j] * v[p, j], j) * (1 - bp.cos(angle[p]))
    )
    jacobians = {
        name: bp.tensor(name, p, *indices)
        for name, indices in {"by_camera": (a, c), "by_point": (a, i), "by_weight": (a,)}.items()
    }
    equations = [
        E(q[p, c], cam[which[p], c]),
        E(x[p, i], X[what[p], i]),
        # A guard that always holds: that three of eleven are read is meant so.
        E(rotation[p, i], bp.where(i < 3, q[p, i], 0)),
        E(angle[p], bp.norm(rotation[p, i], i)),
        E(axis[p, i], rotation[p, i] / angle[p]),
        E(v[p, i], x[p, i] - q[p, i + 3]),
        E(cross[p, i], crossed(lambda k: rotation[p, k], lambda k: v[p, k])),
        E(r[p, i], bp.where(angle[p] > 0, turned, v[p, i] + cross[p, i])),
        E(f[p, a], bp.where(a < 2, r[p, a], 0) / r[p, 2]),
        E(square[p], bp.Sum(f[p, a] ** 2, a)),
        E(distorted[p], 1 + q[p, 9] * square[p] + q[p, 10] * square[p] ** 2),
        E(
            e[p, a],
            w[p] * (f[p, a] * distorted[p] * q[p, 6] + q[p, a + 7] - seen[p, a]),
        ),
        E(of_weight[p], 1 - w[p] ** 2),
        E(jacobians["by_camera"][p, a, c], D(e[p, a], q[p, c])),
        E(jacobians["by_point"][p, a, i], D(e[p, a], x[p, i])),
        E(jacobians["by_weight"][p, a], D(e[p, a], w[p])),
        E(C, bp.Sum(e[p, a] ** 2, p, a) + bp.Sum(of_weight[p] ** 2, p)),
    ]
    generator = np.random.default_rng(seed)
    centre = np.array([0.1, -0.2, -4.0])
    camera = [*generator.normal(size=3), *centre, 500.0, 320.0, 240.0, -0.1, 0.02]
    values = {
        "cam": np.tile(camera, (cameras, 1)),
        "X": np.tile(generator.normal(size=3), (points, 1)),
        "w": np.full(P, generator.normal()),
        "seen": np.tile(generator.uniform(0, 600, size=2), (P, 1)),
        "which": np.arange(P) % cameras,
        "what": np.arange(P) % points,
    }
    return bp.Program(equations, cost=C, output=e), {**values, **given}


def ode(summed: bool = False) -> Example:
    """``y_0' = x_0``, ``y_i' = v_i y_{i-1}`` to the time 2, by the classical Runge–Kutta method.

    ``v_i`` is x_i, as all of GradBench's tools have it, or ``x_1 + … + x_i``, as its README has it.
    """
    steps, size = 6, 4
    t, i = bp.Index("t", steps, sequential=True), bp.Index("i", size)
    x, v = bp.parameter("x", i), bp.tensor("v", i)
    y = bp.tensor("y", t, i)
    k = [bp.tensor(f"k{stage}", t, i) for stage in range(1, 5)]
    start, end, C = bp.tensor("start", t, i), bp.tensor("end", i), bp.tensor("C")
    h = 2 / steps

    def rate(at: Any) -> Any:
        return bp.where(i > 0, v[i] * at(i - 1), x[0])

    running = bp.cumsum(x[i], i) - x[0]
    equations = [
        E(v[i], running if summed else x[i]),
        E(start[t, i], bp.where(t > 0, y[t - 1, i], 0)),
        E(k[0][t, i], rate(lambda m: start[t, m])),
        E(k[1][t, i], rate(lambda m: start[t, m] + h / 2 * k[0][t, m])),
        E(k[2][t, i], rate(lambda m: start[t, m] + h / 2 * k[1][t, m])),
        E(k[3][t, i], rate(lambda m: start[t, m] + h * k[2][t, m])),
        E(
            y[t, i],
            start[t, i] + h / 6 * (k[0][t, i] + 2 * k[1][t, i] + 2 * k[2][t, i] + k[3][t, i]),
        ),
        E(end[i], y[steps - 1, i]),
        E(C, end[size - 1]),
    ]
    values = {"x": np.random.default_rng(0).uniform(0.5, 1.5, size=size)}
    return bp.Program(equations, cost=C, output=end), values


def det_by_permutations(size: int = 4) -> Example:
    """The determinant as Leibniz has it: a signed product for each permutation."""
    i, j = bp.indices("i j", size, size)
    s = bp.Index("s", math.factorial(size))
    A, C = bp.parameter("A", i, j), bp.tensor("C")
    column, sign = bp.input("column", s, i, kind="integer"), bp.input("sign", s)
    equation = E(C, bp.Sum(sign[s] * bp.Prod(A[i, column[s, i]], i), s))
    columns = list(permutations(range(size)))
    signs = [round(np.linalg.det(np.eye(size)[list(p)])) for p in columns]
    values = {
        "A": np.random.default_rng(0).normal(size=(size, size)),
        "column": np.array(columns),
        "sign": np.array(signs, dtype=float),
    }
    return bp.Program([equation], cost=C), values


def det_by_minors(size: int = 4) -> Example:
    """The determinant by expansion along the rows, each minor once: 2ⁿ of them, not n!.

    Minor (r, S) is that of the first r + 1 rows and the columns S, a set that is counted in bits.
    Where S has another number of columns it is of no use, and nobody reads it.
    """
    r = bp.Index("r", size, sequential=True)
    i, j, S = bp.indices("i j S", size, size, 2**size)
    A, minor, C = bp.parameter("A", i, j), bp.tensor("minor", r, S), bp.tensor("C")
    without, sign = bp.input("without", S, j, kind="integer"), bp.input("sign", S, j)
    smaller = bp.where(r > 0, minor[r - 1, without[S, j]], 1)
    equations = [
        E(minor[r, S], bp.Sum(sign[S, j] * A[r, j] * smaller, j)),
        E(C, minor[size - 1, 2**size - 1]),
    ]
    sets = np.arange(2**size)[:, None]
    columns = np.arange(size)
    inside = sets >> columns & 1
    after = inside[:, ::-1].cumsum(1)[:, ::-1] - inside
    values = {
        "A": np.random.default_rng(0).normal(size=(size, size)),
        "without": sets & ~(1 << columns),
        "sign": inside * (-1.0) ** after,
    }
    return bp.Program(equations, cost=C), values


def particle(w: float = 0.0, dt: float = 0.1) -> Example:
    """A charge that two fixed charges repel, and the square of where it meets the x-axis.

    Euler's method; the force is minus the gradient of the potential, a derivative inside of a
    recurrence. There are more steps than it takes for any w up to 0.5, where the specification has
    a loop that ends at the axis: a number of steps that depends on values cannot be said. What
    comes after the first step below the axis is not read.
    """
    steps = round(40 / dt)
    t, i = bp.Index("t", steps, sequential=True), bp.Index("i", 2)
    w_, C = bp.parameter("w", initial=("constant", 0.0)), bp.tensor("C")
    place, speed = bp.tensor("place", t, i), bp.tensor("speed", t, i)
    potential, force = bp.tensor("potential", t), bp.tensor("force", t, i)
    above, met = bp.tensor("above", t), bp.tensor("met", t)

    def away(x: float, y: Any) -> Any:
        return 1 / bp.sqrt((place[t, 0] - x) ** 2 + (place[t, 1] - y) ** 2)

    lasts = -place[t, 1] / speed[t, 1]
    first = bp.where(place[t, 1] <= 0, bp.where(t > 0, above[t - 1], 1), 0)
    equations = [
        E(place[t, i], bp.where(t > 0, place[t - 1, i] + dt * speed[t - 1, i], 8 * i)),
        E(potential[t], away(10.0, 10 - w_) + away(10.0, 0.0)),
        E(force[t, i], -D(potential[t], place[t, i])),
        E(
            speed[t, i],
            bp.where(t > 0, speed[t - 1, i] + dt * force[t - 1, i], bp.where(i > 0, 0, 0.75)),
        ),
        E(above[t], bp.where(place[t, 1] <= 0, 0, bp.where(t > 0, above[t - 1], 1))),
        E(met[t], bp.where(first > 0, place[t, 0] + lasts * speed[t, 0], 0)),
        E(C, bp.Sum(met[t], t) ** 2),
    ]
    return bp.Program(equations, cost=C), {"w": np.array(w)}


def saddle() -> Example:
    """``min_x max_y f(x, y)`` of ``f = |x|² - |y|²``: the cost of x is f after an ascent in y."""
    steps, rate = 20, 0.2
    t, i = bp.Index("t", steps, sequential=True), bp.Index("i", 2)
    start, x, C = bp.input("start", i), bp.parameter("x", i), bp.tensor("C")
    y, f, slope = bp.tensor("y", t, i), bp.tensor("f", t), bp.tensor("slope", t, i)
    greatest = bp.tensor("greatest", i)
    equations = [
        E(y[t, i], bp.where(t > 0, y[t - 1, i] + rate * slope[t - 1, i], start[i])),
        E(f[t], bp.Sum(x[i] ** 2, i) - bp.Sum(y[t, i] ** 2, i)),
        E(slope[t, i], D(f[t], y[t, i])),
        E(greatest[i], y[steps - 1, i]),
        E(C, f[steps - 1]),
    ]
    values = {"start": np.array([0.8, -1.3]), "x": np.array([0.8, -1.3])}
    return bp.Program(equations, cost=C, output=greatest), values
