"""printer: the body of one function of a loop program as C.

Loops are loops and statements are statements, in their order; what an array or an index is called
and where it lies is decided before (see :mod:`symbp.targets.c.places`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from symbp.loops.expand_products import as_loops
from symbp.loops.nodes import (
    MEMBER,
    MEMBERS,
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Divide,
    For,
    If,
    Let,
    Product,
    Return,
    Statement,
    View,
)
from symbp.loops.traverse import statements_in
from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor
from symbp.targets.c.expressions import Expressions
from symbp.targets.c.names import Names, comment
from symbp.targets.c.places import Place

__all__ = ["INDENT", "Printer"]

INDENT = "    "
_WIDTH = 96
WritesProduct = Callable[["Printer", Product], list[str] | None]


class Printer:
    """Prints the statements of one function.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The precision of real numbers.
    names : Names
        The identifiers of the function that are in use already.
    places : mapping of Tensor to Place
        Where the arguments and the buffers lie.
    sizes : mapping of Symbol to str
        What stands for the whole numbers that are not made in the function.
    write_product : callable
        Returns the lines of a product, or None where loops serve it as well.
    """

    def __init__(
        self,
        dtype: str,
        names: Names,
        places: Mapping[Tensor, Place],
        sizes: Mapping[sympy.Symbol, str],
        write_product: WritesProduct,
    ) -> None:
        self.dtype, self.names, self.write_product = dtype, names, write_product
        self.places = dict(places)
        self.whole: dict[Any, str] = {MEMBER: "0", MEMBERS: "1", **sizes}
        self.expressions = Expressions(dtype, self.element, self.whole.__getitem__)
        self.lines: list[str] = []
        self.depth = 1
        self.loops: list[str] = []
        self.said: set[Equation] = set()

    def line(self, text: str) -> None:
        """Append one line."""
        self.lines.append(INDENT * self.depth + text if text else "")

    # Places -----------------------------------------------------------------------------------

    def element(self, element: Element) -> str:
        """Return the text of an element."""
        place = self.places[element.tensor]
        if place.single:
            return place.text
        terms = []
        number = place.offset
        for subscript, stride in zip(element.args, place.strides(), strict=True):
            if stride == 1 or subscript == 0:
                part = self.expressions.whole(subscript)
            else:
                size = self.expressions.factor(stride)
                part = f"{size} * {self.expressions.factor(subscript)}"
            if subscript != 0:
                terms.append(part)
        if number != 0 or not terms:
            terms.insert(0, self.expressions.whole(number))
        return f"{place.text}[{' + '.join(terms)}]"

    # Statements -------------------------------------------------------------------------------

    def body(self, statements: Sequence[Statement]) -> None:
        """Print statements in their order."""
        position = 0
        while position < len(statements):
            statement = statements[position]
            following = statements[position + 1] if position + 1 < len(statements) else None
            if isinstance(statement, Allocate) and statement.kind == "register":
                position += self.register(statement, following)
            else:
                self.statement(statement)
            position += 1

    def register(self, statement: Allocate, following: Statement | None) -> int:
        """Print a local variable; with its first value, if the next statement gives it."""
        tensor = statement.array
        name = self.variable(tensor.name)
        self.places[tensor] = Place(name, (), single=True)
        kind = "ptrdiff_t" if tensor.kind == "integer" else "double" if statement.wide else "real"
        if statement.wide:
            self.expressions.wide.add(tensor)
        if isinstance(following, Assign) and following.target == tensor[()]:
            self.say(following)
            self.line(f"{kind} {name} = {self.expressions.value(following.value)};")
            return 1
        self.line(f"{kind} {name} = 0;")
        return 0

    def statement(self, statement: Statement) -> None:
        """Print one statement."""
        self.say(statement)
        if isinstance(statement, For):
            self.loop(statement)
        elif isinstance(statement, If):
            self.line(f"if ({self.expressions.condition(statement.condition)}) {{")
            self.block(statement.body)
            if statement.otherwise:
                self.line("} else {")
                self.block(statement.otherwise)
            self.line("}")
        elif isinstance(statement, Assign):
            self.line(f"{self.element(statement.target)} = {self.stored(statement)};")
        elif isinstance(statement, Accumulate):
            target = self.element(statement.target)
            if statement.operation == "max":
                self.line(f"{target} = symbp_maximum({target}, {self.stored(statement)});")
            else:
                self.line(f"{target} += {self.stored(statement)};")
        elif isinstance(statement, Product):
            lines = self.write_product(self, statement)
            if lines is None:
                self.body(as_loops(statement))
            for line in lines or ():
                self.line(line)
        elif isinstance(statement, Let):
            self.let(statement.symbol, statement.value)
        elif isinstance(statement, Divide):
            self.let(statement.first, statement.start)
            self.let(statement.last, statement.end)
        elif isinstance(statement, View):
            self.places[statement.array] = self.places[statement.of].viewed(statement)
        elif isinstance(statement, Return):
            if statement.value is not None:
                self.line(f"*cost = {self.expressions.value(statement.value)};")
            self.line("return 0;")
        elif isinstance(statement, Allocate):
            if statement.wide:
                self.expressions.wide.add(statement.array)
        elif not isinstance(statement, Barrier | AllReduce):
            raise UnsupportedError(f"no C for the statement {type(statement).__name__}")

    def stored(self, statement: Assign | Accumulate) -> str:
        """Return the value that a statement stores."""
        if statement.target.tensor.kind == "integer":
            if isinstance(statement.value, Element):
                return self.element(statement.value)
            return self.expressions.whole(statement.value)
        return self.expressions.value(statement.value)

    def let(self, symbol: sympy.Symbol, value: Any) -> None:
        """Print a whole number with a name."""
        text = self.expressions.whole(value)
        name = self.variable(symbol.name)
        self.whole[symbol] = name
        self.line(f"const ptrdiff_t {name} = {text};")

    def loop(self, statement: For) -> None:
        """Print a loop."""
        start, end = (self.expressions.whole(bound) for bound in (statement.start, statement.end))
        step = statement.step
        name = self.index_name(statement.index)
        if step == 1 or step == -1:
            move = f"{'++' if step == 1 else '--'}{name}"
        else:
            move = f"{name} += {self.expressions.whole(step)}"
        sign = ">" if isinstance(step, int | sympy.Integer) and step < 0 else "<"
        self.line(f"for (ptrdiff_t {name} = {start}; {name} {sign} {end}; {move}) {{")
        self.loops.append(name)
        self.block(statement.body)
        self.loops.pop()
        self.line("}")

    def variable(self, wanted: str) -> str:
        """Return an identifier for a variable, which hides no index of a loop around it."""
        name = Names({*self.names.used, *self.loops}).unique(wanted)
        self.names.used.add(name)
        return name

    def index_name(self, index: Index) -> str:
        """Return an identifier for the index of a loop; loops side by side may share one."""
        scope = Names({*self.names.used, *self.loops})
        self.whole[index] = name = scope.unique(index.name)
        return name

    def block(self, statements: Sequence[Statement]) -> None:
        """Print the statements in the braces of a loop or a condition."""
        self.depth += 1
        self.body(statements)
        self.depth -= 1

    # Comments ---------------------------------------------------------------------------------

    def say(self, statement: Statement) -> None:
        """Print the equation that a statement computes, where it begins."""
        equations = dict.fromkeys(
            equation
            for inner in statements_in([statement])
            for equation in (getattr(inner, "equation", None), getattr(inner, "added", None))
            if equation is not None
        )
        new = [equation for equation in equations if equation not in self.said]
        if len(equations) != 1 and not isinstance(statement, Product):
            return
        for equation in new:
            self.said.add(equation)
            text = comment(str(equation))
            text = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 4]} ..."
            if self.depth == 1 and self.lines and self.lines[-1]:
                self.line("")
            self.line(f"/* {text} */")
