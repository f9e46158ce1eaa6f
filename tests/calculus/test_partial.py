"""Partial derivatives of a body, by rule."""

from typing import Any

import pytest
import sympy

import symbp as bp
from symbp.calculus.partial import partial
from symbp.notation.singular import absorbing_product
from symbp.notation.tensor import Element

w, x, y = (bp.parameter(name)[()] for name in "wxy")


@pytest.mark.parametrize(
    ("body", "element", "expected"),
    [
        (x + 2 * y, y, 2),
        (x - y, y, -1),
        (x * y * w, y, x * w),
        (x / y, x, 1 / y),
        (absorbing_product(w, 3 * x), x, 3 * w),
        (absorbing_product(w, 3 * x), w, 3 * x),
        (absorbing_product(w, 3 * x), y, 0),
        (absorbing_product(2 * w, x), w, 2 * x),
        (bp.where(w > 0, x * y, y), y, bp.where(w > 0, x, 1)),
        (bp.where(y > 0, x, 1), y, 0),
        (bp.stop_gradient(y) * y, y, bp.stop_gradient(y)),
        (sympy.Integer(3), y, 0),
        (y, y, 1),
    ],
    ids=str,
)
def test_a_derivative_by_one_element(body: Any, element: Element, expected: Any) -> None:
    assert partial(body, element) == expected
