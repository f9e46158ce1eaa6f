"""The recogniser: a scalar body with its indices becomes an expression of vectors and matrices.

Each factor is a matrix together with the indices of its rows and columns. A sum over ``k`` joins
the factors that hold ``k`` into a product; what is left is joined element by element. Where no
textbook notation exists (three axes, shifted or repeated indices) the answer is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.derivations.matrix_scale import scaled
from symbp.derivations.matrix_spread import over_terms
from symbp.derivations.matrix_tree import (
    Apply,
    Diagonal,
    Divide,
    Fraction,
    Hadamard,
    Identity,
    Inverse,
    Matrix,
    Named,
    Norm,
    Ones,
    Plus,
    Power,
    Product,
    Scalar,
    Scale,
    Trace,
    Transpose,
    transposed,
)
from symbp.derivations.order import in_order, matrix_order
from symbp.derivations.patterns import softmax_argument
from symbp.notation import arithmetic, collected
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Factor, Implicit, LogDet, Unknown
from symbp.notation.prime import Prime
from symbp.notation.reductions import LogSumExp, Max, Reduction, Sum
from symbp.notation.tensor import Element

__all__ = ["matrix_form"]


class _NoMatrixFormError(Exception):
    """The expression has no notation in vectors and matrices."""


@dataclass(frozen=True)
class _Factor:
    """A matrix, and the index of its rows and of its columns (one: a column; none: a scalar)."""

    matrix: Matrix
    indices: tuple[Index, ...] = ()


def matrix_form(body: Expr, indices: Sequence[Index]) -> Matrix | None:
    """Return an expression as a matrix with given rows and columns.

    Parameters
    ----------
    body : SymPy expression
        A scalar body; may hold reductions.
    indices : sequence of Index
        Those of the left-hand side: none, the rows', or the rows' and the columns'.

    Returns
    -------
    Matrix or None
        None when there is no matrix form.
    """
    if len(indices) > 2:
        return None
    try:
        return _spread(_factor(body), tuple(indices)).matrix
    except _NoMatrixFormError:
        return None


def _factor(node: Expr) -> _Factor:
    if not node.has(Index):
        return _Factor(Scalar(node))
    if isinstance(node, Element):
        return _of_element(node)
    if isinstance(node, sympy.Add):
        return _of_sum(node)
    if isinstance(node, (sympy.Mul, sympy.Pow)):
        return _of_product(_product_factors(node), ())
    if isinstance(node, Sum):
        return _contracted(node)
    if isinstance(node, (Max, LogSumExp)):
        return _of_reduction(node)
    if isinstance(node, Implicit):
        return _of_implicit(node)
    if isinstance(node, where):
        return _of_choice(node)
    if isinstance(node, Prime):
        function = _of_function(node.application)
        if not isinstance(function.matrix, Apply):
            raise _NoMatrixFormError
        whole = function.matrix
        return _Factor(Apply(whole.function, whole.of, whole.options, True), function.indices)
    if isinstance(node, sympy.Function):
        return _of_function(node)
    raise _NoMatrixFormError


def _of_element(node: Element) -> _Factor:
    if not node.is_plain or node.tensor.rank > 2:
        raise _NoMatrixFormError
    return _Factor(Named(node.tensor), tuple(node.args))


def _of_function(node: sympy.Function) -> _Factor:
    if isinstance(node, sympy.exp):
        parts = softmax_argument(node.args[0])
        if parts is not None:
            argument, reduction = _factor(parts[0]), parts[1]
            if len(argument.indices) != 1 or len(reduction.bound) != 1:
                raise _NoMatrixFormError
            return _Factor(Apply("softmax", argument.matrix), argument.indices)
    first, *options = node.args
    if not all(option.is_number for option in options):
        raise _NoMatrixFormError
    argument = _factor(first)
    return _Factor(Apply(type(node), argument.matrix, tuple(options)), argument.indices)


def _of_reduction(node: Reduction) -> _Factor:
    argument = _factor(node.body)
    if set(argument.indices) != set(node.bound):
        raise _NoMatrixFormError
    return _Factor(Apply(node.operation, argument.matrix))


def _of_choice(node: where) -> _Factor:
    """Return a multiple of the identity matrix."""
    condition, chosen, other = node.args
    if (
        not isinstance(condition, sympy.Eq)
        or other != 0
        or chosen.has(Index)
        or not all(isinstance(side, Index) for side in condition.args)
    ):
        raise _NoMatrixFormError
    same: Matrix = Identity()
    return _Factor(same if chosen == 1 else Scale(Scalar(chosen), same), condition.args)


def _of_implicit(node: Implicit) -> _Factor:
    body, (rows, columns) = node.body, node.bound
    if isinstance(node, LogDet):
        return _Factor(Apply("logdet", _spread(_factor(body), (rows, columns)).matrix))
    matrix = _spread(_factor(body.matrix), (rows, columns)).matrix
    if isinstance(body, Factor):
        return _Factor(Apply("chol", matrix), body.places)
    assert isinstance(body, Unknown)
    right = _factor(body.right)
    others = tuple(index for index in right.indices if index is not rows)
    right = _spread(right, (rows, *others))
    if body.place in others:
        raise _NoMatrixFormError
    inverse = Inverse(matrix)
    if isinstance(right.matrix, Identity):
        return _Factor(inverse, (body.place, *others))
    factors = right.matrix.factors if isinstance(right.matrix, Product) else (right.matrix,)
    return _Factor(Product((inverse, *factors)), (body.place, *others))


def _of_sum(node: Expr) -> _Factor:
    # As in the index form, what keeps the order in which it was written prints in that order.
    given = node.args if isinstance(node, arithmetic.Plus) else in_order(node.args)
    terms = [_factor(term) for term in given]
    indices: tuple[Index, ...] = ()
    for factor in terms:
        if set(indices) <= set(factor.indices):
            indices = factor.indices
        elif not set(factor.indices) <= set(indices):
            indices = (*indices, *(i for i in factor.indices if i not in indices))
    if len(indices) > 2:
        raise _NoMatrixFormError
    return _Factor(Plus(tuple(_spread(factor, indices).matrix for factor in terms)), indices)


def _spread(factor: _Factor, indices: tuple[Index, ...]) -> _Factor:
    """Return a factor with the given indices: transposed, or repeated along those it lacks."""
    matrix, own = factor.matrix, factor.indices
    if own == indices:
        return factor
    if len(own) > len(indices) or not set(own) <= set(indices):
        raise _NoMatrixFormError
    if len(own) == 2:
        return _Factor(transposed(matrix), indices)
    if isinstance(matrix, Scale):
        return _Factor(Scale(matrix.by, _spread(_Factor(matrix.of, own), indices).matrix), indices)
    ones: Matrix = Ones(indices[0].extent)
    if len(indices) == 2:
        other = Ones(indices[1].extent)
        if not own:
            ones = Product((ones, Transpose(other)))
        elif own[0] is indices[0]:
            return _Factor(Product((matrix, Transpose(other))), indices)
        else:
            return _Factor(Product((ones, transposed(matrix))), indices)
    return _Factor(ones if matrix == Scalar(sympy.S.One) else Scale(matrix, ones), indices)


def _product_factors(node: Expr) -> list[_Factor]:
    """Return the factors of a product in the order in which people write them."""
    result: list[_Factor] = []
    for part in sorted(collected.factors(node), key=matrix_order):
        if not isinstance(part, sympy.Pow) or not part.has(Index):
            result.append(_factor(part))
            continue
        base, exponent = _factor(part.args[0]), part.args[1]
        if not exponent.is_number:
            raise _NoMatrixFormError
        scalar = not base.indices
        if exponent.is_negative:
            positive = base.matrix if exponent == -1 else Power(base.matrix, -exponent, scalar)
            quotient = Fraction if scalar else Divide
            result.append(_Factor(quotient(Scalar(sympy.S.One), positive), base.indices))
        else:
            result.append(_Factor(Power(base.matrix, exponent, scalar), base.indices))
    return result


def _contracted(node: Sum) -> _Factor:
    body, bound = node.body, node.bound
    if isinstance(body, sympy.Add):
        return _of_sum(arithmetic.Plus(*(Sum(term, *bound) for term in body.args)))
    parts = collected.factors(body)
    inner = [part for part in parts if isinstance(part, Sum)]
    if len(inner) == 1 and not isinstance(inner[0].body, sympy.Add):
        # Σ_n c Σ_k f is one sum over n and k.
        rest = collected.product_of(*(part for part in parts if part is not inner[0]))
        return _contracted(Sum(rest * inner[0].body, *bound, *inner[0].bound))
    return _of_product(_product_factors(body), bound)


def _of_product(factors: list[_Factor], bound: tuple[Index, ...]) -> _Factor:
    """Join factors into one, summing over the bound indices."""
    remaining = list(bound)
    while remaining:
        # The index that the fewest factors hold first: u_j M_jk v_k is u^T (M v).
        index = min(remaining, key=lambda i: (_partners(factors, i), remaining.index(i)))
        remaining.remove(index)
        both = [i for i in remaining if _is_whole(factors, index, i)]
        if both:
            remaining.remove(both[0])
            factors = _summed_whole(factors, (index, both[0]))
        else:
            factors = _summed(factors, index)
    return _joined(factors)


def _partners(factors: list[_Factor], index: Index) -> int:
    return len({i for factor in factors if index in factor.indices for i in factor.indices})


def _is_whole(factors: list[_Factor], first: Index, second: Index) -> bool:
    """Whether all that holds one of two indices is a matrix with exactly these two."""
    held = [f for f in factors if first in f.indices or second in f.indices]
    return all(set(f.indices) == {first, second} for f in held) and bool(held)


def _summed_whole(factors: list[_Factor], pair: tuple[Index, Index]) -> list[_Factor]:
    held = [_spread(f, pair).matrix for f in factors if set(f.indices) == set(pair)]
    rest = [f for f in factors if set(f.indices) != set(pair)]
    square = _squared(held)
    if square is not None:
        return [*rest, _Factor(Norm(square, of_matrix=True))]
    if len(held) == 1:
        ones = [Ones(index.extent) for index in pair]
        whole: Matrix = Product((Transpose(ones[0]), held[0], ones[1]))
        return [*rest, _Factor(whole)]
    last = held[1] if len(held) == 2 else Hadamard(tuple(held[1:]))
    return [*rest, _Factor(Trace(Product((transposed(held[0]), last))))]


def _squared(held: list[Matrix]) -> Matrix | None:
    if len(held) == 1 and isinstance(held[0], Power) and held[0].exponent == 2:
        return held[0].base
    return None


def _summed(factors: list[_Factor], index: Index) -> list[_Factor]:
    held = [factor for factor in factors if index in factor.indices]
    rest = [factor for factor in factors if index not in factor.indices]
    columns = [factor.matrix for factor in held if len(factor.indices) == 1]
    groups: dict[Index, list[_Factor]] = {}
    for factor in held:
        if len(factor.indices) == 2:
            other = next(i for i in factor.indices if i is not index)
            groups.setdefault(other, []).append(factor)
    if not held or len(groups) > 2:
        raise _NoMatrixFormError
    matrices = [(other, _oriented(group, (other, index))) for other, group in groups.items()]
    if not matrices:
        return [*rest, _Factor(_dot(columns, index))]
    other, matrix = matrices[0]
    if len(matrices) == 1:
        column = _elementwise(columns) if columns else Ones(index.extent)
        return [*rest, _Factor(_chain(matrix, column), (other,))]
    second, right = matrices[1]
    middle = [Diagonal(_elementwise(columns))] if columns else []
    return [*rest, _Factor(_chain(matrix, *middle, transposed(right)), (other, second))]


def _oriented(group: list[_Factor], indices: tuple[Index, ...]) -> Matrix:
    """Return the elementwise product of matrices, transposed as a whole rather than each."""
    joined = _elementwise([_spread(factor, group[0].indices).matrix for factor in group])
    return joined if group[0].indices == indices else transposed(joined)


def _dot(columns: list[Matrix], index: Index) -> Matrix:
    square = _squared(columns)
    if square is not None:
        return Norm(square)
    if len(columns) == 1:
        columns = [Ones(index.extent), *columns]
    product = _chain(transposed(columns[0]), _elementwise(columns[1:]))
    # A scalar is its own transpose: uᵀ Wᵀ x is better read as xᵀ W u.
    return min(product, transposed(product), key=_transposes)


def _transposes(product: Matrix) -> int:
    assert isinstance(product, Product)
    return sum(isinstance(factor, Transpose) for factor in product.factors)


def _chain(*factors: Matrix) -> Matrix:
    flat: list[Matrix] = []
    for factor in factors:
        flat += factor.factors if isinstance(factor, Product) else (factor,)
    return Product(tuple(flat))


def _elementwise(matrices: Sequence[Matrix]) -> Matrix:
    """Return the elementwise product, with quotients gathered into one."""
    above = [m for m in matrices if not _is_inverse(m)]
    below = [m.below for m in matrices if isinstance(m, Divide) and _is_inverse(m)]
    scales = [m.by for m in above if isinstance(m, Scale)]
    above = [m.of if isinstance(m, Scale) else m for m in above]
    flat: list[Matrix] = []
    for matrix in above:
        flat += matrix.factors if isinstance(matrix, Hadamard) else (matrix,)
    top: Matrix = Scalar(sympy.S.One)
    if flat:
        top = flat[0] if len(flat) == 1 else Hadamard(tuple(flat))
    if below:
        top = Divide(top, below[0] if len(below) == 1 else Hadamard(tuple(below)))
    for scale in scales:
        top = Scale(scale, top)
    return top


def _is_inverse(matrix: Matrix) -> bool:
    return isinstance(matrix, Divide) and matrix.above == Scalar(sympy.S.One)


def _joined(factors: list[_Factor]) -> _Factor:
    """Join factors element by element: scalars, an outer product, whole matrices."""
    scalars = [factor.matrix for factor in factors if not factor.indices]
    used: list[Index] = []
    for factor in factors:
        used += [index for index in factor.indices if index not in used]
    if len(used) > 2:
        raise _NoMatrixFormError
    whole = [f for f in factors if len(f.indices) == 2]
    joined: _Factor
    if not used:
        joined = _Factor(Scalar(sympy.S.One))
    elif len(used) == 1:
        columns = [f.matrix for f in factors if f.indices]
        joined = _Factor(_elementwise(columns), (used[0],))
    else:
        rows, columns_index = whole[0].indices if whole else (used[0], used[1])
        pair = (rows, columns_index)
        left = [f.matrix for f in factors if f.indices == (rows,)]
        right = [f.matrix for f in factors if f.indices == (columns_index,)]
        if whole:
            matrix = _elementwise([_spread(f, pair).matrix for f in whole])
            around = [_elementwise(side) if side else None for side in (left, right)]
            spread = over_terms(around[0], matrix, around[1])
            before, after = ([Diagonal(side)] if side is not None else [] for side in around)
            product = _chain(*before, matrix, *after) if before or after else matrix
            joined = _Factor(product if spread is None else spread, pair)
        else:
            outer = _chain(_elementwise(left), transposed(_elementwise(right)))
            joined = _Factor(outer, pair)
    return _Factor(scaled(scalars, joined.matrix), joined.indices)
