"""jvp: the output and its tangent: a Jacobian times a vector, in forward mode."""

from symbp.calculus.forward import forward
from symbp.entries.asked import arrays, inputs_of, output_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.model import Model

__all__ = ["input_jvp", "jvp"]


def jvp(model: Model) -> Entry:
    """Return the entry point of the output and its tangent along a direction of the parameters.

    Parameters
    ----------
    model : Model
        Of a program with an output.
    """
    model = model.inference
    output, parameters = output_of(model, "jvp"), parameters_of(model, "jvp")
    program, tangents = forward(model.plain.prune([output]), parameters, of=[output])
    results = (output, tangents[output])
    return Entry(
        "jvp",
        model.computing(program, results),
        (
            *packed(model),
            Slot("v", tuple(tangents[parameter] for parameter in parameters), "in", packed=True),
            *arrays(model.inputs),
            Slot("output", (output,), "out"),
            Slot("tangent", (tangents[output],), "out"),
        ),
        summary=f"Compute {output.name}, and its Jacobian by the parameters times v.",
    )


def input_jvp(model: Model) -> Entry:
    """Return the entry point of the output and its tangent along a direction of the inputs.

    Parameters
    ----------
    model : Model
        Of a program with an output and an input of real numbers.
    """
    model = model.inference
    output, inputs = output_of(model, "input_jvp"), inputs_of(model, "input_jvp")
    program, tangents = forward(model.plain.prune([output]), inputs, of=[output])
    results = (output, tangents[output])
    return Entry(
        "input_jvp",
        model.computing(program, results),
        (
            *packed(model),
            *arrays(model.inputs),
            *arrays(tuple(tangents[tensor] for tensor in inputs)),
            Slot("output", (output,), "out"),
            Slot("tangent", (tangents[output],), "out"),
        ),
        summary=f"Compute {output.name}, and its Jacobian by the inputs times the tangents.",
    )
