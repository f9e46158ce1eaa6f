"""operand_derivatives: a program whose derivatives have equations, as one would write them.

What :mod:`symbp.calculus.derivative` gives of a normalised program is put together again, so that
the author's equations stay as they were and those of the derivatives stand among them.
"""

from symbp.calculus.derivative import Defined, defined, has_derivatives
from symbp.calculus.normalise import separate
from symbp.calculus.unit_seeds import without_units
from symbp.derivations.assemble import Assembler
from symbp.derivations.simplify import Definitions, simplified
from symbp.notation.equation import Equation, Origin
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["with_derivatives", "written_out"]


def with_derivatives(program: Program) -> Program:
    """Return the program with elements for its derivatives, and equations for these.

    Parameters
    ----------
    program : Program
        As its author wrote it, with a cost.
    """
    if not has_derivatives(program):
        return program
    assert program.cost is not None, "what is derived has a cost"
    found, made = written_out(program, program.cost)
    equations: list[Equation] = []

    def add(tensors: set[Tensor]) -> None:
        """Append the lines that are read, each after those that it needs."""
        for tensor in [t for t in made if t in tensors]:
            own = made.pop(tensor, [])
            add({e.tensor for equation in own for e in equation.reads()})
            equations.extend(own)

    for equation in program.equations:
        equation = equation.replace(
            body=found.named(equation.body), origin=Origin("named", equation)
        )
        add({e.tensor for e in equation.reads()})
        equations.append(equation)
    return program.replace(equations=tuple(equations))


def written_out(program: Program, cost: Tensor) -> tuple[Defined, dict[Tensor, list[Equation]]]:
    """Return what a program's derivatives are, and the equations that a reader sees of each.

    Parameters
    ----------
    program : Program
        As its author wrote it.
    cost : Tensor
        What is differentiated in the end.
    """
    normal = separate(program)
    found = defined(normal)
    old = {equation.tensor for equation in normal.equations}
    new = [equation for equation in found.program.equations if equation.tensor not in old]
    wanted = {e.tensor for _, value in found.values for e in value.atoms(Element)}
    known = [e for e in program.equations if not e.is_scatter]
    definitions = Definitions(known)
    lines = Assembler(normal.equations, new, wanted, cost).lines(known)
    return found, {
        line.tensor: [
            e.replace(
                body=simplified(without_units(e.body), definitions),
                origin=Origin("derivative", line.sources[0]),
            )
            for e in line.equations
        ]
        for line in lines
    }
