"""printer: one function of a loop program as a jitted Python function.

Loops are loops and statements are statements, in their order. What decides over the speed of the
text is written as it was measured to be fast: views without checks, bounds that LLVM knows not to
be negative, sums whose order is free marked as such, rows that are looked up once.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import sympy

from symbp.loops.expand_products import expand_products
from symbp.loops.nodes import (
    MEMBER,
    MEMBERS,
    Accumulate,
    Allocate,
    Assign,
    Barrier,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Statement,
    View,
)
from symbp.loops.traverse import reads_of, writes_of
from symbp.notation.errors import UnsupportedError
from symbp.notation.tensor import Tensor
from symbp.notation.whole_numbers import Limit
from symbp.targets.numba.expressions import Expressions
from symbp.targets.numba.gathers import copied_row, is_lookup, looked_up, next_row
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.labels import label
from symbp.targets.numba.lines import INDENT, Lines
from symbp.targets.numba.memory import MEMORY, OFFSETS, TEAM, Memory, is_number
from symbp.targets.numba.names import Names
from symbp.targets.numba.passages import Passages
from symbp.targets.numba.places import Places
from symbp.targets.numba.products import ONE, product_call
from symbp.targets.numba.runs import runs
from symbp.targets.numba.runtime_names import called_functions, reserved_names
from symbp.targets.numba.threads import with_threads

__all__ = ["kernel"]

# A loop of known length is unrolled before it could be vectorised; the shortest are better so.
_UNROLLED = 4
_WRITTEN_OUT = "# Few enough operations: every index but that of the examples is written out."


def kernel(function: Function, name: str, order: Sequence[Any] | None = None) -> Kernel:
    """Return a function as text.

    Parameters
    ----------
    function : Function
        A loop program.
    name : str
        What it is called in the module.
    order : sequence of Tensor, Symbol or str, optional
        What the function is called with, in this order: its arguments, the sizes that are passed,
        and by name what it has no use for. By default the arguments, then the sizes that the
        shapes of the arguments do not tell, then what a team needs.
    """
    loops = frozenset(
        s for s in function.statements if isinstance(s, Product) and s.routine == "loops"
    )
    return _Printer(expand_products(function, loops)).kernel(name, order)


class _Printer:
    """Prints the statements of one function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.names = Names(reserved_names(), _tensors(function))
        self.places, self.lines = Places(), Lines()
        self.expressions = Expressions(self.names, self.places, self.lines)
        self.passages = Passages(function.body)
        for equation, tensor in self.passages.targets().items():
            self.names.show(equation.tensor, tensor)
        self.loops: list[For] = []
        """Those that are open."""
        self.wide = {tensor for tensor, made in function.allocations.items() if made.wide}
        self.one = ""
        self.extra: dict[str, str] = {}
        """What is passed besides the arguments and sizes, by what it is."""
        self.memory = Memory(function, self.names, self.expressions, self.extra)

    def kernel(self, name: str, order: Sequence[Any] | None) -> Kernel:
        """Return the whole function."""
        function = self.function
        for argument in function.arguments:
            text = self.names.tensor(argument.array)
            self.places.array(argument.array, text, argument.array.shape)
        told = self.sizes()
        passed: list[Any] = [argument.array for argument in function.arguments]
        passed += [size for size in function.sizes if size not in told]
        if function.team:
            passed += [MEMORY, OFFSETS, TEAM, MEMBER, MEMBERS]
        header = self.signature(name, passed if order is None else order, passed)
        if function.any_order:
            self.lines.add(_WRITTEN_OUT)
        for size, text in told.items():
            self.lines.add(f"{self.places.whole[size]} = {text}")
        self.rows()
        self.scalars()
        products = [s for s in function.statements if isinstance(s, Product)]
        if any(product.first is None for product in products):
            self.one = self.names.unique(ONE)
            # One number, read with a stride of zero.
            self.lines.add(f"{self.one} = np.empty(1, real)")
            self.lines.add(f"{self.one}[0] = real(1)")
        if function.team and any(isinstance(s, Barrier) for s in function.statements):
            self.extra["arrived"] = self.names.unique("arrived")
            self.lines.add(f"{self.extra['arrived']} = 0")
        before = len(self.lines)
        self.body(function.body, labelled=True)
        code = with_threads(self.lines.lines, before, function, self.places.whole, self.names)
        moved = 1 if len(code) > len(self.lines) else 0
        head = ["@_compiled", header]
        text = "\n".join([*head, *(INDENT + line for line in code)]) + "\n"
        return Kernel(
            text,
            called_functions(text),
            self.passages.moved(len(head) + moved),
            tuple(self.memory.buffers),
            # A product may stand there for few rows, and for many.
            sum({(p.target, p.equation): _multiplications(p) for p in products}.values()),
        )

    # Arguments --------------------------------------------------------------------------------

    def sizes(self) -> dict[sympy.Symbol, str]:
        """Return the sizes that arguments tell, each with the text of its number."""
        told: dict[sympy.Symbol, str] = {}
        for size in self.function.sizes:
            arrays = [a.array for a in self.function.arguments if size in a.array.shape]
            # Of all examples, those are meant whose numbers are in the order.
            arrays.sort(key=lambda array: self.function.limits.get(array) != Limit(0, size))
            if arrays:
                axis = arrays[0].shape.index(size)
                told[size] = f"{self.places.arrays[arrays[0]]}.shape[{axis}]"
            self.places.whole[size] = self.names.unique(size.name)
        return told

    def signature(self, name: str, order: Sequence[Any], passed: Sequence[Any]) -> str:
        """Return the line that names the function and what it takes."""
        missing = [str(each) for each in passed if each not in order]
        if missing:
            raise UnsupportedError(f"{name}: no place for its argument {', '.join(missing)}")
        texts = []
        for each in order:
            if isinstance(each, Tensor):
                texts.append(self.places.arrays[each])
            elif isinstance(each, sympy.Symbol):
                if each not in self.places.whole:
                    self.places.whole[each] = self.names.unique(each.name)
                texts.append(self.places.whole[each])
            else:
                self.extra[each] = self.names.unique(each)
                texts.append(self.extra[each])
        return f"def {name}({', '.join(texts)}):"

    def rows(self) -> None:
        """Write what tells LLVM how long the rows of the arguments are that are read by element.

        Numba's arrays have strides that only a call knows, with which no loop over the rows is
        vectorised.
        """
        read = {
            element.tensor
            for statement in self.function.statements
            if not isinstance(statement, Product)  # these are given the lengths
            for element in (*reads_of(statement), *writes_of(statement))
        }
        for argument in self.function.arguments:
            array = argument.array
            rest = array.shape[1:]
            if array in read and rest and all(isinstance(extent, int) for extent in rest):
                text = self.places.arrays[array]
                extents = ", ".join(map(str, rest))
                self.lines.add(f"{text} = view({text}, 0, ({text}.shape[0], {extents}))")

    def scalars(self) -> None:
        """Write what takes numbers out of the arrays that they are passed in."""
        for argument in self.function.arguments:
            if not argument.array.rank:
                text = f"{self.places.arrays[argument.array]}[()]"
                self.memory.scalar(argument.array, text, argument.role == "in")

    # Statements -------------------------------------------------------------------------------

    def body(self, statements: Iterable[Statement], labelled: bool = False) -> None:
        """Write statements in their order.

        Parameters
        ----------
        statements : iterable of Statement
            Of the function, or of a loop.
        labelled : bool
            Whether the equations of each stand above it.
        """
        scalars = self.function.views.keys()
        for kind, group in runs(statements, scalars, bool(self.loops)):
            # What batches and strips are made of is labelled within their loops.
            first = group[0]
            opens = isinstance(first, For) and first.step not in (1, -1)
            if labelled and not opens:
                for statement in group:
                    for equation in self.passages.said(statement):
                        self.lines.add(f"# {label(equation, self.names.shown)}")
            start = len(self.lines)
            if kind in ("moves", "elements"):
                with self.lines.together():
                    for statement in group:
                        self.statement(statement)
            elif kind == "zeros":
                self.zeros(group)
            elif kind == "terms":
                self.terms(group)
            else:
                self.statement(first, labelled and opens)
            if labelled and not opens:
                for statement in group:
                    self.passages.add(statement, start, len(self.lines))

    def zeros(self, group: Sequence[Statement]) -> None:
        """Write registers that start from 0, those of one kind in one line."""
        by_value: dict[str, list[str]] = {}
        for statement in group:
            assert isinstance(statement, Assign)
            target = self.expressions.element(statement.target)
            by_value.setdefault(self.stored(statement), []).append(target)
        for value, targets in by_value.items():
            self.lines.chain(targets, value)

    def terms(self, group: Sequence[Statement]) -> None:
        """Write the terms of a sum, which may be added in any order."""
        first = group[0]
        assert isinstance(first, Assign | Accumulate)
        target = self.expressions.element(first.target)
        terms = [] if isinstance(first, Assign) else [target]
        for statement in group:
            assert isinstance(statement, Assign | Accumulate)
            terms.append(self.stored(statement))
        self.lines.add(f"{target} = added({', '.join(terms)})")

    def statement(self, statement: Statement, labelled: bool = False) -> None:
        """Write one statement."""
        whole = self.expressions.whole
        if isinstance(statement, For):
            self.loop(statement, labelled)
        elif isinstance(statement, Assign):
            self.assign(statement)
        elif isinstance(statement, Accumulate):
            self.accumulate(statement)
        elif isinstance(statement, Product):
            self.lines.add(product_call(statement, self.expressions, self.one, self.loops))
        elif isinstance(statement, If):
            self.branches(statement)
        elif isinstance(statement, Let):
            text = whole(statement.value)
            self.lines.add(f"{self.let(statement.symbol)} = {text}")
        elif isinstance(statement, Divide):
            self.divide(statement)
        elif isinstance(statement, Allocate):
            self.memory.allocate(statement)
        elif isinstance(statement, View):
            self.memory.view(statement)
        elif isinstance(statement, Barrier):
            arrived = self.extra["arrived"]
            arguments = (self.extra[TEAM], self.places.whole[MEMBERS], arrived)
            self.lines.add(f"{arrived} = wait_for_team({', '.join(arguments)})")
        elif isinstance(statement, Return):
            if self.function.any_order:
                self.lines.add("products_in_any_order()")
            value = statement.value
            text = "return" if value is None else f"return {self.expressions.in_double(value)}"
            self.lines.add(text)
        else:
            raise UnsupportedError(f"Numba: no code for {type(statement).__name__}")

    def let(self, symbol: sympy.Symbol) -> str:
        """Return the identifier of a whole number."""
        self.places.whole[symbol] = name = self.names.unique(symbol.name)
        return name

    def divide(self, statement: Divide) -> None:
        """Write a member's share of a range."""
        start, end = statement.start, statement.end
        count = self.expressions.factor(end - start)
        before = "" if start == 0 else f"{self.expressions.whole(start)} + "
        member, members = (self.places.whole[each] for each in (MEMBER, MEMBERS))
        first, last = self.let(statement.first), self.let(statement.last)
        self.lines.add(f"{first} = {before}{count} * {member} // {members}")
        self.lines.add(f"{last} = {before}{count} * ({member} + 1) // {members}")

    def branches(self, statement: If) -> None:
        """Write a condition and what is done by it."""
        with self.lines.block(f"if {self.expressions.condition(statement.condition)}:"):
            self.body(statement.body)
        if statement.otherwise:
            with self.lines.block("else:"):
                self.body(statement.otherwise)

    # Loops ------------------------------------------------------------------------------------

    def loop(self, statement: For, labelled: bool) -> None:
        """Write a loop."""
        bounds = self.bounds(statement)
        open_loops = [self.places.whole[loop.index] for loop in self.loops]
        name = self.names.index(statement.index, open_loops)
        known = dict(self.expressions.looked_up), dict(self.places.whole)
        self.places.whole[statement.index] = name
        self.loops.append(statement)
        with self.lines.block(f"for {name} in range({bounds}):"):
            for lookup in looked_up(statement, self.places.whole):
                row = self.names.unique("example")
                self.lines.add(f"{row} = {self.expressions.subscript(lookup)}")
                self.expressions.looked_up[lookup] = row
            self.ask_ahead(statement)
            copy = copied_row(statement, self.places)
            if copy is None:
                self.body(statement.body, labelled)
            else:
                rows = [
                    f"{self.places.arrays[element.tensor]}, "
                    f"{self.expressions.subscript(element.args[0])}"
                    for element in copy
                ]
                size = self.expressions.whole(self.places.stride(copy[0].tensor, 0))
                self.lines.add(f"copy_row({', '.join(rows)}, {size})")
        # Another branch may have a loop over the same index, with something else around it.
        self.expressions.looked_up, self.places.whole = known
        self.loops.pop()

    def ask_ahead(self, statement: For) -> None:
        """Write what begins to load the row that the next batch copies in this turn."""
        ahead = next_row(statement, self.loops)
        if ahead is None:
            return
        source, place = ahead
        later = self.names.unique("later")
        order = self.places.arrays[source.args[0].tensor]
        self.lines.add(f"{later} = np.uintp({order}[{self.expressions.whole(place)}])")
        self.lines.add(f"prefetch({self.places.arrays[source.tensor]}, {later})")

    def bounds(self, statement: For) -> str:
        """Return what is in the brackets of ``range``."""
        start, end, step = statement.start, statement.end, statement.step
        whole = self.expressions.whole
        if step != 1:
            return ", ".join(map(whole, (start, end, step)))
        if start != 0 and not is_number(start):
            # LLVM would test every subscript for counting from the end.
            return f"{whole(start, natural=True)}, {whole(end, natural=True)}"
        last = whole(end)
        if len(statement.body) == 1 and is_number(end) and start == 0 and int(end) > _UNROLLED:
            (leaf,) = statement.body
            if isinstance(leaf, Assign) and is_lookup(leaf.value):
                axis = leaf.target.args.index(statement.index)
                last = f"{self.places.arrays[leaf.target.tensor]}.shape[{axis}]"
        return last if start == 0 else f"{whole(start)}, {last}"

    # Leaves -----------------------------------------------------------------------------------

    def assign(self, statement: Assign) -> None:
        """Write ``target = value``."""
        value = self.stored(statement)
        self.lines.add(f"{self.expressions.element(statement.target)} = {value}")

    def accumulate(self, statement: Accumulate) -> None:
        """Write ``target += value``, or what keeps the larger one."""
        value = self.stored(statement)
        target = self.expressions.element(statement.target)
        if statement.operation == "max":
            # Numba's own max loses a NaN and does not vectorise.
            self.lines.add(f"{target} = maximum({target}, {value})")
            return
        innermost = self.loops[-1].index if self.loops else None
        in_one_place = not statement.target.args or not statement.target.has(innermost)
        if statement.free_order and innermost is not None and in_one_place:
            self.lines.add(f"{target} = added({target}, {value})")
        else:
            self.lines.add(f"{target} += {value}")

    def stored(self, statement: Assign | Accumulate) -> str:
        """Return the value that a statement stores."""
        tensor = statement.target.tensor
        if tensor.kind == "integer":
            return self.expressions.whole(statement.value)
        if tensor in self.wide and not statement.value.is_number:
            # A term is what it is without wide sums.
            return f"float({self.expressions.value(statement.value)})"
        if tensor in self.places.doubles:
            return self.expressions.in_double(statement.value)
        return self.expressions.value(statement.value)


def _tensors(function: Function) -> list[Tensor]:
    """Return what gets an identifier; elements of flat arrays are written as such."""
    own = (
        s.array
        for s in function.statements
        if isinstance(s, Allocate) or (isinstance(s, View) and s.array.rank)
    )
    return [*(argument.array for argument in function.arguments), *own]


def _multiplications(product: Product) -> int:
    sizes = [span.index.extent for span in product.spans]
    return math.prod(size for size in sizes if isinstance(size, int))
