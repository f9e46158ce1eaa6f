"""GradBench's programs in JAX, in float64, as functions of the arguments by name.

They share nothing with the equations: whole arrays, linear algebra and loops of JAX's own.
"""

from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as special

jax.config.update("jax_enable_x64", True)


def gmm(alpha: Any, mu: Any, q: Any, l: Any, x: Any, **_: Any) -> Any:
    """Return the logarithm of the posterior of a mixture of Gaussians."""
    K, d = mu.shape
    gamma, m = 1.0, 2
    rows, columns = jnp.triu_indices(d, 1)[::-1]
    factor = jax.vmap(jnp.diag)(jnp.exp(q)).at[:, rows, columns].set(l)
    u = jnp.einsum("kij,nkj->nki", factor, x[:, None] - mu)
    weights = alpha - special.logsumexp(alpha)
    each = special.logsumexp(weights + q.sum(1) - (u**2).sum(2) / 2, axis=1)
    likelihood = each.sum() - x.size / 2 * jnp.log(2 * jnp.pi)
    degrees = d + m + 1
    constant = degrees * d * (jnp.log(gamma) - jnp.log(2) / 2)
    constant -= special.multigammaln(degrees / 2, d)
    prior = gamma**2 / 2 * (factor**2).sum() - m * q.sum()
    return likelihood - prior + K * constant


def lstm(main: Any, extra: Any, state: Any, text: Any) -> Any:
    """Return the cost of predicting each character's bits from those before."""
    layers = len(main) // 2

    def step(carry: Any, pair: Any) -> Any:
        seen, following = pair
        value, after = seen * extra[0], []
        for layer in range(layers):
            (wf, wi, wo, wc), (bf, bi, bo, bc) = main[2 * layer], main[2 * layer + 1]
            h, c = carry[layer]
            c = c * jax.nn.sigmoid(value * wf + bf) + jax.nn.sigmoid(h * wi + bi) * jnp.tanh(
                h * wc + bc
            )
            value = jax.nn.sigmoid(value * wo + bo) * jnp.tanh(c)
            after.append((value, c))
        out = value * extra[1] + extra[2]
        return after, following @ (out - jnp.log(2 + jnp.exp(out).sum()))

    start = [(state[2 * layer], state[2 * layer + 1]) for layer in range(layers)]
    _, terms = jax.lax.scan(step, start, (text[:-1], text[1:]))
    return -terms.sum() / text[1:].size


def lse(x: Any) -> Any:
    """Return the logarithm of a sum of exponentials."""
    return special.logsumexp(x)


def llsq(x: Any) -> Any:
    """Return half the squares that a polynomial leaves of the sign."""
    t = jnp.linspace(-1, 1, 9)
    return ((jnp.sign(t) - jnp.vander(t, len(x), increasing=True) @ x) ** 2).sum() / 2


def kmeans(p: Any, c: Any) -> Any:
    """Return the squared distances to the nearest centroids."""
    return ((p[:, None] - c) ** 2).sum(2).min(1).sum()


def project(camera: Any, point: Any) -> Any:
    """Return where a camera sees a point."""
    rotation, centre, focal, principal, (k1, k2) = (
        camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:],
    )  # fmt: skip
    v, square = point - centre, rotation @ rotation
    angle = jnp.sqrt(jnp.where(square == 0, 1.0, square))
    axis = rotation / angle
    turned = (
        v * jnp.cos(angle)
        + jnp.cross(axis, v) * jnp.sin(angle)
        + axis * (axis @ v) * (1 - jnp.cos(angle))
    )
    seen = jnp.where(square == 0, v + jnp.cross(rotation, v), turned)
    flat = seen[:2] / seen[2]
    r2 = flat @ flat
    return focal * flat * (1 + k1 * r2 + k2 * r2**2) + principal


def ba(cam: Any, X: Any, w: Any, seen: Any, which: Any, what: Any) -> Any:
    """Return the errors of all observations, then those of the weights, as one vector."""
    errors = w[:, None] * (jax.vmap(project)(cam[which], X[what]) - seen)
    return jnp.concatenate([errors.ravel(), 1 - w**2])


def ode(x: Any, steps: int = 6, summed: bool = False) -> Any:
    """Return the solution at the time 2."""
    h = 2 / steps
    v = jnp.cumsum(jnp.asarray(x).at[0].set(0)) if summed else x

    def rate(y: Any) -> Any:
        return jnp.concatenate([x[:1], v[1:] * y[:-1]])

    y = jnp.zeros_like(x)
    for _ in range(steps):
        k1 = rate(y)
        k2 = rate(y + h / 2 * k1)
        k3 = rate(y + h / 2 * k2)
        k4 = rate(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def meeting(w: Any, dt: float = 0.1) -> Any:
    """Return where a charge meets the axis, after as many steps as that takes."""

    def potential(x: Any) -> Any:
        charges = jnp.stack([jnp.array([10.0, 0.0]), jnp.array([10.0, 10.0]) - w * jnp.eye(2)[1]])
        return (1 / jnp.linalg.norm(x - charges, axis=1)).sum()

    def step(carry: Any) -> Any:
        x, v = carry
        return x + dt * v, v - dt * jax.grad(potential)(x)

    start = jnp.array([0.0, 8.0]), jnp.array([0.75, 0.0])
    # The last step above the axis, from where the line to the next one is drawn.
    x, v = jax.lax.while_loop(lambda carry: carry[0][1] > 0, step, start)
    return x[0] - x[1] / v[1] * v[0]


def particle(w: Any, dt: float = 0.1) -> Any:
    """Return the square of where a charge meets the axis."""
    return meeting(w, dt) ** 2


def saddle(x: Any, start: Any, steps: int = 20, rate: float = 0.2) -> Any:
    """Return |x|² - |y|² after some steps up from a start in y."""

    def f(y: Any) -> Any:
        return x @ x - y @ y

    y = start
    for _ in range(steps - 1):
        y = y + rate * jax.grad(f)(y)
    return f(y)


def det(A: Any) -> Any:
    """Return the determinant, by JAX's triangular factors."""
    return jnp.linalg.det(A)
