"""neurons: the layer view of a network: its neurons in columns, the weights at the edges.

It is read off the forward equations and knows no layers. An element of a tensor is a vertex; a
tensor that is a function of another, element by element, is drawn as one with it: ``a = σ(z)`` and
``z`` are one neuron. A parameter that multiplies what is read stands at the edge, one that is
added enters the neuron from below. A recurrence is drawn step by step, from left to right.
"""

from collections.abc import Iterable, Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.graphs.columns import Group, recurrences
from symbp.derivations.graphs.elements import Elements, Link, levels
from symbp.derivations.graphs.graph import Edge, Graph, Vertex
from symbp.derivations.graphs.reading import EXAMPLES, Place, Read, reads_of, solutions
from symbp.derivations.languages import words_of
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import operation_of
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["connected", "drawn_tensors", "layer_graph"]

KINDS = {
    "input": "input", "target": "target", "state": "input", "noise": "input",
    "parameter": "parameter",
}  # fmt: skip


def layer_graph(derivation: GradientEquations) -> Graph:
    """Return the layer view.

    Parameters
    ----------
    derivation : GradientEquations
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
    elements = Elements(cost, lambda factor: factor == 1 or _is_parameter(factor), derivation.style)
    recurrent = recurrences(equations)
    stepwise = {neuron.get(tensor, tensor): name for tensor, name in recurrent.items()}
    elements.draw(shown, stepwise)
    for n, equation in enumerate(equations):
        into = neuron.get(equation.tensor, equation.tensor)
        # What is drawn as one with its reader is read by nothing else.
        elements.connect(equation, [r for r in reads[n] if r.tensor not in neuron], into)
    links = elements.links()
    level = levels(links)
    _pull_given(level, links, elements, bool(recurrent))
    functions = _functions(equations, neuron, elements)
    biases = _biases(elements, equations, neuron, shown)
    found: dict[str, Vertex] = {}
    # Step by step, what is given stands under what reads it.
    order = shown
    if recurrent:
        order = sorted(shown, key=lambda tensor: (_is_given(tensor), -shown.index(tensor)))
    for tensor in order:
        kind = "cost" if tensor is cost else KINDS.get(tensor.role, "neuron")

        def bias(place: Place, tensor: Tensor = tensor) -> str:
            return biases.get((tensor, place), "")

        for vertex in elements.vertices(tensor, kind, level, bias, functions.get(tensor, "")):
            found.setdefault(vertex.key, vertex)
    edges = elements.drawn_edges()
    vertices = connected(found.values(), edges) if recurrent else tuple(found.values())
    return Graph(
        vertices,
        tuple(edges),
        _title(derivation),
        in_order=True,
        aligned=len(stepwise) == 1,
    )


def connected(vertices: Iterable[Vertex], edges: Sequence[Edge]) -> tuple[Vertex, ...]:
    """Return the vertices that an edge ends at: of a recurrence, some steps read nothing."""
    ends = {key for edge in edges for key in (edge.source, edge.target)}
    return tuple(vertex for vertex in vertices if vertex.key in ends)


def drawn_tensors(equations: list[Equation]) -> list[Tensor]:
    """Return the tensors whose elements are vertices, in the order in which they are computed.

    Parameters are vertices where there is nothing else to begin with, as in ``f = (x + y) z``.
    """
    found: dict[Tensor, None] = {}
    given = [r.tensor for e in equations for r in reads_of(e.body)]
    roles = ["input", "target", "state", "noise"]
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


def _functions(
    equations: Iterable[Equation], neuron: dict[Tensor, Tensor], elements: Elements
) -> dict[Tensor, str]:
    """Return the function of each neuron that is drawn as one with its pre-activation."""
    joined = set(neuron.values())
    found: dict[Tensor, str] = {}
    for equation in equations:
        body = equation.body
        if equation.tensor in joined and isinstance(body, sympy.Function) and len(body.args) == 1:
            name = elements.printer.style.function(operation_of(type(body)))
            if "{" not in name:
                found[equation.tensor] = name
    return found


def _is_parameter(factor: Expr) -> bool:
    sign, rest = factor.as_coeff_Mul()
    return abs(sign) == 1 and isinstance(rest, Element) and rest.tensor.role == "parameter"


def _is_given(tensor: Tensor) -> bool:
    return tensor.role in ("input", "target")


def _pull_given(
    level: dict[Group, int], links: Sequence[Link], elements: Elements, recurrent: bool
) -> None:
    """Move targets, and inputs of later steps, next to what reads them."""
    pulled = [
        column
        for column in elements.columns.values()
        if column.tensor.role == "target"
        or (recurrent and column.tensor.role == "input" and column.axis is not None)
    ]
    for keys in (column.keys() for column in pulled):
        for group in {elements.groups[key]: None for key in keys}:
            readers = [level[into] for source, into, _ in links if source == group]
            if readers:
                level[group] = min(readers) - 1


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


def _title(derivation: GradientEquations) -> str:
    words, batch = words_of(derivation.style.language), derivation.program.batch
    if derivation.per_example or batch is None:
        return words.say("graph.layers")
    return words.say("graph.layers.batch", batch=batch, count=EXAMPLES)
