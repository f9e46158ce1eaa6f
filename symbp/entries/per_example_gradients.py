"""per_example_gradients: the gradient of the cost of each example by itself.

Their mean is the gradient if the cost is a mean, and their sum if it is a sum. Row n is what
``gradient`` gives for a batch of that example alone.
"""

from symbp.calculus.flat_vector import gathered, length
from symbp.entries.asked import arrays, cost_of, packed, parameters_of
from symbp.entries.entry import Entry, Slot
from symbp.entries.examples import for_each_example, one_example
from symbp.entries.model import Model
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Tensor

__all__ = ["per_example_gradients"]


def per_example_gradients(model: Model) -> Entry:
    """Return the entry point of the gradient of each example.

    Parameters
    ----------
    model : Model
        Of a program whose cost is a mean or a sum over examples that do not depend on each other.
    """
    model = model.training
    name = "per_example_gradients"
    cost, parameters = cost_of(model, name), parameters_of(model, name)
    if model.given.batch is None:
        raise SymbpError(f"{name}: the program has no examples, no axis of a run-time extent")
    single = one_example(model, name)
    program, _, examples = for_each_example(single.differentiated_by(parameters), model)
    columns = Index("p", length(parameters))
    taken = {tensor.name for tensor in program.tensors}
    result = Tensor(fresh_name("gradients", taken), (*examples, columns))
    parts = [gradient for _, gradient in program.gradients]
    rows = gathered(result, parts, examples, len(examples))
    return Entry(
        name,
        model.computing(program.replace(equations=(*program.equations, *rows)), [result]),
        (
            *packed(model),
            *arrays(model.data),
            Slot("gradients", (result,), "out"),
        ),
        summary=f"Compute the gradient of {cost.name} of each example by itself.",
    )
