"""Graphs of programs and of their derivations, laid out and drawn as SVG, DOT and Mermaid."""

from symbp.derivations.graphs.equations import equation_graph
from symbp.derivations.graphs.graph import Edge, Graph, Vertex
from symbp.derivations.graphs.neurons import layer_graph
from symbp.derivations.graphs.reverse_network import reverse_graph

__all__ = ["Edge", "Graph", "Vertex", "equation_graph", "layer_graph", "reverse_graph"]
