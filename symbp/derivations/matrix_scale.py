"""matrix_scale: a matrix times scalars, as it is written: a number, scalars, a division line."""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.matrix_tree import Fraction, Matrix, Product, Scalar, Scale

__all__ = ["scaled"]


def scaled(scalars: Sequence[Matrix], matrix: Matrix) -> Matrix:
    """Return a scalar multiple: a number, then scalars, what divides below a line."""
    numbers: Expr = sympy.S.One
    others: list[Matrix] = []
    below: list[Matrix] = []
    waiting = list(scalars)
    while isinstance(matrix, (Scale, Fraction)):
        if isinstance(matrix, Fraction):
            below.append(matrix.below)
            matrix = matrix.above
        elif isinstance(matrix.by, Scalar):
            numbers, matrix = numbers * matrix.by.value, matrix.of
        else:
            break
    while waiting:
        scalar = waiting.pop(0)
        if isinstance(scalar, Scalar):
            numbers *= scalar.value
        elif isinstance(scalar, Fraction):
            below.append(scalar.below)
            waiting.insert(0, scalar.above)
        elif isinstance(scalar, Scale):
            waiting[:0] = [scalar.by, scalar.of]
        else:
            others.append(scalar)
    if below:  # a number such as 1/N or 2/3 stands before the fraction, a whole one above the line
        whole, numbers = (numbers, sympy.S.One) if numbers.is_Integer else (sympy.S.One, numbers)
        if whole.is_negative:
            whole, numbers = -whole, -numbers
        matrix = _multiple(whole, others, matrix)
        under = below[0] if len(below) == 1 else Product(tuple(below))
        return _multiple(numbers, [], Fraction(matrix, under))
    return _multiple(numbers, others, matrix)


def _multiple(number: Expr, scalars: Sequence[Matrix], matrix: Matrix) -> Matrix:
    one = Scalar(sympy.S.One)
    for scalar in reversed(scalars):
        matrix = scalar if matrix == one else Scale(scalar, matrix)
    if number == 1:
        return matrix
    return Scalar(number) if matrix == one else Scale(Scalar(number), matrix)
