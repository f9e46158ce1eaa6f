"""replicas: decisions about many networks that are trained at once.

Tiny ones run side by side along the lanes of vector registers, which no network would fill by
itself; of larger ones each is trained by the epoch of one network, and threads take them in turn.
"""

from symbp.calculus.unrolled import operations
from symbp.entries.entry import Entry
from symbp.loops.lanes import Lanes
from symbp.loops.nodes import For, Function
from symbp.schedules.limits import Limits
from symbp.schedules.schedule import Decision

__all__ = ["along_lanes", "drawing", "group", "too_large", "width"]

# Up to how many statements an example may have, for four or two to be written out one after
# another. On a core with 16 registers two are as fast as four, within what is measured; where a
# batch has no more than these it is one loop, which saves a tenth of a step.
_STATEMENTS = {4: 120, 2: 300}
# Bytes of a block: most of a first-level cache of 32 KiB.
_CACHE = 24 * 1024
# Networks of a block: from two registers of 512 bits on, and at most so many.
_LEAST, _MOST = 32, 128


def too_large(entry: Entry, limits: Limits) -> Decision:
    """Return the decision for a network that is not written out by element.

    Parameters
    ----------
    entry : Entry
        Its epoch.
    limits : Limits
        How many operations are worth it.
    """
    numbers = {"operations": operations(entry.program), "most": limits.most_operations}
    reason = "an instruction works on several numbers of one network; threads take them in turn"
    return Decision("replicas", "dealt out", reason, numbers)


def drawing() -> Decision:
    """Return the decision for a network that draws noise."""
    reason = "each draws its own noise, by whole numbers of its seed; threads take them in turn"
    return Decision("replicas", "dealt out", reason)


def width(found: Lanes | None, limits: Limits) -> Decision:
    """Decide how many networks lie side by side.

    Parameters
    ----------
    found : Lanes, optional
        Their epoch, for any width.
    limits : Limits
        The bytes of a number.
    """
    of_one = 0 if found is None else found.rows * limits.itemsize
    networks = _MOST
    while networks > _LEAST and of_one * networks > _CACHE:
        networks //= 2
    numbers = {"networks": networks, "bytes": of_one * networks, "cache": _CACHE}
    return Decision("block", f"{networks} networks", "they stay in the first-level cache", numbers)


def group(function: Function) -> Decision:
    """Decide how many examples are written out one after another.

    Parameters
    ----------
    function : Function
        The epoch of one network by element.
    """
    batches = next(s for s in function.body if isinstance(s, For))
    count = max(len(s.body) for s in batches.body if isinstance(s, For))
    examples = next((many for many, most in _STATEMENTS.items() if count <= most), 1)
    reason = "parameters are loaded once for all" if examples > 1 else "an example has many"
    return Decision(
        "group", f"{examples} at a time", reason, {"examples": examples, "statements": count}
    )


def along_lanes(found: Lanes | None, entry: Entry, block: Decision) -> Decision:
    """Decide whether networks run side by side.

    Parameters
    ----------
    found : Lanes, optional
        Their epoch, if it has the form for it.
    entry : Entry
        The epoch of one network.
    block : Decision
        How many networks there are side by side.
    """
    if found is None:
        reason = "more than one sum over the examples of a batch; threads take them in turn"
        return Decision("replicas", "dealt out", reason)
    numbers = {"operations": operations(entry.program), "networks": block.numbers["networks"]}
    reason = "tiny: an instruction works on one number of several networks"
    return Decision("replicas", "along lanes", reason, numbers)
