"""The order in which people write terms and factors, which is not SymPy's.

Tensor elements remember when they were written down (`Element.serial`), and that decides first.
"""

import math
from collections.abc import Iterable, Iterator

import sympy
from sympy.core.expr import Expr

from symbp.derivations.local import LocalDerivative
from symbp.derivations.patterns import weight
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors
from symbp.notation.equation import indices_of
from symbp.notation.index import Index
from symbp.notation.prime import Prime
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.tensor import Element

__all__ = [
    "factor_order", "factors_of", "in_order", "is_constant", "is_negative", "is_partial",
    "matrix_order", "with_common_number",
]  # fmt: skip


def is_negative(term: Expr) -> bool:
    """Whether a term prints with a minus in front."""
    return bool(term.as_coeff_Mul()[0].is_negative)


def in_order(terms: Iterable[Expr]) -> list[Expr]:
    """Return terms as people write them: ``Σ w a + b``, ``a - y``, ``1 - a``, ``2t + q``.

    Positive terms come first, unless all are sums, as in a cost with penalties; a number comes
    last, but before an exponential: ``1 + exp(-z)``.
    """
    given = list(terms)
    sums = all(term.has(Reduction) for term in given)
    exponentials = any(isinstance(term, sympy.exp) for term in given)

    def key(term: Expr) -> tuple[object, ...]:
        first = exponentials and bool(term.is_number)
        return not sums and is_negative(term), not first, *_term_key(term)

    return sorted(given, key=key)


def _term_key(term: Expr) -> tuple[bool, bool, float, int, int, str]:
    serial = _serial(term)
    if serial == math.inf:  # a subscript or a number
        size = -int(abs(term.as_coeff_Mul()[0])) if term.free_symbols else 0
        age = min((index.dummy_index for index in indices_of(term)), default=0)
    else:
        size, age = weight(term), 0
    return not term.has(Sum), bool(term.is_number), serial, size, age, str(term)


def matrix_order(factor: Expr) -> tuple[int, float, str]:
    """Return the key of a factor in matrix form, where a sum is a product and needs no care."""
    kind, serial, text = factor_order(factor)
    return (5 if isinstance(factor, Reduction) else kind), serial, text


def factor_order(factor: Expr) -> tuple[int, float, str]:
    """Return the key of a factor: numbers, ∂C/∂a, elements, parentheses, functions, sums, f'(z)."""
    if factor.is_number:
        kind = 0
    elif is_constant(factor):
        kind = 1
    elif is_partial(factor):
        kind = 2
    elif isinstance(factor.as_base_exp()[0], Element):
        kind = 3
    elif isinstance(factor, LocalDerivative):
        return 3, math.inf, str(factor)  # after the δ that it is multiplied with
    elif isinstance(factor, sympy.Add):
        kind = 4
    elif isinstance(factor, Prime):
        kind = 8
    else:
        kind = 7 if isinstance(factor, Reduction) else 6
    return kind, _serial(factor), str(factor)


def factors_of(node: Expr) -> Iterator[Expr]:
    """Yield the factors of a product; what all terms of a sum share stands before it."""
    for factor in factors(node):
        if isinstance(factor, sympy.Add):
            number, terms = with_common_number(factor)
            if number != 1:
                yield number
                factor = Plus(*terms)
        yield factor


def with_common_number(node: Expr) -> tuple[Expr, tuple[Expr, ...]]:
    """Return a number and terms: ``a/5 - y/5``, as SymPy keeps it, is read as ``(a - y)/5``."""
    numbers = [abs(term.as_coeff_Mul()[0]) for term in node.args]
    if numbers[0] == 1 or any(number != numbers[0] for number in numbers):
        return sympy.S.One, node.args
    return numbers[0], tuple(term / numbers[0] for term in node.args)


def is_constant(factor: Expr) -> bool:
    """Whether a factor is a number, an extent or a scalar constant such as a penalty's λ."""
    constant = isinstance(factor, Element) and factor.tensor.role == "constant"
    return constant or factor.is_number or (factor.is_Symbol and not isinstance(factor, Index))


def is_partial(node: Expr) -> bool:
    """Whether an expression is an adjoint that prints as ∂C/∂a."""
    return (
        isinstance(node, Element)
        and node.tensor.adjoint_of is not None
        and node.tensor.adjoint_of.adjoint_symbol is None
    )


def is_fraction(node: Expr) -> bool:
    """Whether an expression prints as a derivative with a name above and one below."""
    own = isinstance(node, Element) and node.tensor.partial_of is not None
    return own or is_partial(node) or isinstance(node, LocalDerivative)


def _serial(node: Expr) -> float:
    return min((element.serial for element in node.atoms(Element)), default=math.inf)
