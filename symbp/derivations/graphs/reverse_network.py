"""reverse_network: the backward pass, drawn as a network of its own that runs from right to left.

It is read off the equations of the adjoints. The cost feeds ∂C/∂a of the last layer; each further
adjoint is a sum over others, with the weights at the edges, transposed as the equations say; and
where an adjoint is another one times a factor, element by element, it passes an amplifier.
"""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.derivation import Derivation
from symbp.derivations.graphs.elements import Elements, earlier, key_of, levels
from symbp.derivations.graphs.graph import Edge, Graph, Vertex
from symbp.derivations.graphs.neurons import drawn_tensors
from symbp.derivations.graphs.reading import EXAMPLES, Place, Read, reads_of, solutions
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["reverse_graph"]


def reverse_graph(derivation: Derivation) -> Graph:
    """Return the reverse network.

    Parameters
    ----------
    derivation : Derivation
        Of any program.

    Returns
    -------
    Graph
        Runs from the cost at the right to the first layer at the left.

    Raises
    ------
    SymbpError
        No adjoint of a tensor that could be drawn is derived.

    Examples
    --------
    >>> import symbp as bp
    >>> graph = reverse_graph(bp.derive(bp.mlp(2, 2, 1)))
    >>> [vertex.label for vertex in graph.vertices if vertex.kind == "amplifier"]
    ['σ′(z³₁)', 'σ′(z²₁)', 'σ′(z²₂)']
    """
    cost = derivation.forward[-1].cost
    forward = [e for line in derivation.forward for e in line.equations]
    sources = set(drawn_tensors(forward))
    lines = [line for line in derivation.links if line.tensor.adjoint_of in sources]
    equations = [equation for line in lines for equation in line.equations]
    if not equations:
        raise SymbpError("there is nothing to draw: no adjoint of a tensor is derived")
    shown = list(dict.fromkeys(equation.tensor for equation in equations))
    elements = Elements(cost, lambda factor: True)
    elements.draw([cost, *shown])
    before = earlier(equations)
    steps: list[tuple[Tensor, Tensor, int]] = []
    amplifiers: list[tuple[Equation, Read]] = []
    for equation in equations:
        reads = [read for read in reads_of(equation.body) if read.tensor in shown]
        amplified = _amplified(equation, reads)
        if amplified and len([e for e in equations if e.tensor is equation.tensor]) == 1:
            amplifiers.append((equation, amplified))
            steps.append((amplified.tensor, equation.tensor, 2))
            continue
        past = before[equation.tensor]
        elements.connect(equation, reads, equation.tensor, past)
        steps += [(r.tensor, equation.tensor, 1) for r in reads if r.tensor not in past]
        if not reads:
            # It begins at the cost; the whole right side is the local derivative.
            start = Read(cost.element, equation.body, ())
            elements.connect(equation, [start], equation.tensor)
            steps.append((cost, equation.tensor, 1))
    level = levels([cost, *shown], steps)
    vertices = [Vertex(key_of(cost, ()), elements.name(cost, ()), "cost", rank=0)]
    edges = elements.drawn_edges()
    for tensor in shown:
        for equation, read in amplifiers:
            if equation.tensor is tensor:
                more, wires = _amplifier(elements, equation, read, level.get(tensor))
                vertices += more
                edges += wires
        vertices += elements.vertices(tensor, "neuron", level.get(tensor))
    return Graph(tuple(vertices), tuple(edges), _title(derivation), leftwards=True, in_order=True)


def _amplified(equation: Equation, reads: Sequence[Read]) -> Read | None:
    """Return the one adjoint that an equation multiplies, element by element, or None."""
    if len(reads) != 1 or equation.is_scatter or equation.body.has(Reduction):
        return None
    read = reads[0]
    plain = read.element.args == equation.lhs.args and not read.guards
    if not plain or not isinstance(equation.body, sympy.Mul) or read.factor is None:
        return None
    # A weight is no amplifier: it stands at an edge, in the forward pass as here.
    factors = read.factor.atoms(Element)
    return read if any(e.tensor.role != "parameter" for e in factors) else None


def _amplifier(
    elements: Elements, equation: Equation, read: Read, rank: int | None
) -> tuple[list[Vertex], list[Edge]]:
    """Return the triangles between two columns and the edges to and from them."""
    into, column = equation.tensor, elements.columns[equation.tensor]
    stand = None if rank is None else rank - 1
    assert read.factor is not None, "an amplifier has a factor"
    factor: Expr = read.factor

    def label(place: Place) -> str:
        values, _, _ = next(solutions(equation, place, read, place))
        at = elements.at(factor, values)
        return "" if at is None else elements.text(at)

    vertices, edges = [], []
    for vertex in elements.vertices(into, "amplifier", stand, label):
        key = f"{vertex.key} amplifier"
        vertices.append(Vertex(key, vertex.label, vertex.kind, rank=stand))
        came = vertex.key.replace(into.name, read.tensor.name, 1)
        edges += [Edge(came, key), Edge(key, vertex.key)]
    assert len(vertices) == len(column.keys()), "an amplifier for each element"
    return vertices, edges


def _title(derivation: Derivation) -> str:
    batch = derivation.program.batch
    if derivation.per_example or batch is None:
        return "Reverse network: the backward pass from right to left"
    return f"Reverse network, for {batch} = {EXAMPLES} examples"
