"""motion: when each part of a drawing appears: values forward, then gradients backward.

It is CSS, with a delay at each part and no script. The rules hold on screens of readers who do not
ask for less motion; on paper and for all others the drawing is as it is in the end.
"""

from symbp.derivations.graphs.plain import PlainGraph
from symbp.notation.errors import SymbpError

__all__ = ["Motion", "Still"]

# Seconds for each vertex, and for all of them at the most.
STEP, LONGEST = 0.9, 40.0
FORWARD, BACKWARD = "#1a7f37", "#cf222e"


class Still:
    """Nothing moves."""

    def rules(self, identity: str) -> str:
        """Return the rules of CSS."""
        return ""

    def shown(self, element: str, key: str, back: bool = False) -> str:
        """Return an element that appears with a vertex, on the way back or forth."""
        return element

    def pulse(self, key: str) -> str:
        """Return the attributes of a vertex' outline."""
        return ""

    def passing(self, key: str) -> str:
        """Return the attributes of an edge to a vertex."""
        return ""


class Motion(Still):
    """The order of a trace's vertices, and back.

    Parameters
    ----------
    graph : PlainGraph
        Its vertices stand in the order in which their values are computed.

    Raises
    ------
    SymbpError
        No vertex has a value.
    """

    def __init__(self, graph: PlainGraph) -> None:
        if not any(vertex.above for vertex in graph.vertices):
            raise SymbpError("animated: the drawing has no values; expected that of a trace")
        entered = {edge.target for edge in graph.edges}
        # What is given is there from the beginning.
        given = [vertex.key for vertex in graph.vertices if vertex.key not in entered]
        computed = [vertex.key for vertex in graph.vertices if vertex.key in entered]
        step = min(STEP, LONGEST / (2 * len(computed) + 2))
        self.step = step
        self.forth = dict.fromkeys(given, 0.0)
        self.forth |= {key: step * (number + 1) for number, key in enumerate(computed)}
        turn = step * (len(computed) + 1.5)
        self.back = {key: turn + step * n for n, key in enumerate(reversed(computed))}
        # A given one's gradient is complete when the first that reads it has passed its own on.
        for edge in graph.edges:
            if edge.source in given and edge.target in self.back:
                last = max(self.back.get(edge.source, 0.0), self.back[edge.target] + step)
                self.back[edge.source] = last

    def rules(self, identity: str) -> str:
        """Return the rules of CSS."""
        own = f".{identity}"
        time = f"{round(self.step, 3):g}s"
        return (
            f"@keyframes {identity}-in{{from{{opacity:0}}to{{opacity:1}}}}"
            f"@keyframes {identity}-forth{{50%{{stroke:{FORWARD};stroke-width:3px}}}}"
            f"@keyframes {identity}-back{{50%{{stroke:{BACKWARD};stroke-width:3px}}}}"
            "@media screen and (prefers-reduced-motion:no-preference){"
            f"{own} .in{{animation:{identity}-in {time} both}}"
            f"{own} .shape,{own} .edge"
            f"{{animation:{identity}-forth {time},{identity}-back {time}}}}}"
        )

    def shown(self, element: str, key: str, back: bool = False) -> str:
        """Return an element that appears with a vertex, on the way back or forth."""
        at = (self.back if back else self.forth).get(key)
        if at is None:
            return element
        return f'<g class="in" style="animation-delay:{round(at, 3):g}s">{element}</g>'

    def pulse(self, key: str) -> str:
        """Return the attributes of a vertex' outline."""
        return self._delays(self.forth[key], self.back.get(key, self.forth[key]))

    def passing(self, key: str) -> str:
        """Return the attributes of an edge to a vertex."""
        back = self.back.get(key, 0.0) + self.step / 2
        return self._delays(self.forth[key] - self.step / 2, back)

    def _delays(self, forth: float, back: float) -> str:
        return f' style="animation-delay:{round(forth, 3):g}s,{round(back, 3):g}s"'
