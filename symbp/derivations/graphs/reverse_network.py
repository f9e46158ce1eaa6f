"""reverse_network: the backward pass, drawn as a network of its own that runs from right to left.

It is read off the equations of the adjoints. The cost feeds ∂C/∂a of the last layer; each further
adjoint is a sum over others, with the weights at the edges, transposed as the equations say; and
where an adjoint is another one times a factor, element by element, it passes an amplifier.
"""

from collections.abc import Mapping, Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.graphs.columns import Group, recurrences
from symbp.derivations.graphs.elements import Elements, levels
from symbp.derivations.graphs.graph import Edge, Graph, Vertex
from symbp.derivations.graphs.neurons import connected, drawn_tensors
from symbp.derivations.graphs.reading import EXAMPLES, Place, Read, reads_of, solutions
from symbp.derivations.languages import words_of
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["reverse_graph"]


def reverse_graph(derivation: GradientEquations) -> Graph:
    """Return the reverse network.

    Parameters
    ----------
    derivation : GradientEquations
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
    elements = Elements(cost, lambda factor: True, derivation.style)
    recurrent = recurrences(equations)
    elements.draw([cost, *shown], recurrent)
    amplifiers: list[tuple[Equation, Read]] = []
    for equation in equations:
        reads = [read for read in reads_of(equation.body) if read.tensor in shown]
        amplified = _amplified(equation, reads)
        if amplified and len([e for e in equations if e.tensor is equation.tensor]) == 1:
            amplifiers.append((equation, amplified))
            continue
        # One that reads none begins at the cost; its whole right side is the local derivative.
        begins = Read(cost.element, equation.body, ())
        elements.connect(equation, reads or [begins], equation.tensor)
    links = elements.links()
    for equation, read in amplifiers:
        links += [
            (elements.groups[source], elements.groups[target], 1 if direct else 2)
            for source, target, _, direct in _wires(elements, equation, read)
        ]
    level = levels(links)
    found: dict[str, Vertex] = {}
    edges = elements.drawn_edges()
    for tensor in (cost, *shown):
        for equation, read in amplifiers:
            if equation.tensor is tensor:
                more, wires = _amplifier(elements, equation, read, level)
                found |= {vertex.key: vertex for vertex in more}
                edges += wires
        kind = "cost" if tensor is cost else "neuron"
        for vertex in elements.vertices(tensor, kind, level):
            found.setdefault(vertex.key, vertex)
    vertices = connected(found.values(), edges) if recurrent else tuple(found.values())
    return Graph(
        vertices,
        tuple(edges),
        _title(derivation),
        leftwards=True,
        in_order=True,
        aligned=len(recurrent) == 1,
    )


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


def _wires(
    elements: Elements, equation: Equation, read: Read
) -> list[tuple[str, str, Place | None, bool]]:
    """Return for each amplifier the keys of what it is fed by and of what it feeds.

    With the place of the element, None if it stands for several, and whether there is nothing to
    draw between the two because one of them stands for whole steps.
    """
    source, target = elements.columns[read.tensor], elements.columns[equation.tensor]
    wires: dict[tuple[str, str], tuple[Place | None, bool]] = {}
    for item in target.items:
        if isinstance(item, tuple):
            # What it is fed by is drawn, too: both tensors are drawn alike.
            wires[source.key(item), target.key(item)] = item, False
            continue
        for sample in item.samples:
            ends = source.key(sample), item.key
            direct = not all(isinstance(elements.groups[key], tuple | Tensor) for key in ends)
            if ends[0] != ends[1]:
                wires.setdefault(ends, (None, direct))
    return [(*ends, *how) for ends, how in wires.items()]


def _amplifier(
    elements: Elements, equation: Equation, read: Read, level: Mapping[Group, int]
) -> tuple[list[Vertex], list[Edge]]:
    """Return the triangles between two columns and the edges to and from them."""
    assert read.factor is not None, "an amplifier has a factor"
    factor: Expr = read.factor
    folds = {fold.key: fold for fold in elements.columns[equation.tensor].folds}
    vertices, edges = [], []
    for source, target, place, direct in _wires(elements, equation, read):
        if direct:
            edges.append(Edge(source, target))
            continue
        key, rank = f"{target} amplifier", level[elements.groups[target]] - 1
        if place is None:
            vertices.append(Vertex(key, folds[target].label, "fold", rank=rank))
        else:
            values, _, _ = next(solutions(equation, place, read, place))
            at = elements.at(factor, values)
            label = "" if at is None else elements.text(at)
            vertices.append(Vertex(key, label, "amplifier", rank=rank))
        edges += [Edge(source, key), Edge(key, target)]
    return vertices, edges


def _title(derivation: GradientEquations) -> str:
    words, batch = words_of(derivation.style.language), derivation.program.batch
    if derivation.per_example or batch is None:
        return words.say("graph.reverse")
    return words.say("graph.reverse.batch", batch=batch, count=EXAMPLES)
