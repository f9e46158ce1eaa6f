"""A derivative as a Python module of its own, which needs NumPy only.

Every symbol becomes an argument with a name that is made here; names of the user's stand in
strings only.
"""

from collections.abc import Mapping
from fractions import Fraction

from symbp.matrices.shapes import Shaped, Shapes
from symbp.notation.errors import UnsupportedError

__all__ = ["module_text"]

CALLS = {
    "exp": "np.exp({0})",
    "log": "np.log({0})",
    "sqrt": "np.sqrt({0})",
    "abs": "np.abs({0})",
    "sign": "np.sign({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "tan": "np.tan({0})",
    "tanh": "np.tanh({0})",
    "sinh": "np.sinh({0})",
    "cosh": "np.cosh({0})",
    "arctan": "np.arctan({0})",
    "sigmoid": "0.5 * (1.0 + np.tanh(0.5 * {0}))",
    "softplus": "np.logaddexp({0}, 0.0)",
    "relu": "np.maximum({0}, 0.0)",
    "step": "({0} > 0.0) * 1.0",
    "sum": "np.reshape(np.sum({0}), (1, 1))",
    "norm1": "np.reshape(np.sum(np.abs({0})), (1, 1))",
    "norm2": "np.reshape(np.linalg.norm({0}), (1, 1))",
    "normF": "np.reshape(np.linalg.norm({0}), (1, 1))",
    "tr": "np.reshape(np.trace({0}), (1, 1))",
    "det": "np.reshape(np.linalg.det({0}), (1, 1))",
    "logdet": "np.reshape(np.linalg.slogdet({0})[1], (1, 1))",
    "inv": "np.linalg.inv({0})",
    "adj": "np.linalg.det({0}) * np.linalg.inv({0})",
    "vec": "np.reshape({0}.T, (-1, 1))",
    "kron": "np.kron({0}, {1})",
}


def module_text(
    node: Shaped,
    shapes: Shapes,
    extents: tuple[tuple[str, ...], tuple[str, ...]],
    title: str,
) -> str:
    """Return the text of a module with one function, ``derivative``.

    Parameters
    ----------
    node : Shaped
        What it computes.
    shapes : Shapes
        With the declared shape of each argument, in order.
    extents : pair of tuple of str
        The extents of the rows and columns of the result.
    title : str
        What it is, for the docstring.
    """
    emitted = _Emitted(shapes)
    result = emitted.value(node)
    lines = [*emitted.head, *emitted.lines]
    rows, columns = extents
    end = result if columns else (f"{result}[:, 0]" if rows else f"float({result}[0, 0])")
    body = "\n".join(f"    {line}" for line in [*lines, f"return {end}"])
    arguments = ", ".join(emitted.names.values())
    said = ", ".join(f"{a}: {n!r} of shape ({', '.join(s)})" for (n, s), a in zip(
        shapes.declared.items(), emitted.names.values(), strict=True))  # fmt: skip
    documented = f"{title}.\n\n    {said}.\n    ".replace("\\", "\\\\").replace('"', "'")
    return (
        '"""A derivative of a matrix formula; written by symbp, needs NumPy."""\n\n'
        "import numpy as np\n\n\n"
        f"def derivative({arguments}):\n"
        f'    """{documented}"""\n'
        f"{body}\n"
    )


class _Emitted:
    """The statements of a function; equal parts are computed once."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.names: Mapping[str, str] = {
            name: f"a{number}" for number, name in enumerate(shapes.declared)
        }
        self.head: list[str] = []
        self.lines: list[str] = []
        self.sizes: dict[str, str] = {}
        self.known: dict[str, str] = {}
        for name, shape in shapes.declared.items():
            argument = self.names[name]
            self.head.append(f"{argument} = np.asarray({argument}, dtype=np.float64)")
            for axis, letter in enumerate(shape):
                if not letter.isdigit():
                    self.sizes.setdefault(letter, f"{argument}.shape[{axis}]")
        sizes = {letter: f"n{number}" for number, letter in enumerate(self.sizes)}
        self.head += [f"{sizes[letter]} = {where}" for letter, where in self.sizes.items()]
        self.sizes = sizes
        for name, shape in shapes.declared.items():
            wanted = ", ".join([*(self.size(letter) for letter in shape), "1", "1"][:2])
            argument = self.names[name]
            self.head.append(f"{argument} = {argument}.reshape({wanted})")

    def size(self, letter: str) -> str:
        return self.sizes.get(letter, letter)

    def extent(self, extent: tuple[str, ...], node: Shaped) -> str:
        letters = self.shapes.found(extent, node.tree)
        return " * ".join(map(self.size, letters)) or "1"

    def value(self, node: Shaped) -> str:
        text = self._text(node)
        if text in self.known:
            return self.known[text]
        if text.isidentifier():
            return text
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        self.known[text] = name
        return name

    def _text(self, node: Shaped) -> str:
        tree, head = node.tree, node.tree.head
        if head == "number":
            assert isinstance(tree.value, Fraction)
            return f"np.full((1, 1), {float(tree.value)!r})"
        if head == "eye":
            return f"np.eye({self.extent(node.shape[0], node)})"
        if head == "symbol":
            name = str(tree.value)
            if name in self.names:
                return self.names[name]
            return f"np.full((1, 1), float({self.size(name)}))"
        name = str(tree.value)
        if head == "call" and name in ("vector", "matrix"):
            rows, columns = (self.extent(extent, node) for extent in node.shape)
            return f"np.ones(({rows}, {columns})) * {self.value(node.parts[0])}"
        parts = [self.value(part) for part in node.parts]
        if head == "neg":
            return f"-{parts[0]}"
        if head == "'":
            return f"{parts[0]}.T"
        if head == "call":
            return self._call(node, name, parts)
        left, right = parts
        if head == "*":
            scalar = any(self.shapes.scalar(part.shape) for part in node.parts)
            return f"{left} * {right}" if scalar else f"{left} @ {right}"
        sign = {"^": "**", ".^": "**", ".*": "*", "./": "/"}.get(head, head)
        return f"{left} {sign} {right}"

    def _call(self, node: Shaped, name: str, parts: list[str]) -> str:
        column = not self.shapes.resolve(node.parts[0].shape[1])
        if name == "diag":
            if column:
                return f"np.diag({parts[0]}[:, 0])"
            return f"np.reshape(np.diag({parts[0]}), (-1, 1))"
        if name == "softmax":
            axis = 0 if column else 1
            kept = f"axis={axis}, keepdims=True"
            text = f"np.exp({parts[0]} - np.max({parts[0]}, {kept}))"
            raised = self.known.get(text)
            if raised is None:
                raised = f"t{len(self.lines)}"
                self.lines.append(f"{raised} = {text}")
                self.known[text] = raised
            return f"{raised} / np.sum({raised}, {kept})"
        if name not in CALLS:
            raise UnsupportedError(f"a module needs the values of {name}, which is undefined")
        return CALLS[name].format(*parts)
