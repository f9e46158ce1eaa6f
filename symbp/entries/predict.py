"""predict: the output, from parameters and inputs."""

from symbp.entries.asked import arrays, key_of, of_inference, output_of, packed_parameters
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["predict"]


@of_inference
def predict(model: Model) -> Entry:
    """Return the entry point that computes the output.

    Parameters
    ----------
    model : Model
        Of a program with an output.
    """
    output = output_of(model, "predict")
    return Entry(
        "predict",
        model.gradient.replace(gradients=(), updates=()).prune([output]),
        (
            packed_parameters(model),
            *key_of(model),
            *arrays(model.given.inputs),
            Slot("output", (output,), "out"),
        ),
        summary=f"Compute {output.name} for each example.",
        for_few=True,
    )
