"""emit: blocks as lines of Python; each group of lines is labelled with its equations."""

import math
from collections.abc import Callable, Mapping, Sequence

import sympy

from symbp.codegen.blocks import Accumulator, Assign, Block, Fill, Loop, equations_of, leaves
from symbp.codegen.emit_products import ProductWriter
from symbp.codegen.expressions import INDENT, Level, Scope, bare, number
from symbp.codegen.flat_loops import flat_nest
from symbp.codegen.names import Names
from symbp.notation.equation import Equation
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Element, Tensor
from symbp.targets.numba.kernel import Passage

__all__ = ["Emitter"]


class Emitter(ProductWriter):
    """Writes the blocks of one function.

    Parameters
    ----------
    names : Names
        The identifiers.
    dropped : mapping of Tensor to frozenset of int
        The axes that need no memory (see :mod:`symbp.codegen.storage`).
    aliases : mapping of Tensor to Tensor
        Tensors that are computed in the memory of another.
    unread : set of int
        The ids of assignments whose result stays in a register.
    capacity : str
        The name of the number of rows that batch-sized buffers have.
    itemsize : int
        Bytes of a number.
    """

    def __init__(
        self,
        names: Names,
        dropped: dict[Tensor, frozenset[int]],
        aliases: Mapping[Tensor, Tensor],
        unread: set[int],
        capacity: str,
        itemsize: int,
    ) -> None:
        super().__init__(names, Scope(names, dropped), capacity, itemsize)
        self.unread = unread
        self.scope.memory = dict(aliases)
        self.accumulators: dict[Tensor, str] = {}
        self.passages: list[Passage] = []
        """What each of the lines computes, in order."""

    @property
    def lines(self) -> list[str]:
        """The lines written so far."""
        return self.scope.levels[0].lines

    def program(self, blocks: Sequence[Block], label: Callable[[Equation], str]) -> None:
        """Write blocks one after another, each under a comment with its equations."""
        said: dict[str, None] = {}
        for block in blocks:
            start = len(self.lines)
            texts = dict.fromkeys(label(equation) for equation in _equations(block))
            if not isinstance(block, (Fill, Accumulator)):
                # Neighbours may be parts of one equation.
                new = (text for text in texts if text not in said)
                self.scope.levels[0].lines.extend(f"# {text}" for text in new)
                said = texts
            self.scope.levels[0].known = {
                node: name
                for node, name in self.scope.levels[0].known.items()
                if not (isinstance(node, sympy.Basic) and node.has(Element))
            }
            self.body([block])
            self.passages.append(_passage(block, start, len(self.lines)))

    def body(self, blocks: Sequence[Block]) -> None:
        """Write the blocks of one loop's body."""
        leaves = [block.equation for block in blocks if isinstance(block, Assign)]
        # A value that is stored and then read in the same body is used once more.
        self.scope.count_uses([e.body for e in leaves])
        for block in blocks:
            if isinstance(block, Loop):
                self.loop(block)
            elif isinstance(block, Assign):
                self.assign(block)
            elif isinstance(block, Accumulator):
                self.accumulator(block)
            elif isinstance(block, Fill):
                self.fill(block)
            else:
                self.product(block)

    # Loops ------------------------------------------------------------------------------------

    def loop(self, block: Loop) -> None:
        """Write a loop; what its body computes for outer loops goes before it."""
        nest = flat_nest(block, self.scope.dropped) if self.flattened else None
        # Parts of rows do not follow one another.
        if nest is not None and self.ranges.keys().isdisjoint(nest[0][1:]):
            self.flat(*nest)
            return
        name = self.enter(block.index)
        self.body(block.body)
        extent = self.extent(block.index.extent)
        header = (
            f"for {name} in {self.range(block.index)}:"
            if block.upwards
            else f"for {name} in range({extent} - 1, -1, -1):"
        )
        self.leave(header)

    def flat(self, loops: tuple[Index, ...], body: Sequence[Block]) -> None:
        """Write a nest over whole arrays as one loop over their elements."""
        scope, (rows, *inner) = self.scope, loops
        name = self.enter(inner[-1])
        scope.kernels.add("flat")
        scope.flat = loops, name
        self.body(body)
        scope.flat = None
        ends = self.ranges.get(rows)
        size = math.prod(int(index.extent) for index in inner)
        if ends is None:
            stop = self.extent(rows.extent)
            total = str(int(stop) * size) if stop.isdigit() else f"{stop} * {size}"
            self.leave(f"for {name} in range({total}):")
            return
        scope.kernels.add("natural")
        first, last = (f"natural({end}) * {size}" for end in ends)
        self.leave(f"for {name} in range({first}, {last}):")

    def enter(self, index: Index) -> str:
        """Open the body of a loop and return the name of its index."""
        scope = self.scope
        in_use = [scope.identifiers[lv.index] for lv in scope.levels if lv.index is not None]
        name = self.names.index(index, in_use)
        scope.identifiers[index] = name
        scope.levels.append(Level(index))
        return name

    def leave(self, header: str) -> None:
        """Close the body of a loop, under its header."""
        level = self.scope.levels.pop()
        self.scope.add(header)
        for line in level.lines or ["pass"]:
            self.scope.add(INDENT + line)

    def extent(self, extent: Extent) -> str:
        """Return the text of an extent: a number, or the batch size."""
        return str(extent) if isinstance(extent, int) else self.scope.batch

    def range(self, index: Index) -> str:
        """Return the text of the range that a loop runs over."""
        if index in self.ranges:
            first, last = self.ranges[index]
            self.scope.kernels.add("natural")
            return f"range(natural({first}), natural({last}))"
        return f"range({self.extent(index.extent)})"

    # Leaves -----------------------------------------------------------------------------------

    def assign(self, block: Assign) -> None:
        """Write one evaluation of an equation's body."""
        scope, equation = self.scope, block.equation
        if block.mode == "reduce":
            self._accumulate(self.accumulators[equation.tensor], equation)
            return
        if equation.is_scatter:
            self._scatter(equation)
            return
        target = scope.element(equation.lhs)
        value = self.summed(equation)
        scope.forget(equation.tensor)
        if block.mode == "max":
            scope.kernels.add("maximum")
            scope.add(f"{target} = maximum({target}, {bare(value)})")
        elif block.mode == "add" and id(block) in self.unread:
            value = self.added(target, value)
            scope.remember(
                equation.lhs, scope.store(equation.lhs, value, f"{self._name(equation)}_")
            )
        elif block.mode == "add" and scope.levels[-1].index not in equation.lhs.atoms(Index):
            # The innermost loop sums into one place.
            scope.add(f"{target} = {self.added(target, value)}")
        elif block.mode == "add":
            scope.add(f"{target} += {bare(value)}")
        elif target.isidentifier():
            scope.add(f"{target} = {bare(value)}")
            scope.remember(equation.lhs, target)
        else:
            if not value.isidentifier() and not value.startswith("real("):
                value = scope.store(equation.body, value, f"{self._name(equation)}_")
            scope.add(f"{target} = {bare(value)}")
            scope.remember(equation.lhs, value)

    def _name(self, equation: Equation) -> str:
        return self.names.tensor(equation.tensor)

    def _accumulate(self, name: str, equation: Equation) -> None:
        if equation.operation == "max":
            # Numba's own max loses a NaN and does not vectorise.
            self.scope.kernels.add("maximum")
            self.scope.add(f"{name} = maximum({name}, {bare(self.scope.value(equation.body))})")
        else:
            self.scope.add(f"{name} = {self.summed(equation, name)}")

    def summed(self, equation: Equation, total: str = "") -> str:
        """Return the text of a body, added to a total if there is one.

        The terms of a sum that was written out are added in any order too, as in a loop.
        """
        scope, body = self.scope, equation.body
        source = equation.origin.source
        if isinstance(body, sympy.Add) and equation.origin.rule == "unroll":
            written_out = source is not None and source.reduce and source.operation == "sum"
            known = any(body in level.known for level in scope.levels)
            if written_out and not known:
                for term in scope.hoisted(body):
                    value = scope.value(term)
                    total = self.added(total, value) if total else bare(value)
                return total
        value = scope.value(body)
        return self.added(total, value) if total else value

    def added(self, total: str, term: str) -> str:
        """Return the text of a term's addition to a sum, whose order is free."""
        self.scope.kernels.add("added")
        return f"added({total}, {bare(term)})"

    def _scatter(self, equation: Equation) -> None:
        """Add to a computed place, when it exists: a guarded term may have none."""
        scope = self.scope
        tests = []
        for subscript, extent in zip(equation.lhs.args, equation.tensor.shape, strict=True):
            if isinstance(subscript, Index) and subscript.extent == extent:
                continue
            if not subscript.atoms(Index):
                continue
            if isinstance(subscript, Element):
                continue  # checked where the data comes in
            tests.append(f"0 <= {bare(scope.integer(subscript))} < {self.extent(extent)}")
        if tests:
            scope.add(f"if {' and '.join(tests)}:")
            scope.guarded += 1
        known = dict(scope.levels[-1].known)
        value = scope.value(equation.body)
        scope.add(f"{scope.element(equation.lhs)} += {bare(value)}")
        if tests:
            scope.levels[-1].known = known
            scope.guarded -= 1
        scope.forget(equation.tensor)

    def accumulator(self, block: Accumulator) -> None:
        """Open or close the local variable of a reduction."""
        scope, equation = self.scope, block.equation
        if block.start:
            name = self.names.unique(f"{self._name(equation)}_")
            self.accumulators[equation.tensor] = name
            start = number(-sympy.oo) if equation.operation == "max" else "real(0)"
            scope.add(f"{name} = {start}")
            return
        name = self.accumulators[equation.tensor]
        target = scope.element(equation.lhs)
        scope.forget(equation.tensor)
        if block.mode == "add":
            scope.add(f"{target} += {name}")
        else:
            scope.add(f"{target} = {name}")
            scope.remember(equation.lhs, name)

    def fill(self, block: Fill) -> None:
        """Write the loops that set a tensor, or a part of it, to one value."""
        name = self.names.tensor(block.tensor)
        gone = self.scope.dropped.get(block.tensor, frozenset())
        value = "real(-np.inf)" if block.value else "real(0)"
        subscripts, loops = [], []
        in_use = [self.scope.identifiers[lv.index] for lv in self.scope.levels if lv.index]
        for axis, (subscript, index) in enumerate(
            zip(block.subscripts, block.tensor.indices, strict=True)
        ):
            if axis in gone:
                continue
            if subscript is not None:
                subscripts.append(self.scope.identifiers[subscript])
                continue
            counter = self.names.index(index, in_use)
            in_use.append(counter)
            subscripts.append(counter)
            loops.append(f"for {counter} in {self.range(index)}:")
        self.scope.forget(block.tensor)
        # Loops, because Numba takes a second to compile the assignment to a slice.
        for depth, header in enumerate(loops):
            self.scope.add(INDENT * depth + header)
        target = f"{name}[{', '.join(subscripts)}]" if subscripts else name
        self.scope.add(f"{INDENT * len(loops)}{target} = {value}")


def _passage(block: Block, start: int, end: int) -> Passage:
    if isinstance(block, Fill):
        return Passage(start, end, (block.equation,), "next")
    if isinstance(block, Accumulator):
        return Passage(start, end, (block.equation,), "next" if block.start else "previous")
    return Passage(start, end, tuple(_equations(block)))


def _equations(block: Block) -> list[Equation]:
    found = (leaf for leaf in leaves(block) if not isinstance(leaf, Fill))
    return [equation for leaf in found for equation in equations_of(leaf)]
