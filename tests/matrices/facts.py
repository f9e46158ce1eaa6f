"""The tables of formulas, read, and their values at random, by NumPy."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

import symbp as bp
from symbp.matrices.assumptions import drawn
from symbp.matrices.evaluate import Evaluator
from symbp.matrices.parser import parse
from symbp.matrices.shapes import Shapes

HERE = Path(__file__).parent
Entry = dict[str, Any]


def entries(name: str) -> list[Entry]:
    found: list[Entry] = tomllib.loads((HERE / name).read_text(encoding="utf-8"))["entry"]
    return found


def formula_of(entry: Entry) -> bp.Formula:
    shapes = {name: tuple(shape) for name, shape in entry["shapes"].items()}
    return bp.formula(entry["formula"], assume=entry.get("assumptions"), **shapes)


def derivative_of(entry: Entry) -> bp.MatrixDerivative:
    f = formula_of(entry)
    return {1: f.gradient, 2: f.hessian, "jacobian": f.jacobian}[entry["order"]](entry["wrt"])


def largest_difference(derivative: bp.MatrixDerivative, form: str, draws: int = 3) -> float:
    """Return how far a derivative is from another form of it, relatively, at random values."""
    of = derivative.formula
    shapes = Shapes(of.shapes)
    node = shapes.infer(parse(form))
    for extent, wanted in zip(node.shape, derivative._extents(), strict=True):
        shapes.unify(extent, wanted, node.tree)
    worst = 0.0
    for draw in range(draws):
        rng = np.random.default_rng([7, draw])
        sizes, values = drawn(of.shapes, of._assumptions, rng)
        wanted = Evaluator(shapes, sizes).value(node, values)
        got = Evaluator(derivative._shapes, sizes).value(derivative._node, values)
        assert got.shape == wanted.shape
        # A rectifier can be off everywhere.
        scale = float(np.abs(wanted).max()) or 1.0
        worst = max(worst, float(np.abs(got - wanted).max()) / scale)
    return worst
