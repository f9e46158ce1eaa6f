"""vjp: the output, and a vector times its Jacobian, in reverse mode."""

from dataclasses import replace

from symbp.entries.asked import arrays, inputs_of, output_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model
from symbp.entries.pairing import paired

__all__ = ["input_vjp", "vjp"]


def vjp(model: Model) -> Entry:
    """Return the entry point of the adjoints of the parameters, given that of the output.

    Parameters
    ----------
    model : Model
        Of a program with an output.
    """
    model = model.inference
    output, parameters = output_of(model, "vjp"), parameters_of(model, "vjp")
    given, weight = paired(model.given, output)
    derived = replace(model, given=given).differentiated_by(parameters)
    adjoints = tuple(adjoint for _, adjoint in derived.gradients)
    return Entry(
        "vjp",
        model.computing(derived, (output, *adjoints)),
        (
            *packed(model),
            *arrays(model.inputs),
            *arrays((weight,)),
            Slot("output", (output,), "out"),
            Slot("adjoints", adjoints, "out", packed=True),
        ),
        summary=f"Compute {output.name}, and {weight.name} times its Jacobian by the parameters.",
    )


def input_vjp(model: Model) -> Entry:
    """Return the entry point of the adjoints of the inputs, given that of the output.

    Parameters
    ----------
    model : Model
        Of a program with an output and an input of real numbers.
    """
    model = model.inference
    output, inputs = output_of(model, "input_vjp"), inputs_of(model, "input_vjp")
    given, weight = paired(model.given, output)
    derived = replace(model, given=given).differentiated_by(inputs)
    adjoints = tuple(adjoint for _, adjoint in derived.gradients)
    return Entry(
        "input_vjp",
        model.computing(derived, (output, *adjoints)),
        (
            *packed(model),
            *arrays(model.inputs),
            *arrays((weight,)),
            Slot("output", (output,), "out"),
            *(Slot(adjoint.name, (adjoint,), "out") for adjoint in adjoints),
        ),
        summary=f"Compute {output.name}, and {weight.name} times its Jacobian by the inputs.",
    )
