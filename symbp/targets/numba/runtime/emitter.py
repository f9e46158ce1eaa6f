"""The subset of Python that kernels are written in, as LLVM instructions.

Numba's front end takes longer than linearly in the length of a function, and keeps each variable in
a slot of the stack that LLVM then takes apart. What is printed is simple enough to be emitted
statement by statement: a variable that is set in one block of statements is the value itself.
Numbers have Numba's types, and what is not written here is Numba's own code, for an operator of
other types or a function. Whatever lies outside of the subset raises `OutsideOfSubset`.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils, errors

OPERATORS: dict[Any, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.USub: operator.neg, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
REAL_INSTRUCTIONS = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
WHOLE_INSTRUCTIONS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}
RELATIONS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="
}  # fmt: skip
REALS = (types.float32, types.float64)
WORD = ir.IntType(64)


class OutsideOfSubset(Exception):
    """A kernel has something that is not emitted here."""


class Value(NamedTuple):
    """A value: its Numba type, and what LLVM knows it by; of an array, a `Held`."""

    kind: Any
    llvm: Any


class Held(NamedTuple):
    """A contiguous array: the pointer to its first element, and its extents."""

    data: Any
    shape: Sequence[Any]


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
            if isinstance(target, ast.Name):
                yield target.id


def is_cheap(node: ast.expr) -> bool:
    """Whether an expression may be computed where it is not needed: without memory or calls."""
    if isinstance(node, ast.Call):
        inner = node.args
        if not (isinstance(node.func, ast.Name) and node.func.id in ("real", "float")):
            return False
    elif isinstance(node, ast.BinOp):
        inner = [node.left, node.right]
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            return False
    elif isinstance(node, ast.UnaryOp):
        inner = [node.operand]
    elif isinstance(node, ast.Compare):
        inner = [node.left, *node.comparators]
    elif isinstance(node, ast.BoolOp):
        inner = node.values
    elif isinstance(node, ast.IfExp):
        inner = [node.test, node.body, node.orelse]
    else:
        return isinstance(node, ast.Name | ast.Constant | ast.Attribute)
    return all(map(is_cheap, inner))


def static(node: ast.expr | None, frame: Frame) -> Any:
    """Return the object that a name outside of a function means."""
    if isinstance(node, ast.Name) and node.id not in frame.variables:
        if node.id in frame.known:
            return frame.known[node.id]
        if hasattr(builtins, node.id):
            return getattr(builtins, node.id)
    elif isinstance(node, ast.Attribute):
        return getattr(static(node.value, frame), node.attr)
    raise OutsideOfSubset(f"{node and ast.unparse(node)} is not known here")


class Emitter:
    """Emits statements of one kernel, where a builder stands.

    Parameters
    ----------
    context, builder
        Numba's, of the function that the instructions become a part of.
    text_of : function
        Returns the tree of a function of Python, or None if it cannot be told.
    """

    def __init__(self, context: Any, builder: Any, text_of: Callable[[Any], Any]) -> None:
        self.context, self.builder, self.text_of = context, builder, text_of
        self.typing = context.typing_context
        self.frame: Frame
        self.allocated: list[Value] = []
        self.found: dict[Any, tuple[Any, Any]] = {}
        """Numba's functions, by what they are and the types of their arguments."""
        self.emitted: dict[Any, tuple[Any, Any]] = {}
        """Functions of the runtime's, by what they are and the types of their arguments."""
        self.depth = 0

    def function(
        self, tree: ast.FunctionDef, frame: Frame, arguments: Sequence[Value]
    ) -> Value | None:
        """Emit a function; return what it returns."""
        outer = getattr(self, "frame", None)
        depth, self.depth = self.depth, 0
        self.frame = frame
        for argument, value in zip(tree.args.args, arguments, strict=True):
            self.set(argument.arg, value)
        result = None
        last = tree.body[-1]
        self.block(tree.body[:-1] if isinstance(last, ast.Return) else tree.body)
        if isinstance(last, ast.Return) and last.value is not None:
            result = self.expression(last.value)
        self.frame, self.depth = outer, depth  # type: ignore[assignment]
        return result

    def release(self) -> None:
        """Emit what gives all memory back."""
        for array in reversed(self.allocated):
            self.context.nrt.decref(self.builder, array.kind, array.llvm)

    # Statements -------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Emit statements."""
        for statement in statements:
            emit = getattr(self, f"on_{type(statement).__name__}", None)
            if emit is None:
                raise self.outside(statement)
            emit(statement)

    def inner_block(self, statements: Sequence[ast.stmt]) -> None:
        """Emit statements whose variables are not read elsewhere, unless they are in slots."""
        before = dict(self.frame.variables)
        self.depth += 1
        self.block(statements)
        self.depth -= 1
        after = self.frame.variables
        slots = {name: each for name, each in after.items() if isinstance(each, Slot)}
        self.frame.variables = {**before, **slots}

    def on_Expr(self, statement: ast.Expr) -> None:
        """Emit a call whose value is not used; nothing for a docstring."""
        if not isinstance(statement.value, ast.Constant):
            self.expression(statement.value)

    def on_Assign(self, statement: ast.Assign) -> None:
        """Emit ``target = value``."""
        (target,) = statement.targets
        value = self.expression(statement.value)
        if isinstance(target, ast.Name):
            self.set(target.id, value)
        elif isinstance(target, ast.Subscript):
            kind, place = self.element(target)
            self.builder.store(self.cast(value, kind), place)
        else:
            raise self.outside(statement)

    def on_AugAssign(self, statement: ast.AugAssign) -> None:
        """Emit ``target += value``."""
        target = statement.target
        if isinstance(target, ast.Subscript):
            kind, place = self.element(target)
            before = Value(kind, self.builder.load(place))
            value = self.binary(statement.op, before, self.expression(statement.value))
            self.builder.store(self.cast(value, kind), place)
        elif isinstance(target, ast.Name):
            before = self.expression(ast.Name(target.id, ast.Load()))
            after = self.binary(statement.op, before, self.expression(statement.value))
            self.set(target.id, after)
        else:
            raise self.outside(statement)

    def on_If(self, statement: ast.If) -> None:
        """Emit branches."""
        condition = self.condition(statement.test)
        if not statement.orelse:
            with self.builder.if_then(condition):
                self.inner_block(statement.body)
            return
        with self.builder.if_else(condition) as (then, otherwise):
            with then:
                self.inner_block(statement.body)
            with otherwise:
                self.inner_block(statement.orelse)

    def on_For(self, statement: ast.For) -> None:
        """Emit a loop over a range, with the test at its end as LLVM wants it."""
        call, target = statement.iter, statement.target
        is_range = isinstance(call, ast.Call) and ast.unparse(call.func) == "range"
        if not (is_range and isinstance(target, ast.Name)) or statement.orelse:
            raise self.outside(statement)
        assert isinstance(call, ast.Call)
        given = [self.whole(self.expression(each)) for each in call.args]
        start, stop = given[:2] if len(given) > 1 else (ir.Constant(WORD, 0), given[0])
        step = given[2] if len(given) > 2 else ir.Constant(WORD, 1)
        # A step that is not written as a number is a number of rows.
        up = not isinstance(step, ir.Constant) or step.constant > 0
        builder = self.builder
        before = builder.block
        body, after = (builder.append_basic_block(name) for name in ("loop", "done"))
        enters = builder.icmp_signed("<" if up else ">", start, stop)
        builder.cbranch(enters, body, after)
        builder.position_at_end(body)
        index = builder.phi(WORD)
        index.add_incoming(start, before)
        outer = self.frame.variables.get(target.id)
        if target.id in self.frame.in_slots or isinstance(outer, Slot):
            raise OutsideOfSubset(f"{target.id} is set in and outside of a loop")
        self.frame.variables[target.id] = Value(types.int64, index)
        self.inner_block(statement.body)
        self.frame.variables.pop(target.id, None)
        if isinstance(step, ir.Constant) and step.constant == 1:
            following = builder.add(index, step, flags=["nsw"])
            again = builder.icmp_signed("<", following, stop)
        else:
            # The index itself could leave the range of its type.
            rest = builder.sub(stop, index, flags=["nsw"])
            again = builder.icmp_signed(">" if up else "<", rest, step)
            following = builder.add(index, step)
        index.add_incoming(following, builder.block)
        builder.cbranch(again, body, after)
        builder.position_at_end(after)

    def on_Pass(self, statement: ast.Pass) -> None:
        """Emit nothing."""

    # Variables --------------------------------------------------------------------------------

    def set(self, name: str, value: Value | None) -> None:
        """Give a variable a value."""
        if value is None:
            raise OutsideOfSubset(f"{name} is nothing")
        kind = types.unliteral(value.kind)
        value = Value(kind, value.llvm)
        if name not in self.frame.in_slots:
            self.frame.variables[name] = value
            return
        slot = self.frame.variables.get(name)
        if slot is None:
            if isinstance(kind, types.Array):
                raise OutsideOfSubset(f"{name} is one of several arrays")
            llvm = value.llvm
            slot = Slot(kind, cgutils.alloca_once(self.builder, llvm.type))
            self.frame.variables[name] = slot
        if slot.kind != kind or not isinstance(slot, Slot):
            raise OutsideOfSubset(f"{name} is of type {slot.kind} and of {kind}")
        self.builder.store(value.llvm, slot.place)

    def on_Name(self, node: ast.Name) -> Value:
        """Return the value of a variable or of a global number."""
        variable = self.frame.variables.get(node.id)
        if isinstance(variable, Slot):
            return Value(variable.kind, self.builder.load(variable.place))
        if variable is not None:
            return variable
        return self.constant(static(node, self.frame))

    def constant(self, value: Any) -> Value:
        """Return a number as a constant."""
        if type(value) in (bool, int):
            return Value(types.literal(value), ir.Constant(ir.IntType(1) if type(value) is bool else WORD, value))
        kind = self.typing.resolve_value_type(value)
        if not isinstance(kind, types.Number | types.BaseTuple):
            raise OutsideOfSubset(f"{value} is not a number")
        return Value(kind, self.context.get_constant_generic(self.builder, kind, value))

    # Expressions ------------------------------------------------------------------------------

    def expression(self, node: ast.expr) -> Any:
        """Return the value of an expression."""
        emit = getattr(self, f"on_{type(node).__name__}", None)
        if emit is None:
            raise self.outside(node)
        return emit(node)

    def on_Constant(self, node: ast.Constant) -> Value:
        """Return a number."""
        return self.constant(node.value)

    def on_Attribute(self, node: ast.Attribute) -> Value:
        """Return a number of NumPy, or the extents of an array."""
        if node.attr == "shape":
            array = self.array(node.value)
            kind = types.UniTuple(types.int64, array.kind.ndim)
            return Value(kind, tuple(array.llvm.shape))
        return self.constant(static(node, self.frame))

    def on_Tuple(self, node: ast.Tuple) -> Value:
        """Return several values together."""
        values = [self.expression(each) for each in node.elts]
        return Value(types.Tuple([types.unliteral(each.kind) for each in values]), values)

    def on_Subscript(self, node: ast.Subscript) -> Value:
        """Return an element of an array, or one of its extents."""
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            assert isinstance(node.slice, ast.Constant)
            return Value(types.int64, self.on_Attribute(node.value).llvm[node.slice.value])
        kind, place = self.element(node)
        return Value(kind, self.builder.load(place))

    def on_UnaryOp(self, node: ast.UnaryOp) -> Value:
        """Return what is negative, or not."""
        if isinstance(node.op, ast.Not):
            return Value(types.boolean, self.builder.not_(self.condition(node.operand)))
        value = self.expression(node.operand)
        if isinstance(value.llvm, ir.Constant) and isinstance(value.kind, types.IntegerLiteral):
            return self.constant(-value.llvm.constant)
        if value.kind in REALS:
            zero = ir.Constant(value.llvm.type, -0.0)
            return Value(value.kind, self.builder.fsub(zero, value.llvm, flags=self.frame.flags))
        return self.numba(OPERATORS[type(node.op)], [value])

    def on_BinOp(self, node: ast.BinOp) -> Value:
        """Return what an operator gives."""
        return self.binary(node.op, self.expression(node.left), self.expression(node.right))

    def binary(self, operation: ast.operator, left: Value, right: Value) -> Value:
        """Return what an operator gives."""
        which = type(operation)
        if left.kind == right.kind and left.kind in REALS and which in REAL_INSTRUCTIONS:
            emit = getattr(self.builder, REAL_INSTRUCTIONS[which])
            return Value(left.kind, emit(left.llvm, right.llvm, flags=self.frame.flags))
        pair = (types.unliteral(left.kind), types.unliteral(right.kind))
        if pair == (types.int64, types.int64) and which in WHOLE_INSTRUCTIONS:
            emit = getattr(self.builder, WHOLE_INSTRUCTIONS[which])
            return Value(types.int64, emit(left.llvm, right.llvm, flags=["nsw"]))
        return self.numba(OPERATORS[which], [left, right])

    def on_Compare(self, node: ast.Compare) -> Value:
        """Return what a comparison says."""
        if len(node.ops) > 1:
            raise self.outside(node)
        left, right = self.expression(node.left), self.expression(node.comparators[0])
        relation = type(node.ops[0])
        pair = (types.unliteral(left.kind), types.unliteral(right.kind))
        if pair == (types.int64, types.int64):
            llvm = self.builder.icmp_signed(RELATIONS[relation], left.llvm, right.llvm)
        elif pair[0] == pair[1] and pair[0] in REALS:
            kind = "unordered" if relation is ast.NotEq else "ordered"
            compare = getattr(self.builder, f"fcmp_{kind}")
            llvm = compare(RELATIONS[relation], left.llvm, right.llvm, flags=self.frame.flags)
        else:
            return self.numba(OPERATORS[relation], [left, right])
        return Value(types.boolean, llvm)

    def on_BoolOp(self, node: ast.BoolOp) -> Value:
        """Return whether all conditions hold, or any; those that read memory only if they count."""
        both = isinstance(node.op, ast.And)
        result = self.condition(node.values[0])
        for value in node.values[1:]:
            if is_cheap(value):
                join = self.builder.and_ if both else self.builder.or_
                result = join(result, self.condition(value))
                continue
            before = self.builder.block
            with self.builder.if_then(result if both else self.builder.not_(result)):
                later = self.condition(value)
                end = self.builder.block
            joined = self.builder.phi(later.type)
            joined.add_incoming(ir.Constant(later.type, not both), before)
            joined.add_incoming(later, end)
            result = joined
        return Value(types.boolean, result)

    def on_IfExp(self, node: ast.IfExp) -> Value:
        """Return one of two values."""
        condition = self.condition(node.test)
        if is_cheap(node.body) and is_cheap(node.orelse):
            one, other = self.expression(node.body), self.expression(node.orelse)
            kind = self.common(one, other)
            return Value(kind, self.builder.select(condition, one.llvm, other.llvm))
        with self.builder.if_else(condition) as (then, otherwise):
            with then:
                one = self.expression(node.body)
                first = self.builder.block
            with otherwise:
                other = self.expression(node.orelse)
                second = self.builder.block
        kind = self.common(one, other)
        result = self.builder.phi(one.llvm.type)
        result.add_incoming(one.llvm, first)
        result.add_incoming(other.llvm, second)
        return Value(kind, result)

    def common(self, one: Value, other: Value) -> Any:
        """Return the type of two values."""
        kind = types.unliteral(one.kind)
        if kind != types.unliteral(other.kind) or not isinstance(kind, types.Number | types.Boolean):
            raise OutsideOfSubset(f"a value of type {kind} or of {types.unliteral(other.kind)}")
        return kind

    def condition(self, node: ast.expr) -> Any:
        """Return a condition as one bit."""
        value = self.expression(node)
        if types.unliteral(value.kind) == types.boolean:
            return value.llvm
        if types.unliteral(value.kind) == types.int64:
            return self.builder.icmp_signed("!=", value.llvm, ir.Constant(WORD, 0))
        raise self.outside(node)

    # Arrays -----------------------------------------------------------------------------------

    def array(self, node: ast.expr) -> Value:
        """Return an array."""
        value = self.expression(node)
        if not isinstance(value.llvm, Held):
            raise self.outside(node)
        return value

    def element(self, node: ast.Subscript) -> tuple[Any, Any]:
        """Return the type of an element, and the pointer to it. No subscript is negative."""
        array = self.array(node.value)
        data, shape = array.llvm
        subscripts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(subscripts) != array.kind.ndim:
            raise self.outside(node)
        place: Any = None
        for subscript, extent in zip(subscripts, shape, strict=True):
            number = self.whole(self.expression(subscript))
            if place is not None:
                place = self.builder.mul(place, extent, flags=["nsw"])
                number = self.builder.add(place, number, flags=["nsw"])
            place = number
        place = ir.Constant(WORD, 0) if place is None else place
        return array.kind.dtype, self.builder.gep(data, [place], inbounds=True)

    def as_array(self, kind: Any, llvm: Any) -> Value:
        """Return an array of Numba's."""
        if not isinstance(kind, types.Array) or kind.layout != "C":
            raise OutsideOfSubset(f"{kind} is not contiguous")
        places = self.context.data_model_manager[kind]
        extract = self.builder.extract_value
        position = places.get_field_position("shape")
        shape = [extract(llvm, [position, axis]) for axis in range(kind.ndim)]
        return Value(kind, Held(extract(llvm, places.get_field_position("data")), shape))

    def for_numba(self, value: Value) -> Any:
        """Return a value as Numba knows it; of an array only data and extents are filled in."""
        if isinstance(value.llvm, Held):
            fields = {"data": value.llvm.data}
            result = self.context.get_constant_null(value.kind)
            places = self.context.data_model_manager[value.kind]
            for name, field in fields.items():
                position = places.get_field_position(name)
                result = self.builder.insert_value(result, field, position)
            position = places.get_field_position("shape")
            for axis, extent in enumerate(value.llvm.shape):
                result = self.builder.insert_value(result, extent, [position, axis])
            return result
        if isinstance(value.kind, types.BaseTuple) and isinstance(value.llvm, list):
            parts = [self.for_numba(each) for each in value.llvm]
            return self.context.make_tuple(self.builder, value.kind, parts)
        return value.llvm

    # Calls ------------------------------------------------------------------------------------

    def on_Call(self, node: ast.Call) -> Any:
        """Return what a function returns."""
        if node.keywords:
            raise self.outside(node)
        if isinstance(node.func, ast.Name) and node.func.id not in self.frame.variables:
            emit = getattr(self, f"call_{node.func.id}", None)
            if emit is not None:
                return emit(node)
        function = static(node.func, self.frame)
        if function is np.empty:
            return self.empty(node)
        values = [self.expression(each) for each in node.args]
        if isinstance(function, type) and issubclass(function, np.generic | float | int):
            kind = from_dtype(np.dtype(function))
            return Value(kind, self.cast(values[0], kind))
        tree = self.text_of(function)
        if tree is not None:
            return self.called(function, tree, values)
        return self.numba(function, values)

    def called(self, function: Any, tree: ast.FunctionDef, values: Sequence[Value]) -> Value:
        """Return what a jitted function returns, by its own text, emitted once for its callers."""
        key = (id(function), tuple(types.unliteral(value.kind) for value in values))
        if key not in self.emitted:
            self.emitted[key] = self.internal(function, tree, key[1])
        kind, callee = self.emitted[key]
        arguments = [value.llvm for value in values]
        return Value(kind, self.builder.call(callee, arguments))

    def internal(self, function: Any, tree: ast.FunctionDef, kinds: Sequence[Any]) -> Any:
        """Return the type that a function returns, and the new LLVM function, that is inlined."""
        outer, self.builder = self.builder, None
        known = function.py_func.__globals__
        frame = Frame(tree, known, tuple(sorted(function.targetoptions["fastmath"])))
        kind = from_dtype(np.dtype(static(tree.returns, frame)))
        value_type = self.context.get_value_type
        module = outer.module
        name = module.get_unique_name(f"symbp_function.{tree.name}")
        signature = ir.FunctionType(value_type(kind), [value_type(each) for each in kinds])
        callee = ir.Function(module, signature, name)
        callee.linkage = "internal"
        callee.attributes.add("alwaysinline")
        self.builder = ir.IRBuilder(callee.append_basic_block("entry"))
        given = [Value(*pair) for pair in zip(kinds, callee.args, strict=True)]
        result = self.function(tree, frame, given)
        if result is None or result.kind != kind:
            raise OutsideOfSubset(f"{tree.name} does not return {kind}")
        self.builder.ret(result.llvm)
        self.builder = outer
        return kind, callee

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
                raise OutsideOfSubset(f"{name} of {kinds}: {error}") from error
        signature, generate = self.found[key]
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
            raise OutsideOfSubset(f"a subscript of type {value.kind}")
        return self.cast(value, types.int64)

    def empty(self, node: ast.Call) -> Value:
        """Return new memory, which is given back when the kernel returns."""
        if self.depth:
            raise OutsideOfSubset("memory is made in a loop")
        kind = from_dtype(np.dtype(static(node.args[1], self.frame)))
        extents = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else [node.args[0]]
        shape = [self.whole(self.expression(each)) for each in extents]
        kind = types.Array(kind, len(shape), "C")
        size: Any = ir.Constant(WORD, kind.dtype.bitwidth // 8)
        for extent in shape:
            size = self.builder.mul(size, extent, flags=["nsw"])
        nrt, context = self.context.nrt, self.context
        align = context.get_preferred_array_alignment(kind.dtype)
        owner = nrt.meminfo_alloc_aligned(self.builder, size, align)
        missing = cgutils.is_null(self.builder, owner)
        with self.builder.if_then(missing, likely=False):
            message = "Allocation failed (probably too large)."
            context.call_conv.return_user_exc(self.builder, MemoryError, (message,))
        data = nrt.meminfo_data(self.builder, owner)
        data = self.builder.bitcast(data, context.get_data_type(kind.dtype).as_pointer())
        whole = context.get_constant_null(kind)
        position = context.data_model_manager[kind].get_field_position("meminfo")
        whole = self.builder.insert_value(whole, owner, position)
        self.allocated.append(Value(kind, whole))
        return Value(kind, Held(data, shape))

    # What is emitted more shortly than by the intrinsics themselves ------------------------------

    def call_view(self, node: ast.Call) -> Value:
        """Return the array of a shape from an element of another on."""
        memory, extents = self.array(node.args[0]), node.args[2]
        assert isinstance(extents, ast.Tuple)
        shape = [self.whole(self.expression(each)) for each in extents.elts]
        return self.moved(memory, node.args[1], shape)

    def call_part(self, node: ast.Call) -> Value:
        """Return what begins at an element of an array."""
        return self.moved(self.array(node.args[0]), node.args[1], [ir.Constant(WORD, 1)])

    def call_flat(self, node: ast.Call) -> Value:
        """Return the elements of an array as one row."""
        array = self.array(node.args[0])
        kind = types.Array(array.kind.dtype, 1, "C")
        return Value(kind, Held(array.llvm.data, [ir.Constant(WORD, 1)]))

    def moved(self, array: Value, start: ast.expr, shape: Sequence[Any]) -> Value:
        """Return an array of a shape that begins at an element of another."""
        offset = self.whole(self.expression(start))
        data = array.llvm.data
        if not (isinstance(offset, ir.Constant) and offset.constant == 0):
            data = self.builder.gep(data, [offset])
        return Value(types.Array(array.kind.dtype, len(shape), "C"), Held(data, shape))

    def call_min(self, node: ast.Call) -> Value:
        """Return the least of several whole numbers."""
        return self.outermost(node, "<")

    def call_max(self, node: ast.Call) -> Value:
        """Return the largest of several whole numbers."""
        return self.outermost(node, ">")

    def outermost(self, node: ast.Call, relation: str) -> Value:
        """Return the one of several whole numbers that is on one side of all others."""
        result, *others = [self.whole(self.expression(each)) for each in node.args]
        for other in others:
            further = self.builder.icmp_signed(relation, other, result)
            result = self.builder.select(further, other, result)
        return Value(types.int64, result)

    def call_polynomial(self, node: ast.Call) -> Value:
        """Return a polynomial by Horner's rule."""
        point = self.expression(node.args[0])
        *rest, highest = static(node.args[1], self.frame)
        result = self.constant(highest)
        flags = ("contract",)
        for coefficient in reversed(rest):
            product = self.builder.fmul(result.llvm, point.llvm, flags=flags)
            term = self.constant(coefficient).llvm
            result = Value(point.kind, self.builder.fadd(product, term, flags=flags))
        return result

    def outside(self, node: ast.AST) -> OutsideOfSubset:
        """Return the error for what is not emitted."""
        line = getattr(node, "lineno", 0)
        return OutsideOfSubset(f"line {line}, {ast.unparse(node).splitlines()[0][:60]}")
