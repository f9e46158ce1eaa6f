"""fold: add a sum straight onto the tensor that it updates.

``W_next = W - η G`` with ``G = Σ_n δ a`` read by nothing else becomes ``W_next = W`` and
``W_next += Σ_n -η δ a``: one matrix product that accumulates into the parameters, with no
gradient stored. The gradient of a table of which a batch looks up a few rows, ``G[user[n], k] +=
δ[n, k]``, is added in the same way: a step then takes as long as the batch is large.
"""

import sympy

from symbp.calculus.lookups import is_sparse
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors, product_of, terms
from symbp.notation.equation import Equation, Origin
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["fold"]


def fold(program: Program) -> Program:
    """Return an equivalent program in which sums are accumulated where they are used."""
    equations = list(program.equations)
    kept: set[Tensor | None] = set(program.replace(gradients=()).roots)
    readers: dict[Tensor, int] = {}
    writers: dict[Tensor, list[Equation]] = {}
    for equation in equations:
        writers.setdefault(equation.tensor, []).append(equation)
        for tensor in {element.tensor for element in equation.reads()}:
            readers[tensor] = readers.get(tensor, 0) + 1
    nexts = {tensor for _, tensor in program.updates}
    result: list[Equation] = []
    dropped: set[Tensor] = set()
    for equation in equations:
        if equation.tensor not in nexts or equation.reduce or not equation.lhs.is_plain:
            result.append(equation)
            continue
        rest = []
        added: list[Equation] = []
        for term in terms(equation.body):
            found = _single_sum(term, equation, readers, writers, kept)
            if found is None:
                rest.append(term)
                continue
            factor, element, source = found
            dropped.add(element.tensor)
            for writer in source:
                renamed = _at(writer, element)
                places = dict(zip(element.args, renamed.lhs.args, strict=True))
                added.append(
                    renamed.replace(
                        lhs=equation.lhs.xreplace(places),
                        body=product_of(factor, renamed.body),
                        accumulate=True,
                        origin=Origin("fold", writer),
                    )
                )
        result.append(equation.replace(body=Plus(*rest)) if added else equation)
        result.extend(added)
    return program.replace(equations=tuple(e for e in result if e.tensor not in dropped))


def _single_sum(
    term: sympy.Expr,
    equation: Equation,
    readers: dict[Tensor, int],
    writers: dict[Tensor, list[Equation]],
    kept: set[Tensor | None],
) -> tuple[sympy.Expr, Element, list[Equation]] | None:
    """Find ``factor * G[...]`` with G a sum that only this equation reads."""
    parts = factors(term)
    for factor in parts:
        if not isinstance(factor, Element) or set(factor.args) != set(equation.lhs.args):
            continue
        others = product_of(*(part for part in parts if part is not factor))
        source = writers.get(factor.tensor, [])
        if (
            not factor.is_plain
            or any(
                _reads(other, factor.tensor) for other in terms(equation.body) if other is not term
            )
            or others.has(factor)
            or any(element.args for element in others.atoms(Element))
            or readers.get(factor.tensor) != 1
            or factor.tensor in kept
            or not source
            or not all(_is_added(writer) for writer in source)
        ):
            continue
        return others, factor, source
    return None


def _is_added(writer: Equation) -> bool:
    """Whether an equation is a sum that may go straight onto what it changes."""
    if writer.lhs.is_plain:
        return bool(writer.reduce) and writer.operation == "sum"
    return is_sparse(writer)


def _reads(term: sympy.Expr, tensor: Tensor) -> bool:
    return any(element.tensor is tensor for element in term.atoms(Element))


def _at(writer: Equation, element: Element) -> Equation:
    """Return the equation with its left-hand side's indices named as in the element."""
    if not writer.lhs.is_plain:
        return writer  # each of its subscripts says where what it adds belongs
    names: dict[sympy.Basic, sympy.Basic] = {i: i.fresh() for i in writer.reduce}
    names.update(zip(writer.lhs.args, element.args, strict=True))
    return writer.rename(names)
