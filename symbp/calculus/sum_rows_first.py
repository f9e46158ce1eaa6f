"""rows: sum over everything but the batch first, then over the batch.

``C = Σ_{n,j} u`` becomes ``C_row[n] = Σ_j u`` and ``C = Σ_n C_row[n]``. The first is computed with
the other things of that row, by whoever has the row; the second adds N numbers in a fixed order,
however many threads computed them.
"""

from symbp.calculus.contract import is_contraction
from symbp.notation.equation import Equation, Origin
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["sum_rows_first"]


def sum_rows_first(program: Program) -> Program:
    """Return an equivalent program whose scalars are reduced over plain elements of each row."""
    names = {tensor.name for tensor in program.tensors}
    equations: list[Equation] = []
    for equation in program.equations:
        batch = [i for i in equation.reduce if not isinstance(i.extent, int)]
        if (
            len(batch) != 1
            or equation.lhs.args
            or is_contraction(equation)
            or (equation.reduce == tuple(batch) and isinstance(equation.body, Element))
        ):
            equations.append(equation)
            continue
        (row,) = batch
        name = fresh_name(f"{equation.tensor.name}_row", names)
        target = Tensor(name, (row.fresh(),))[row]
        rest = tuple(index for index in equation.reduce if index is not row)
        origin = Origin("rows", equation)
        equations.append(
            Equation(target, equation.body, rest, equation.operation if rest else "sum",
                     origin=origin)
        )  # fmt: skip
        equations.append(
            Equation(equation.lhs, target, (row,), equation.operation,
                     accumulate=equation.accumulate, origin=origin)
        )  # fmt: skip
    return program.replace(equations=tuple(equations))
