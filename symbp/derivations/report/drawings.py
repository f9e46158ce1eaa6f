"""drawings: the network and the reverse network, drawn."""

from collections.abc import Iterator

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.graphs.neurons import layer_graph
from symbp.derivations.graphs.reverse_network import reverse_graph
from symbp.derivations.languages import words_of
from symbp.derivations.report.blocks import Block, Picture
from symbp.notation.errors import SymbpError

__all__ = ["drawings_of"]

_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg" '


def drawings_of(derivation: GradientEquations) -> Iterator[Block]:
    """Yield the layer view and the reverse network, large layers folded.

    Parameters
    ----------
    derivation : GradientEquations
        What is drawn; what has no such view is left out.
    """
    words = words_of(derivation.style.language)
    for view, caption in (
        (layer_graph, words.say("picture.layers")),
        (reverse_graph, words.say("picture.reverse")),
    ):
        try:
            graph = view(derivation).folded()
        except SymbpError:  # nothing to draw: the program reads no tensor
            continue
        # Inside a page the name of SVG's own namespace is not needed.
        yield Picture(graph.svg().replace(_NAMESPACE, "", 1), graph.mermaid(), caption)
