"""predict: the output, from parameters and inputs."""

from symbp.entries.asked import arrays, output_of, packed
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["predict"]


def predict(model: Model) -> Entry:
    """Return the entry point that computes the output.

    Parameters
    ----------
    model : Model
        Of a program with an output.
    """
    model = model.inference
    output = output_of(model, "predict")
    return Entry(
        "predict",
        model.gradient.replace(gradients=(), updates=()).prune([output]),
        (
            *packed(model),
            *arrays(model.inputs),
            Slot("output", (output,), "out"),
        ),
        summary=f"Compute {output.name} for each example.",
        for_few=True,
    )
