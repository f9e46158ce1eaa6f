"""align_operands: weights are copied into the order of axes in which products read patches.

::

    z[n, i, l, o] = Σ W[o, c, p, q] patch[n, i, l, p, q, c]
                                    ─►    V[p, q, c, o] = W[o, c, p, q]
                                          z[n, i, l, o] = Σ V[p, q, c, o] patch[n, i, l, p, q, c]

A contraction is one matrix product where each group of its indices has one order in both of its
tensors (see :mod:`symbp.calculus.matrix_products`). Weights have few numbers, patches many: it is
the weights that are copied, once for a batch, and their gradient likewise.
"""

from collections.abc import Iterator, Sequence

from symbp.calculus.contract import typical_size
from symbp.calculus.matrix_products import MatrixProduct, as_product, is_innermost
from symbp.calculus.patches import patches_of
from symbp.notation.equation import Equation, Origin
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["align_operands", "cost_of"]

# What a call of a product costs before it begins, and a number that is packed for it, in
# multiplications: sixteen go into a cycle.
CALL = 1600
PACKED = 16
# Columns are computed in vectors of so many.
LANES = 8


def align_operands(program: Program) -> Program:
    """Return an equivalent program whose patches take part in as few products as they can.

    Parameters
    ----------
    program : Program
        Its contractions are of two plain tensors (see :mod:`symbp.calculus.contract`).
    """
    near = {c for patch in patches_of(program) for c in patch.contractions}
    if not near:
        return program
    names = {tensor.name for tensor in program.tensors}
    copies: dict[tuple[Tensor, tuple[int, ...]], Tensor] = {}
    equations: list[Equation] = []
    for equation in program.equations:
        if equation in near:
            equations += _aligned(equation, names, copies)
        else:
            equations.append(equation)
    return program.replace(equations=tuple(equations))


def _aligned(
    equation: Equation, names: set[str], copies: dict[tuple[Tensor, tuple[int, ...]], Tensor]
) -> list[Equation]:
    """Return a contraction, after a copy of its weights or before one of its result."""
    best: tuple[float, Element, tuple[Index, ...]] | None = None
    lowest = cost_of(equation)
    static = [e for e in (equation.lhs, *_factors(equation)) if _is_static(e)]
    for element in static:
        copied = PACKED * typical_size(element.tensor.shape)
        for order in _orders(equation, element):
            if order == element.args:
                continue
            place = Tensor("w", tuple(index.fresh() for index in order))[order]
            cost = cost_of(equation.rename({element: place})) + copied
            if cost < lowest:
                lowest, best = cost, (cost, element, order)
    if best is None:
        return [equation]
    _, element, order = best
    axes = tuple(element.args.index(index) for index in order)
    if element == equation.lhs:
        name = fresh_name(f"{element.tensor.name}_aligned", names)
        made = Tensor(name, tuple(index.fresh() for index in order))
        origin = Origin("align", equation)
        first = equation.replace(lhs=made[order], accumulate=False, origin=origin)
        second = equation.replace(body=made[order], reduce=())
        return [first, second]
    known = copies.get((element.tensor, axes))
    before: list[Equation] = []
    if known is None:
        name = fresh_name(f"{element.tensor.name}_aligned", names)
        known = Tensor(name, tuple(element.tensor.indices[axis].fresh() for axis in axes))
        copies[element.tensor, axes] = known
        before = [Equation(known[order], element, origin=Origin("align", equation))]
    return [*before, equation.rename({element: known[order]})]


def cost_of(equation: Equation) -> float:
    """Return about what a contraction costs as matrix products, in multiplications."""
    product = as_product(equation)
    if product is None:
        return float("inf")
    calls = typical_size(index.extent for index in product.loops)
    rows, columns, summed = (
        typical_size(index.extent for index in group)
        for group in (product.rows, product.columns, product.summed)
    )
    packed = PACKED * columns * summed if _is_turned(product) else 0
    return float(calls * (CALL + packed + rows * summed * -(-columns // LANES) * LANES))


def _is_turned(product: MatrixProduct) -> bool:
    """Whether the columns of the second operand are not next to each other in memory."""
    return bool(product.columns) and not is_innermost(product.second, product.columns)


def _orders(equation: Equation, element: Element) -> Iterator[tuple[Index, ...]]:
    """Yield the orders of an element's axes in which the other two tensors have its groups."""
    others = [e for e in (equation.lhs, *_factors(equation)) if e is not element]
    groups = []
    for other in others:
        group = [index for index in other.args if index in element.args]
        groups.append([i for i in group if not all(i in each.args for each in others)])
    if sorted(map(str, (i for g in groups for i in g))) != sorted(map(str, element.args)):
        return
    first, second = groups
    if {*first} & {*second}:
        return
    yield (*first, *second)
    yield (*second, *first)


def _factors(equation: Equation) -> Sequence[Element]:
    return [element for element in equation.reads() if element.args]


def _is_static(element: Element) -> bool:
    return all(isinstance(extent, int) for extent in element.tensor.shape)
