"""neurons: the layer view of a network: its neurons in columns, the weights at the edges.

It is read off the forward equations and knows no layers. An element of a tensor is a vertex; a
tensor that is a function of another, element by element, is drawn as one with it: ``a = σ(z)`` and
``z`` are one neuron. A parameter that multiplies what is read stands at the edge, one that is
added stands in the neuron.
"""

from collections.abc import Sequence

from sympy.core.expr import Expr

from symbp.derivations.derivation import Derivation
from symbp.derivations.graphs.elements import Elements, earlier, levels
from symbp.derivations.graphs.graph import Graph
from symbp.derivations.graphs.reading import EXAMPLES, Place, Read, reads_of, solutions
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["drawn_tensors", "layer_graph"]

KINDS = {"input": "input", "target": "input", "state": "input", "parameter": "parameter"}


def layer_graph(derivation: Derivation) -> Graph:
    """Return the layer view.

    Parameters
    ----------
    derivation : Derivation
        Of any program.

    Returns
    -------
    Graph
        Inputs at the left, the cost at the right.

    Raises
    ------
    SymbpError
        There is nothing to draw: no equation reads an input or another tensor.

    Examples
    --------
    >>> import symbp as bp
    >>> graph = layer_graph(bp.derive(bp.mlp(2, 3, 1)))
    >>> [edge.label for edge in graph.edges][:2]
    ['w²₁₁', 'w²₁₂']
    """
    equations = [e for line in derivation.forward for e in line.equations]
    cost = derivation.forward[-1].cost
    drawn = drawn_tensors(equations)
    reads = {
        n: [read for read in reads_of(e.body) if read.tensor in drawn]
        for n, e in enumerate(equations)
    }
    if not any(reads.values()):
        raise SymbpError("there is nothing to draw: no equation reads an input or another tensor")
    neuron = _neurons(equations, reads)
    shown = [tensor for tensor in drawn if tensor not in neuron]
    elements = Elements(cost, lambda factor: factor == 1 or _is_parameter(factor))
    elements.draw(shown)
    before = earlier(equations)
    steps = []
    for n, equation in enumerate(equations):
        into = neuron.get(equation.tensor, equation.tensor)
        # What is drawn as one with its reader is read by nothing else.
        outside = [read for read in reads[n] if read.tensor not in neuron]
        past = {neuron.get(tensor, tensor) for tensor in before[equation.tensor]}
        elements.connect(equation, outside, into, past)
        steps += [(read.tensor, into, 1) for read in outside if read.tensor not in past]
    level = levels(shown, steps)
    _pull_targets(level, steps)
    biases = _biases(elements, equations, neuron, shown)
    vertices = []
    for tensor in shown:
        kind = "cost" if tensor is cost else KINDS.get(tensor.role, "neuron")

        def label(place: Place, tensor: Tensor = tensor) -> str:
            bias = biases.get((tensor, place), "")
            return elements.name(tensor, place) + (f"\n+ {bias}" if bias else "")

        vertices += elements.vertices(tensor, kind, level.get(tensor), label)
    return Graph(tuple(vertices), tuple(elements.drawn_edges()), _title(derivation), in_order=True)


def drawn_tensors(equations: list[Equation]) -> list[Tensor]:
    """Return the tensors whose elements are vertices, in the order in which they are computed.

    Parameters are vertices where there is nothing else to begin with, as in ``f = (x + y) z``.
    """
    found: dict[Tensor, None] = {}
    given = [r.tensor for e in equations for r in reads_of(e.body)]
    roles = ["input", "target", "state"]
    if not any(tensor.role == "input" for tensor in given):
        roles.append("parameter")
    defined = {equation.tensor for equation in equations}
    for equation in equations:
        for read in reads_of(equation.body):
            if read.tensor.role in roles or read.tensor in defined:
                found.setdefault(read.tensor)
        found.setdefault(equation.tensor)
    return list(found)


def _neurons(equations: list[Equation], reads: dict[int, list[Read]]) -> dict[Tensor, Tensor]:
    """Return, for each tensor that is drawn as one with others, the last of them."""
    readers: dict[Tensor, set[int]] = {}
    for n, found in reads.items():
        for read in found:
            readers.setdefault(read.tensor, set()).add(n)
    result: dict[Tensor, Tensor] = {}
    # Backwards, so that a chain of functions ends in its last tensor.
    for n, equation in reversed(list(enumerate(equations))):
        first = {read.element for read in reads[n]}
        if len(first) != 1 or equation.body.has(Reduction) or equation.reduce:
            continue
        element = next(iter(first))
        joins = (
            element.args == equation.lhs.args
            and element.tensor.role == "intermediate"
            and readers[element.tensor] == {n}
            and bool(equation.lhs.args)
        )
        if joins:
            result[element.tensor] = result.get(equation.tensor, equation.tensor)
    return result


def _is_parameter(factor: Expr) -> bool:
    sign, rest = factor.as_coeff_Mul()
    return abs(sign) == 1 and isinstance(rest, Element) and rest.tensor.role == "parameter"


def _pull_targets(level: dict[Tensor, int], steps: Sequence[tuple[Tensor, Tensor, int]]) -> None:
    """Move targets next to what reads them: they do not enter at the left."""
    for tensor in level:
        if tensor.role == "target":
            level[tensor] = min(level[into] for source, into, _ in steps if source is tensor) - 1


def _biases(
    elements: Elements,
    equations: Sequence[Equation],
    neuron: dict[Tensor, Tensor],
    shown: Sequence[Tensor],
) -> dict[tuple[Tensor, Place], str]:
    """Return the parameters that are added in each neuron, where there is room for them."""
    found: dict[tuple[Tensor, Place], str] = {}
    for equation in equations:
        into = neuron.get(equation.tensor, equation.tensor)
        if into.role != "intermediate" or into is elements.cost or not into.rank:
            continue
        for read in reads_of(equation.body):
            added = read.factor == 1 and read.tensor.role == "parameter"
            if not added or read.tensor in shown:
                continue
            for place in elements.columns[into].places:
                for _, _, here in solutions(equation, place, read, None):
                    text = elements.name(read.tensor, here)
                    before = found.get((into, place))
                    found[into, place] = f"{before} + {text}" if before else text
                    break
    return found


def _title(derivation: Derivation) -> str:
    batch = derivation.program.batch
    if derivation.per_example or batch is None:
        return "Layer view: neurons, and weights on the edges"
    return f"Layer view, for {batch} = {EXAMPLES} examples"
