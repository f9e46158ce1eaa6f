"""Derivatives of random formulas agree with differences, and read back as they were written."""

import random
import re

import pytest

import symbp as bp
from symbp.matrices.parser import parse

SHAPES = {
    "a": ("n",), "b": ("n",), "x": ("n",), "u": ("m",), "c": (), "A": ("m", "n"), "B": ("m", "n"),
    "S": ("n", "n"), "T": ("n", "n"), "X": ("n", "n"), "D": ("n", "n"), "Q": ("n", "n"),
}  # fmt: skip
ASSUMED = ["S symmetric", "T positive definite", "c positive", "D diagonal", "Q orthogonal"]
MATRICES = {
    "mn": ["A", "B"],
    "nm": ["A'", "B'"],
    "nn": ["S", "T", "X", "X'", "D", "Q", "eye", "diag(x)", "(a*b')", "(x*x')"],
    "mm": ["(u*u')", "eye", "diag(u)"],
}
INVERSES = ["T", "T + x*x'", "T + diag(exp(x))", "eye + X*X'", "Q", "c*T", "T*T", "T + c*eye"]


class Formulas:
    """Draws formulas of a depth; the letters say the shape."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def matrix(self, shape: str, depth: int) -> str:
        r = self.random
        kind = r.randrange(7) if depth else 6
        if kind == 0:
            left, right = (self.matrix(shape, depth - 1) for _ in range(2))
            return f"({left} {r.choice('+-')} {right})"
        if kind in (1, 2):
            middle = r.choice("mn")
            left, right = shape[0] + middle, middle + shape[1]
            return f"({self.matrix(left, depth - 1)}*{self.matrix(right, depth - 1)})"
        if kind == 3:
            return f"({self.matrix(shape, depth - 1)}.*{self.matrix(shape, depth - 1)})"
        if kind == 4:
            return f"{self.matrix(shape[::-1], depth - 1)}'"
        if kind == 5 and shape == "nn":
            return f"inv({r.choice(INVERSES)})"
        return r.choice(MATRICES[shape])

    def vector(self, n: str, depth: int) -> str:
        r = self.random
        if not depth:
            return r.choice({"n": ["a", "b", "x", "x", "diag(X)"], "m": ["u", "u", "(A*x)"]}[n])
        part, middle = self.vector(n, depth - 1), r.choice("mn")
        return r.choice(
            [
                f"({part} {r.choice('+-')} {self.vector(n, depth - 1)})",
                f"({self.matrix(n + middle, depth - 1)}*{self.vector(middle, depth - 1)})",
                f"({part}.*{self.vector(n, depth - 1)})",
                f"{r.choice(['sin', 'tanh', 'exp', 'sigmoid', 'softmax', 'abs'])}({part})",
                f"{part}.^2",
                f"({self.scalar(depth - 1)}*{part})",
            ]
        )

    def scalar(self, depth: int) -> str:
        r, n = self.random, self.random.choice("mn")
        if not depth:
            return r.choice(["c", "(a'*x)", "(x'*S*x)", "norm2(x)^2", "tr(X)", "2"])
        part = self.vector(n, depth - 1)
        return r.choice(
            [
                f"({part}'*{self.vector(n, depth - 1)})",
                f"tr({self.matrix('nn', depth - 1)})",
                f"sum({part})",
                f"norm2({part})^2",
                f"normF({self.matrix('mn', depth - 1)})^2",
                f"log(sum(exp({part})))",
                f"({self.scalar(depth - 1)}*{self.scalar(depth - 1)})",
                f"{self.scalar(depth - 1)}/(1 + norm2({part})^2)",
                f"logdet({r.choice(INVERSES)})",
            ]
        )


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(n, marks=pytest.mark.slow) for n in range(12, 150))]
)
def test_a_random_formula(seed: int) -> None:
    formulas = Formulas(seed)
    written, used = "", set[str]()
    while not used & {"x", "X", "A", "c", "u", "T"}:
        written = formulas.scalar(formulas.random.choice([2, 3]))
        used = set(re.findall(r"\b[a-zA-Z]\b", written))
    f = bp.formula(
        written,
        assume=[text for text in ASSUMED if text[0] in used],
        **{name: shape for name, shape in SHAPES.items() if name in used},
    )
    wrt = formulas.random.choice(sorted(used & {"x", "X", "A", "c", "u", "T"}))
    try:
        found = f.gradient(wrt)  # compared with differences; a fault is an UnsupportedError
    except bp.UnsupportedError as error:
        if "an index would be needed" not in str(error):
            raise
        return
    assert parse(found.ascii()) == found.tree
    assert found.check(draws=4).error < 1e-6
