"""tables: the decisions on parameters of which a batch looks up a few rows, with their reasons."""

from symbp.calculus.lookups import looked_up, looks_up, reason_for_all_rows
from symbp.loops.nodes import Function
from symbp.loops.row_plan import all_rows, counted
from symbp.notation.program import Program
from symbp.schedules.schedule import Decision

__all__ = ["rows_touched", "tables"]

FEW = "the rows of the batch"


def tables(written: Program, folded: Program) -> list[Decision]:
    """Return what a step does with each table: which rows it goes over, and why.

    Parameters
    ----------
    written, folded : Program
        With its updates, before and after gradients were added straight onto parameters.
    """
    following, found = dict(written.updates), []
    sources = (e.origin.source for e in written.equations if e.origin.rule == "lookup")
    counts = {source.tensor for source in sources if source is not None}
    for parameter, gradient in looked_up(written).items():
        if gradient in counts:
            continue  # its loops tell; see `rows_touched`
        added = [e for e in folded.equations_of(following[parameter]) if looks_up(e)]
        whole = [e for e in folded.equations_of(following[parameter]) if e.reduce]
        if added and not whole:
            choice = FEW
            reason = "what is added to them needs no other row: its gradient is never stored"
        else:
            choice, reason = "all rows", reason_for_all_rows(written, parameter, gradient)
        found.append(Decision(f"table {parameter.name}", choice, reason))
    return found


def rows_touched(built: Function) -> list[Decision]:
    """Return what a step does with each table that is to change in the rows of a batch alone.

    Parameters
    ----------
    built : Function
        Whose updates go over all rows, and keep those that are not looked up.
    """
    why = all_rows(built)
    changed = "its update keeps all other rows: sums and updates are of as many rows as a batch has"
    return [
        Decision(f"table {table}", "all rows", why[table])
        if table in why
        else Decision(f"table {table}", FEW, changed)
        for table in counted(built)
    ]
