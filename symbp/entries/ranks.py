"""ranks: a training step in parts, between which several processes add up what each has.

Each part is an entry point; see :mod:`symbp.calculus.over_ranks`.
"""

from symbp.calculus.over_ranks import over_ranks
from symbp.entries.asked import arrays, cost_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.tensor import Tensor

__all__ = ["ranks"]


def ranks(model: Model) -> tuple[Entry, ...]:
    """Return the entry points of one training step over ranks, in order.

    Each reads what those before it left: ``kept`` for each row, and ``sums_0``, ``sums_1`` … over
    all ranks. The last one updates, and returns the cost of the whole batch.

    Parameters
    ----------
    model : Model
        With an optimizer.

    Raises
    ------
    UnsupportedError
        Ranks cannot divide the examples of the program.
    """
    model = model.training
    cost, program = cost_of(model, "ranks"), model.updated
    needed = [cost, *(new for _, new in program.updates)]
    divided = over_ranks(program.replace(gradients=(), output=None).prune(needed))
    entries = []
    sums: list[tuple[Tensor, ...]] = []
    for number, part in enumerate(divided.parts):
        is_last = part is divided.parts[-1]
        role = "inout" if is_last else "in"
        entries.append(
            Entry(
                f"ranks_{number}",
                part.program,
                (
                    Slot("parameters", model.parameters, role, packed=True),  # type: ignore[arg-type]
                    Slot("state", model.states, role, packed=True),  # type: ignore[arg-type]
                    Slot("hyperparameters", model.hyperparameters, "in", packed=True),
                    Slot("rows", (divided.rows,), "in", packed=True),
                    *(Slot(f"sums_{n}", s, "in", packed=True) for n, s in enumerate(sums)),
                    *([] if is_last else [Slot("sums", part.sums, "out", packed=True)]),
                    *(Slot(tensor.name, (tensor,), "out") for tensor in part.kept),
                    *arrays(tuple(t for t in model.data if t in part.program.tensors)),
                    *arrays(tuple(t for t in (divided.places,) if t in part.program.tensors)),
                    *(Slot(tensor.name, (tensor,), "in") for tensor in part.reads),
                ),
                returns=cost if is_last else None,
                summary="Part of a training step over ranks.",
            )
        )
        sums.append(part.sums)
    return tuple(entries)
