"""updates: who reads a parameter or a state of this step reads it before its update.

An update is computed in the memory of what it replaces. The equation that a statement computes
says which of the two its reads mean: what reads the old value comes before the write of the new
one, within a batch. Statements without an equation are not asked.
"""

from symbp.loops.gather import START
from symbp.loops.nodes import Accumulate, Assign, Product, Statement
from symbp.loops.pairs import common_loops, equations, naming
from symbp.loops.report import Finding, Findings
from symbp.loops.survey import Access, Survey
from symbp.loops.written import in_earlier_turn
from symbp.notation.affine import System
from symbp.notation.equation import Equation
from symbp.notation.tensor import Element

__all__ = ["check_updates"]


def check_updates(survey: Survey) -> Findings:
    """Return the reads of an old value that may come after the new one was written."""
    result = Findings()
    for memory, accesses in survey.by_memory().items():
        if memory.kind != "inout":
            continue
        updates = [access for access in accesses if access.writes and _updates(access)]
        for read in accesses:
            if not _means_old(read):
                continue
            for write in updates:
                point = _meeting(read, write, survey)
                if point is not None:
                    expected = f"it is read before {_label(write).lhs.tensor.name} is written"
                    what, shown = str(read.element), survey.variables.text(point)
                    result.add(
                        Finding("update", read.statement, what, expected, shown, bool(point))
                    )
    return result


def _equation_of(statement: Statement) -> Equation | None:
    if isinstance(statement, Assign | Accumulate | Product):
        return statement.equation
    return None


def _label(access: Access) -> Equation:
    equation = _equation_of(access.statement)
    assert equation is not None
    return equation


def _updates(access: Access) -> bool:
    """Whether an access writes another tensor than the one whose memory it is."""
    equation = _equation_of(access.statement)
    return equation is not None and equation.tensor is not access.element.tensor


def _means_old(access: Access) -> bool:
    """Whether a read is of the tensor itself, by the equation that it is for."""
    equation, statement = _equation_of(access.statement), access.statement
    if access.writes or equation is None:
        return False
    if isinstance(statement, Accumulate | Product) and access.element == statement.target:
        return False  # what is added to
    return any(e.tensor is access.element.tensor for e in equation.body.atoms(Element))


def _meeting(read: Access, write: Access, survey: Survey) -> dict[int, int] | None:
    """Return when a write comes before a read of the same element, in the same batch.

    None if it never does, nothing if that is not sure.
    """
    common = common_loops(read, write)
    least = 0
    while least < common and read.loops[least].node.index == START:
        least += 1
    orders = [(turns, True) for turns in range(least, common)]
    if write.position < read.position:
        orders.append((common, False))
    for turns, carried in orders:
        for same_member in (True, False) if survey.function.team else (True,):
            name = naming(survey.variables, turns, same_member)
            system: System = read.domain.joined(write.domain.renamed(name))
            equal = equations(read, write, name)
            for form in equal:
                if form is not None:
                    system.require_zero(form)
            if carried:
                system.require(in_earlier_turn(read.loops[turns], name))
            system = survey.variables.with_facts(system, name)
            if not system.is_empty():
                exact = read.exact and write.exact and None not in equal
                return (system.example() if exact else None) or {}
    return None
