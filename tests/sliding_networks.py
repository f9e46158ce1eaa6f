"""Small networks in which windows slide, by layers and by equations as a user writes them."""

from collections.abc import Callable

import symbp as bp

END = [bp.Flatten(), bp.Dense(2)]


def layers(given: list[object], shape: tuple[int, ...]) -> bp.Program:
    """Return a network of layers with a dense one behind."""
    return bp.Network([*given, *END], input=shape, loss="mean_squared_error")


def pictures() -> bp.Program:
    """Two convolutions, each with a pooling whose windows do not cover everything."""
    return layers(
        [bp.Conv2d(4, 3), bp.Activation("relu"), bp.MaxPool2d(2), bp.Conv2d(4, 2)], (1, 7, 6)
    )


def sequences() -> bp.Program:
    """Convolutions over sequences with a stride and a dilation, and guarded edges."""
    return layers(
        [bp.Conv1d(4, 3, stride=2, padding=1), bp.Activation("tanh"), bp.Conv1d(4, 2, dilation=2)],
        (3, 11),
    )


def transposed() -> bp.Program:
    """A transposed convolution after a convolution."""
    return layers([bp.Conv1d(4, 3), bp.ConvTranspose1d(5, 3, stride=2, padding=1)], (4, 7))


def groups() -> bp.Program:
    """A depthwise convolution and one in groups."""
    return layers([bp.Conv2d(4, 3, groups=4), bp.Conv2d(8, 2, groups=2)], (4, 6, 5))


def averages() -> bp.Program:
    """Overlapping means of windows between two convolutions."""
    return layers([bp.Conv2d(4, 2), bp.AvgPool2d(2, stride=1), bp.Conv2d(4, 2)], (4, 6, 5))


def volumes() -> bp.Program:
    """A convolution over three axes, by an equation, after one that mixes channels."""
    n, c, u, v, w = bp.indices("n c u v w", "N", 2, 3, 4, 3)
    o, i, j, k = bp.indices("o i j k", 4, 2, 3, 2)
    p, q, r = bp.indices("p q r", 2, 2, 2)
    s, t = bp.indices("s t", 4, 2)
    x, y = bp.input("x", n, c, u, v, w), bp.target("y", n, t)
    M, W = bp.parameter("M", s, c), bp.parameter("W", o, s, p, q, r)
    V = bp.parameter("V", t, o, i, j, k)
    h, z, f = bp.tensor("h", n, s, u, v, w), bp.tensor("z", n, o, i, j, k), bp.tensor("f", n, t)
    C = bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(h[n, s, u, v, w], bp.tanh(bp.Sum(M[s, c] * x[n, c, u, v, w], c))),
            bp.Equation(
                z[n, o, i, j, k],
                bp.Sum(W[o, s, p, q, r] * h[n, s, i + p, j + q, k + r], s, p, q, r),
            ),
            bp.Equation(f[n, t], bp.Sum(V[t, o, i, j, k] * bp.sin(z[n, o, i, j, k]), o, i, j, k)),
            bp.Equation(C, bp.Mean((f[n, t] - y[n, t]) ** 2, n, t)),
        ],
        cost=C,
        output=f,
    )


SLIDING: dict[str, Callable[[], bp.Program]] = {
    made.__name__: made
    for made in (pictures, sequences, transposed, groups, averages, volumes)
}  # fmt: skip
