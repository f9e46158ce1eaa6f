"""Values of a kernel that is emitted as LLVM instructions: numbers with Numba's types, and arrays.

An array is the pointer to its first element and its extents, which Numba would keep in a record
that LLVM takes apart. What a function of Numba's or of the runtime needs of it is put together for
the call.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import errors

REALS = (types.float32, types.float64)
WORD = ir.IntType(64)
CACHE_LINE = 64
ALLOCATED = "allocated "  # begins the name of a region that is new memory


class OutsideOfSubsetError(Exception):
    """A kernel has something that is not emitted here."""


class Value(NamedTuple):
    """A value: its Numba type, and what LLVM knows it by; of an array, a `Held`."""

    kind: Any
    llvm: Any


class Held(NamedTuple):
    """A contiguous array: the pointer to its first element, and its extents."""

    data: Any
    shape: Sequence[Any]
    region: str = ""
    """What it lies in: a part of an argument, or new memory, which no other region overlaps."""


class Slot(NamedTuple):
    """A variable that several blocks of statements set: its type, and where it lies."""

    kind: Any
    place: Any


class Frame:
    """The variables of a function that is being emitted.

    Parameters
    ----------
    tree : ast.FunctionDef
        Its text.
    known : mapping of str to object
        What its global names mean.
    flags : sequence of str
        Of its arithmetic with real numbers; none for Numba's own.
    """

    def __init__(
        self, tree: ast.FunctionDef, known: Mapping[str, Any], flags: Sequence[str] = ()
    ) -> None:
        self.known, self.flags = known, flags
        self.variables: dict[str, Value | Slot] = {}
        self.repeated: dict[int, Any] = {}
        """The statements that stand in it several times, by the identity of their trees."""
        blocks: dict[str, set[int]] = {}
        for argument in tree.args.args:
            blocks.setdefault(argument.arg, set()).add(id(tree.body))
        for statements in blocks_in(tree.body):
            for statement in statements:
                for name in names_set(statement):
                    blocks.setdefault(name, set()).add(id(statements))
        self.in_slots = {name for name, places in blocks.items() if len(places) > 1}


def blocks_in(statements: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Yield a list of statements, and all lists in it."""
    yield statements
    for statement in statements:
        for inner in (getattr(statement, "body", []), getattr(statement, "orelse", [])):
            if inner:
                yield from blocks_in(inner)


def names_set(statement: ast.stmt) -> Iterator[str]:
    """Yield the variables that a statement sets itself."""
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    if not isinstance(statement, ast.For):
        for target in targets:
            for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(each, ast.Name):
                    yield each.id


def static(node: ast.expr | None, frame: Frame) -> Any:
    """Return the object that a name outside of a function means."""
    if isinstance(node, ast.Name) and node.id not in frame.variables:
        if node.id in frame.known:
            return frame.known[node.id]
        if hasattr(builtins, node.id):
            return getattr(builtins, node.id)
    elif isinstance(node, ast.Attribute):
        return getattr(static(node.value, frame), node.attr)
    raise OutsideOfSubsetError(f"{node and ast.unparse(node)} is not known here")


class Element(NamedTuple):
    """An element of an array: its type, the pointer to it, and the region that it lies in."""

    kind: Any
    place: Any
    region: str


