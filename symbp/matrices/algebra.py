"""Expressions combined: contractions, elementwise powers and functions, inverses, determinants."""

from collections.abc import Sequence
from fractions import Fraction

from symbp.matrices.identities import function_atom, one_minus
from symbp.matrices.normal import as_factor, oriented, plus, product, reindexed, scaled
from symbp.matrices.powers import constant
from symbp.matrices.terms import ONE, Atom, Expression, Factor, Power, letter, renamed

__all__ = [
    "contracted",
    "determinant",
    "function",
    "identity",
    "inverse",
    "logdet",
    "power",
    "softmax",
    "times",
]

Part = tuple[Expression, tuple[int, ...]]


def contracted(
    parts: Sequence[Part], extents: tuple[str, ...], *, distribute: Sequence[int] = ()
) -> Expression:
    """Return a product of expressions at indices, summed over those that are not free.

    A sum stays one factor, unless its number is in ``distribute``: what a person wrote as
    ``Aᵀ(Ax − b)`` stays so.
    """
    choices: list[list[tuple[Fraction, list[Factor]]]] = []
    top = max([len(extents), *(i + 1 for _, indices in parts for i in indices)])
    for number, (e, indices) in enumerate(parts):
        if not e.terms:
            return Expression.of(extents, [])
        if len(e.terms) > 1 and number not in distribute:
            scale, factor = as_factor(e, indices)
            choices.append([(scale, [factor])])
            continue
        options = []
        for term in e.terms:
            factors, top = renamed(term.factors, dict(enumerate(indices)), top)
            options.append((term.coefficient, factors))
        choices.append(options)
    sizes = {i: x for e, indices in parts for i, x in zip(indices, e.extents, strict=True)}
    combined: list[tuple[Fraction, list[Factor]]] = [(ONE, [])]
    for options in choices:
        combined = [
            (c * coefficient, [*done, *factors])
            for c, done in combined
            for coefficient, factors in options
        ]
    terms = []
    for coefficient, factors in combined:
        used_here = {i for f in factors for i in f.indices}
        lost = [
            Factor(letter(x), ())
            for i, x in sizes.items()
            if i >= len(extents) and i not in used_here
        ]
        terms.append(product(coefficient, factors + lost, extents))
    return Expression.of(extents, (term for term in terms if term is not None))


def times(*parts: Expression) -> Expression:
    """Return the elementwise product; scalars multiply anything."""
    largest = max(parts, key=lambda e: e.rank)
    rank = largest.rank
    return contracted(
        [(e, tuple(range(rank)) if e.rank == rank else ()) for e in parts], largest.extents
    )


def identity(extent: str) -> Expression:
    """Return the identity matrix."""
    term = product(ONE, [], (extent, extent), [(0, 1, extent)])
    assert term is not None
    return Expression.of((extent, extent), [term])


def power(e: Expression, p: Power) -> Expression:
    """Return an elementwise power; of a positive number, or a whole one."""
    if isinstance(p, Expression) and p.number is not None:
        p = p.number
    if p == 0:
        return constant(e.extents, 1)
    if p == 1 or not e.terms:
        return e
    whole = isinstance(p, Fraction) and p.denominator == 1
    if len(e.terms) == 1:
        term = e.terms[0]
        if whole and not any(f.atom.kind == "eye" for f in term.factors):
            summed = any(i >= e.rank for f in term.factors for i in f.indices)
            if not summed and all(isinstance(f.power, Fraction) for f in term.factors):
                factors = [f._replace(power=f.power * p) for f in term.factors]  # type: ignore[operator]
                made = product(term.coefficient ** int(p), factors, e.extents)  # type: ignore[arg-type]
                return Expression.of(e.extents, [made] if made is not None else [])
        if term.coefficient == 1 and len(term.factors) == 1:
            f = term.factors[0]
            simple = f.power == 1 or f.atom.nonnegative
            if simple and not any(i >= e.rank for i in f.indices) and f.atom.kind != "eye":
                return _single(f._replace(power=_multiplied(f.power, p)), e.extents)
    sigma = _sigmoid_of(e)
    if sigma is not None and isinstance(p, Fraction) and p < 0:
        return power(sigma, -p)
    scale, factor = as_factor(e, tuple(range(e.rank)), p)
    made = product(scale, [factor], e.extents)
    return Expression.of(e.extents, [made] if made is not None else [])


def _multiplied(p: Power, q: Power) -> Power:
    if isinstance(p, Fraction) and isinstance(q, Fraction):
        return p * q
    both = times(*(e if isinstance(e, Expression) else constant((), e) for e in (p, q)))
    return both if both.number is None else both.number


def _sigmoid_of(e: Expression) -> Expression | None:
    """1/(1 + exp(−x)) = σ(x): return the right side for the denominator on the left."""
    if len(e.terms) != 2:
        return None
    ones = [t for t in e.terms if not t.factors]
    others = [t for t in e.terms if t.factors]
    if len(ones) != 1 or ones[0].coefficient != 1:
        return None
    term = others[0]
    if term.coefficient != 1 or len(term.factors) != 1:
        return None
    f = term.factors[0]
    if f.atom.kind != "function" or f.atom.name != "exp" or f.power not in (1, -1):
        return None
    sigma = Atom("function", "sigmoid", f.atom.extents, f.atom.inner, f.atom.symmetric)
    if f.indices != tuple(range(e.rank)):
        return None
    if f.power == 1:
        return one_minus(sigma)
    return _single(Factor(sigma, f.indices), e.extents)


def _negative(e: Expression) -> bool:
    """Whether −e comes before e in the order of keys; one of the two is always so."""
    return min(e.terms, key=lambda term: term.key).coefficient < 0


