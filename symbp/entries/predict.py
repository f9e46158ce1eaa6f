"""predict: the output, from parameters and inputs."""

from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError

__all__ = ["predict"]


def predict(model: Model) -> Entry:
    """Return the entry point that computes the output.

    Parameters
    ----------
    model : Model
        Of a program with an output.
    """
    output = model.given.output
    if output is None:
        raise SymbpError("predict: the program has no output that is computed without targets")
    return Entry(
        "predict",
        model.gradient.replace(gradients=(), updates=()).prune([output]),
        (
            Slot("parameters", model.parameters, "in", packed=True),
            *(Slot(tensor.name, (tensor,), "in") for tensor in model.given.inputs),
            Slot("output", (output,), "out"),
        ),
        summary=f"Compute {output.name} for each example.",
        for_few=True,
    )
