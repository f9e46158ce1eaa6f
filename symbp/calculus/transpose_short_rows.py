"""transpose_short_rows: lay out a batch of short rows so that loops run along the batch.

Ten numbers a row do not fill a vector register, and the sums over a row are sums within one. A
tensor ``z[n, j]`` with few j is kept as ``z[j, n]`` instead: then the innermost loops run over the
examples, and a softmax is as fast as any elementwise function.
"""

from collections.abc import Container

from symbp.calculus.contract import is_contraction
from symbp.notation.equation import Equation, Origin
from symbp.notation.index import Extent
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["SHORT_ROW", "transpose_short_rows"]

# A vector register holds 16 numbers of single precision.
SHORT_ROW = 16


def transpose_short_rows(
    program: Program, kept: Container[Tensor] = (), longest: int = SHORT_ROW
) -> Program:
    """Return an equivalent program with short rows along the batch, arguments copied so.

    Parameters
    ----------
    program : Program
        Its contractions are of two tensors, as :func:`symbp.calculus.contract.contract` leaves
        them.
    kept : container of Tensor
        Those whose layout others rely on.
    longest : int
        How many numbers a short row has at most.
    """
    accesses: dict[Tensor, list[tuple[Element, bool]]] = {}
    for equation in program.equations:
        in_product = is_contraction(equation)
        for element in (equation.lhs, *equation.reads()):
            accesses.setdefault(element.tensor, []).append((element, in_product))
    transposed = {
        tensor: Tensor(
            tensor.name, tensor.indices[::-1], tensor.role, label=tensor.label, kind=tensor.kind
        )
        for tensor, found in accesses.items()
        if _is_short(tensor.shape, longest)
        and tensor not in kept
        and tensor.kind != "integer"
        and tensor.role in ("intermediate", "input", "target")
        and all(element.is_plain for element, _ in found)
        and not all(in_product for _, in_product in found)
    }
    equations = tuple(_exchanged(equation, transposed) for equation in program.equations)
    return _copy_arguments(program.replace(equations=equations), transposed)


def _copy_arguments(program: Program, transposed: dict[Tensor, Tensor]) -> Program:
    """Return the program with an equation for each argument that was exchanged.

    What stands in the place of an argument is then an intermediate tensor, a copy of it.
    """
    copies = {
        made: Tensor(made.name, made.indices, label=made.label, kind=made.kind)
        for given, made in transposed.items()
        if given.role != "intermediate"
    }
    if not copies:
        return program
    definitions = [
        Equation(copies[made].element, given[made.indices[::-1]], origin=Origin("transpose"))
        for given, made in transposed.items()
        if made in copies
    ]
    mapping = {
        element: Element(copies[element.tensor], *element.args, serial=element.serial)
        for equation in program.equations
        for element in equation.reads()
        if element.tensor in copies
    }
    equations = [e.replace(body=e.body.xreplace(mapping)) for e in program.equations]
    return program.replace(equations=(*definitions, *equations))


def _is_short(shape: tuple[Extent, ...], longest: int) -> bool:
    return (
        len(shape) == 2
        and not isinstance(shape[0], int)
        and isinstance(shape[1], int)
        and shape[1] <= longest
    )


def _exchanged(equation: Equation, transposed: dict[Tensor, Tensor]) -> Equation:
    mapping = {
        element: Element(transposed[element.tensor], *element.args[::-1], serial=element.serial)
        for element in (equation.lhs, *equation.reads())
        if element.tensor in transposed
    }
    if not mapping:
        return equation
    return equation.replace(
        lhs=mapping.get(equation.lhs, equation.lhs), body=equation.body.xreplace(mapping)
    )
