"""epoch: a step for each batch of all examples, in an order that the caller gives."""

from dataclasses import replace

from symbp.entries.entry import Entry
from symbp.entries.model import Model
from symbp.entries.step import step

__all__ = ["epoch"]


def epoch(model: Model) -> Entry:
    """Return the entry point of an epoch: gather, gradient and update for each batch.

    Parameters
    ----------
    model : Model
        With an optimizer. Without examples to divide, an epoch is one step.
    """
    return replace(
        step(model),
        name="epoch",
        batches=model.given.batch is not None,
        summary="Train on each batch in turn; return the mean of the cost over the examples.",
    )