def function(name: str, e: Expression) -> Expression:
    """Return an elementwise function of an expression."""
    indices = tuple(range(e.rank))
    if name == "sqrt":
        return power(e, Fraction(1, 2))
    value = e.number
    if value is not None:
        known = {"exp": (0, 1), "log": (1, 0), "step": (0, 0), "relu": (0, 0), "abs": (0, 0)}
        if name in known and value == known[name][0]:
            return constant(e.extents, known[name][1])
        if name in ("tanh", "sin", "tan", "sinh", "arctan", "sign") and value == 0:
            return constant(e.extents, 0)
        if name in ("abs", "sign"):
            sign = 1 if value > 0 else -1
            return constant(e.extents, abs(value) if name == "abs" else sign)
    if not e.terms:
        return _single(function_atom(name, e, indices), e.extents)
    only = e.terms[0].factors[0] if len(e.terms) == 1 and len(e.terms[0].factors) == 1 else None
    if only is not None and e.terms[0].coefficient == 1 and only.indices == indices:
        atom = only.atom
        if name == "log" and atom.kind == "function" and atom.name == "exp" and only.power == 1:
            assert atom.inner is not None
            return reindexed(atom.inner, only.indices, e.extents)
        if name in ("abs", "sign") and only.atom.positive:
            return e if name == "abs" else constant(e.extents, 1)
        if name == "exp" and atom.kind == "function" and atom.name == "log" and only.power == 1:
            assert atom.inner is not None
            return reindexed(atom.inner, only.indices, e.extents)
    if name == "exp" and _negative(e):
        return power(function("exp", scaled(e, -1)), Fraction(-1))
    if name == "sigmoid" and _negative(e):
        sigma = function("sigmoid", scaled(e, -1))
        return (
            one_minus(sigma.terms[0].factors[0].atom)
            if sigma.rank == len(sigma.terms[0].factors[0].indices)
            else plus(constant(e.extents, 1), scaled(sigma, -1))
        )
    if name == "abs" and _negative(e):
        return function("abs", scaled(e, -1))
    if name == "sign" and _negative(e):
        return scaled(function("sign", scaled(e, -1)), -1)
    return _single(function_atom(name, e, indices), e.extents)


def _single(factor: Factor, extents: tuple[str, ...]) -> Expression:
    made = product(ONE, [factor], extents)
    return Expression.of(extents, [] if made is None else [made])


def softmax(e: Expression) -> Expression:
    """Return the softmax of a vector, or of a matrix by rows."""
    return _single(Factor(Atom("softmax", "", e.extents, e), tuple(range(e.rank))), e.extents)


def _diagonal(e: Expression) -> Expression | None:
    """Return the diagonal of a matrix that is nothing else."""
    if e.terms and all(any(f.atom.kind == "eye" for f in t.factors) for t in e.terms):
        return reindexed(e, (0, 0), e.extents[:1])
    return None


def _content(e: Expression) -> tuple[Fraction, list[Factor], Expression]:
    """Return the number and the scalar factors that all of a one-term matrix has, and the rest."""
    if len(e.terms) != 1:
        return ONE, [], e
    term = e.terms[0]
    scalars = [f for f in term.factors if not f.indices]
    rest = product(ONE, [f for f in term.factors if f.indices], e.extents)
    assert rest is not None
    return term.coefficient, scalars, Expression.of(e.extents, [rest])


def inverse(e: Expression) -> Expression:
    """Return the inverse of a square matrix; of a diagonal or orthogonal one what it is."""
    diagonal = _diagonal(e)
    if diagonal is not None:
        return contracted(
            [(power(diagonal, -ONE), (0,)), (identity(e.extents[0]), (0, 1))], e.extents
        )
    number, scalars, e = _content(e)
    if e.rank == 2 and len(e.terms) == 1 and len(e.terms[0].factors) == 1:
        f = e.terms[0].factors[0]
        if f.power == 1 and f.atom.kind == "inverse" and f.atom.inner is not None:
            made = reindexed(f.atom.inner, f.indices, e.extents)
            return _times_scalars(made, 1 / number, scalars)
        if f.power == 1 and "orthogonal" in f.atom.facts:
            return _times_scalars(reindexed(e, (1, 0), e.extents), 1 / number, scalars)
    indices = tuple(range(e.rank))
    if e.rank == 2:
        e, indices, symmetric = oriented(e, indices)
    else:
        symmetric = False
    made = _single(Factor(Atom("inverse", "", e.extents, e, symmetric), indices), e.extents)
    return _times_scalars(made, 1 / number, scalars)


def _times_scalars(e: Expression, number: Fraction, scalars: list[Factor]) -> Expression:
    under = [f._replace(power=_multiplied(f.power, -ONE)) for f in scalars]
    made = product(number, under, ())
    assert made is not None
    return contracted([(Expression.of((), [made]), ()), (e, tuple(range(e.rank)))], e.extents)


def determinant(e: Expression) -> Expression:
    """Return the determinant."""
    e, _, _ = oriented(e, (0, 1)) if e.rank == 2 else (e, (), False)
    return _single(Factor(Atom("det", "", (), e), ()), ())


def logdet(e: Expression) -> Expression:
    """Return the logarithm of the absolute value of the determinant."""
    diagonal = _diagonal(e)
    if diagonal is not None:
        return contracted([(function("log", function("abs", diagonal)), (0,))], ())
    e, _, _ = oriented(e, (0, 1)) if e.rank == 2 else (e, (), False)
    return _single(Factor(Atom("logdet", "", (), e), ()), ())