class Values:
    """Makes values where a builder stands.

    Parameters
    ----------
    context, builder
        Numba's, of the function that the instructions become a part of.
    """

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder
        self.typing = context.typing_context
        self.allocated: list[Any] = []
        self.allocations = 0
        self.regions: Sequence[str] = ()
        self.told: dict[str, tuple[Any, Any]] = {}
        self.found: dict[Any, tuple[Any, Any]] = {}
        """Numba's functions, by what they are and the types of their arguments."""

    def constant(self, value: Any) -> Value:
        """Return a number as a constant."""
        if type(value) in (bool, int):
            llvm_type = ir.IntType(1) if type(value) is bool else WORD
            return Value(types.literal(value), ir.Constant(llvm_type, value))
        kind = self.typing.resolve_value_type(value)
        if not isinstance(kind, types.Number | types.BaseTuple):
            raise OutsideOfSubsetError(f"{value} is not a number")
        return Value(kind, self.context.get_constant_generic(self.builder, kind, value))

    def as_array(self, kind: Any, llvm: Any) -> Value:
        """Return an array of Numba's."""
        if not isinstance(kind, types.Array) or kind.layout != "C":
            raise OutsideOfSubsetError(f"{kind} is not contiguous")
        places = self.context.data_model_manager[kind]
        extract = self.builder.extract_value
        position = places.get_field_position("shape")
        shape = [extract(llvm, [position, axis]) for axis in range(kind.ndim)]
        return Value(kind, Held(extract(llvm, places.get_field_position("data")), shape))

    def for_numba(self, value: Value) -> Any:
        """Return a value as Numba knows it; of an array only data and extents are filled in."""
        if isinstance(value.llvm, Held):
            result = self.context.get_constant_null(value.kind)
            places = self.context.data_model_manager[value.kind]
            position = places.get_field_position("data")
            result = self.builder.insert_value(result, value.llvm.data, position)
            position = places.get_field_position("shape")
            for axis, extent in enumerate(value.llvm.shape):
                result = self.builder.insert_value(result, extent, [position, axis])
            return result
        if isinstance(value.kind, types.BaseTuple) and isinstance(value.llvm, list):
            parts = [self.for_numba(each) for each in value.llvm]
            return self.context.make_tuple(self.builder, value.kind, parts)
        return value.llvm

    def operation(self, operator: Any, values: Sequence[Value]) -> Value:
        """Return the number that Numba's code for an operator gives."""
        result = self.numba(operator, values)
        if not isinstance(result, Value):
            raise OutsideOfSubsetError(f"{operator} gives no number")
        return result

    def numba(self, function: Any, values: Sequence[Value]) -> Any:
        """Return what Numba's code for a function returns."""
        kinds = tuple(value.kind for value in values)
        key = (id(function), kinds)
        if key not in self.found:
            try:
                called = self.typing.resolve_value_type(function)
                signature = called.get_call_type(self.typing, kinds, {})
                self.found[key] = signature, self.context.get_function(called, signature)
            except (errors.NumbaError, NotImplementedError) as error:
                name = getattr(function, "__name__", function)
                raise OutsideOfSubsetError(f"{name} of {kinds}: {error}") from error
        signature, generate = self.found[key]
        last = signature.args[-1] if signature.args else None
        if isinstance(last, types.StarArgTuple | types.StarArgUniTuple):
            before = len(signature.args) - 1
            terms = [
                Value(kind, self.cast(value, kind))
                for value, kind in zip(values[before:], last, strict=True)
            ]
            values = [*values[:before], Value(last, terms)]
        arguments = [
            self.context.cast(self.builder, self.for_numba(value), value.kind, kind)
            for value, kind in zip(values, signature.args, strict=True)
        ]
        result = generate(self.builder, arguments)
        if signature.return_type == types.none:
            return None
        if isinstance(signature.return_type, types.Array):
            return self.as_array(signature.return_type, result)
        return Value(signature.return_type, result)

    def cast(self, value: Value, kind: Any) -> Any:
        """Return a number as one of another type."""
        if types.unliteral(value.kind) == kind:
            return value.llvm
        return self.context.cast(self.builder, value.llvm, value.kind, kind)

    def whole(self, value: Value) -> Any:
        """Return a whole number of 64 bits."""
        if not isinstance(types.unliteral(value.kind), types.Integer):
            raise OutsideOfSubsetError(f"a subscript of type {value.kind}")
        return self.cast(value, types.int64)

    # Memory -----------------------------------------------------------------------------------

    def load(self, element: Element) -> Value:
        """Return an element's value."""
        value = self.builder.load(element.place)
        self.tell_region(value, element.region)
        return Value(element.kind, value)

    def store(self, value: Value, element: Element) -> None:
        """Give an element a value."""
        self.tell_region(
            self.builder.store(self.cast(value, element.kind), element.place), element.region
        )

    def tell_region(self, instruction: Any, region: str) -> None:
        """Tell LLVM which region an instruction reads or writes: it does nothing to the others."""
        if region not in self.regions:
            return
        if not self.told:
            module = self.builder.module
            add = module.add_metadata
            domain = add([ir.MetaDataString(module, "symbp")])
            scopes = {name: add([ir.MetaDataString(module, name), domain]) for name in self.regions}
            for name in self.regions:
                others = [scope for other, scope in scopes.items() if other != name]
                self.told[name] = add([scopes[name]]), add(others)
        own, others = self.told[region]
        instruction.set_metadata("alias.scope", own)
        instruction.set_metadata("noalias", others)

    def memory(self, dtype: Any, shape: Sequence[Any]) -> Value:
        """Return new memory, which is given back at the end of its block.

        It begins with a cache line. LLVM knows of it that nothing else lies there, as it does not
        of memory that Numba counts the references to: it need not ask before it vectorises.
        """
        builder, line = self.builder, ir.Constant(WORD, CACHE_LINE - 1)
        size: Any = ir.Constant(WORD, dtype.bitwidth // 8)
        for extent in shape:
            size = builder.mul(size, extent, flags=["nsw"])
        start = self.context.nrt.allocate(builder, builder.add(size, line, flags=["nsw"]))
        self.allocated.append(start)
        before = builder.and_(builder.neg(builder.ptrtoint(start, WORD)), line)
        data = builder.gep(start, [before], inbounds=True)
        data = builder.bitcast(data, self.context.get_data_type(dtype).as_pointer())
        self.allocations += 1
        region = f"{ALLOCATED}{self.allocations}"
        return Value(types.Array(dtype, len(shape), "C"), Held(data, shape, region))

    def release(self, kept: int = 0) -> None:
        """Emit what gives memory back, but for what was made first."""
        while len(self.allocated) > kept:
            self.context.nrt.free(self.builder, self.allocated.pop())
