"""The subset of Python that kernels are written in, as LLVM instructions.

Numba's front end takes longer than linearly in the length of a function, and keeps each variable in
a slot of the stack that LLVM then takes apart. What is printed is simple enough to be emitted
statement by statement: a variable that is set in one block of statements is the value itself.
Whatever lies outside of the subset raises `OutsideOfSubsetError`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils

from symbp.targets.numba.runtime.emitted_repeats import Repeats
from symbp.targets.numba.runtime.emitted_values import (
    WORD,
    Frame,
    OutsideOfSubsetError,
    Slot,
    Value,
    static,
)

# The most turns of a loop that LLVM may write out.
LONGEST_UNROLLED = 256


class Emitter(Repeats):
    """Emits the statements of one kernel, where a builder stands.

    Parameters
    ----------
    context, builder
        Numba's, of the function that the instructions become a part of.
    text_of : function
        Returns the tree of a jitted function whose text is emitted too, or None.
    """

    # Turns that fill a vector of single precision, and that LLVM may still write out.
    FEWEST, MOST = 8, 64

    def __init__(self, context: Any, builder: Any, text_of: Callable[[Any], Any]) -> None:
        super().__init__(context, builder)
        self.text_of = text_of
        self.emitted: dict[Any, tuple[Any, Any]] = {}
        """Functions of the runtime's, by what they are and the types of their arguments."""

    def function(
        self, tree: ast.FunctionDef, frame: Frame, arguments: Sequence[Value]
    ) -> Value | None:
        """Emit a function; return what it returns."""
        outer = getattr(self, "frame", None)
        self.frame = frame
        for argument, value in zip(tree.args.args, arguments, strict=True):
            self.set(argument.arg, value)
        result = None
        last = tree.body[-1]
        self.block(tree.body[:-1] if isinstance(last, ast.Return) else tree.body)
        if isinstance(last, ast.Return) and last.value is not None:
            result = self.expression(last.value)
        self.frame = outer  # type: ignore[assignment]
        return result

    def called(self, function: Any, values: Sequence[Value]) -> Any:
        """Return what a function returns: one of the runtime's by its text, emitted once."""
        tree = self.text_of(function)
        if tree is None:
            return self.numba(function, values)
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
            raise OutsideOfSubsetError(f"{tree.name} does not return {kind}")
        self.builder.ret(result.llvm)
        self.builder = outer
        return kind, callee

    # Statements -------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Emit statements; what stands in a kernel several times as calls of one function."""
        for statement in statements:
            repeated = self.frame.repeated.get(id(statement))
            if repeated is None or not self.call(statement, repeated):
                self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        """Emit a statement."""
        emit = getattr(self, f"on_{type(statement).__name__}", None)
        if emit is None:
            raise self.outside(statement)
        emit(statement)

    def inner_block(self, statements: Sequence[ast.stmt]) -> None:
        """Emit statements whose variables are not read elsewhere, unless they are in slots."""
        before, held = dict(self.frame.variables), len(self.allocated)
        self.block(statements)
        self.release(held)
        after = self.frame.variables
        slots = {name: each for name, each in after.items() if isinstance(each, Slot)}
        self.frame.variables = {**before, **slots}

    def on_Expr(self, statement: ast.Expr) -> None:
        """Emit a call whose value is not used; nothing for a docstring."""
        if not isinstance(statement.value, ast.Constant):
            self.expression(statement.value)

    def on_Assign(self, statement: ast.Assign) -> None:
        """Emit ``target = value``, of several targets, or of as many values as targets."""
        first, value = statement.targets[0], statement.value
        if isinstance(first, ast.Tuple) and isinstance(value, ast.Tuple):
            values = [self.expression(each) for each in value.elts]
            pairs = list(zip(first.elts, values, strict=True))
        else:
            given = self.expression(value)
            pairs = [(target, given) for target in statement.targets]
        for target, given in pairs:
            if isinstance(target, ast.Name):
                self.set(target.id, given)
            elif isinstance(target, ast.Subscript):
                self.store(given, self.element(target))
            else:
                raise self.outside(statement)

    def on_AugAssign(self, statement: ast.AugAssign) -> None:
        """Emit ``target += value``."""
        target = statement.target
        if isinstance(target, ast.Subscript):
            element = self.element(target)
            before = self.load(element)
            self.store(self.binary(statement.op, before, self.expression(statement.value)), element)
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
        """Emit a loop over a range.

        The test stands at its end, where LLVM would move it: a loop that counts what is left, as
        Numba's do, takes LLVM twice as long.
        """
        call, target = statement.iter, statement.target
        is_range = isinstance(call, ast.Call) and ast.unparse(call.func) == "range"
        if not (is_range and isinstance(target, ast.Name)) or statement.orelse:
            raise self.outside(statement)
        assert isinstance(call, ast.Call)
        given = [self.whole(self.expression(each)) for each in call.args]
        start, stop = given[:2] if len(given) > 1 else (ir.Constant(WORD, 0), given[0])
        step = given[2] if len(given) > 2 else ir.Constant(WORD, 1)
        outer = self.frame.variables.get(target.id)
        if target.id in self.frame.in_slots or isinstance(outer, Slot):
            raise OutsideOfSubsetError(f"{target.id} is set in and outside of a loop")
        # A step that is not written as a number is a number of rows.
        up = not isinstance(step, ir.Constant) or step.constant > 0
        builder = self.builder
        before = builder.block
        body, after = (builder.append_basic_block(name) for name in ("loop", "done"))
        builder.cbranch(builder.icmp_signed("<" if up else ">", start, stop), body, after)
        builder.position_at_end(body)
        index = builder.phi(WORD)
        index.add_incoming(start, before)
        self.frame.variables[target.id] = Value(types.int64, index)
        self.inner_block(statement.body)
        self.frame.variables.pop(target.id, None)
        if isinstance(step, ir.Constant) and step.constant == 1:
            following = builder.add(index, step, flags=["nsw"])
            again = builder.icmp_signed("<", following, stop)
        else:
            # Counting on could leave the range of whole numbers.
            rest = builder.sub(stop, index, flags=["nsw"])
            again = builder.icmp_signed(">" if up else "<", rest, step)
            following = builder.add(index, step)
        index.add_incoming(following, builder.block)
        back = builder.cbranch(again, body, after)
        if self.is_for_vectors(statement, stop) or self.is_along_row(statement, stop):
            back.set_metadata("llvm.loop", self.not_unrolled())
        builder.position_at_end(after)

    def is_for_vectors(self, statement: ast.For, stop: Any) -> bool:
        """Whether a loop is one of few turns that LLVM would write out before it makes vectors."""
        inner = (node for child in statement.body for node in ast.walk(child))
        return (
            isinstance(stop, ir.Constant)
            and self.FEWEST <= stop.constant <= self.MOST
            and not any(isinstance(node, ast.For) for node in inner)
        )

    def not_unrolled(self) -> Any:
        """Return what tells LLVM not to write a loop out: only of a loop does it make vectors."""
        module = self.builder.module
        told = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
        loop = ir.MDValue(module, [told], name=str(len(module.metadata)))
        loop.operands = (loop, told)  # it names itself, so that no other loop's is the same
        return loop

    def is_along_row(self, statement: ast.For, stop: Any) -> bool:
        """Whether a short loop runs along rows that are looked up.

        LLVM would write it out before it makes vectors of it; of the loop over the rows around it
        it then makes vectors of elements from different rows, which it gathers one by one.
        """
        if not isinstance(stop, ir.Constant) or stop.constant > LONGEST_UNROLLED:
            return False
        nodes = list(ast.walk(statement))
        rows = (self.frame.variables.get(node.id) for node in nodes if isinstance(node, ast.Name))
        return sum(isinstance(node, ast.For) for node in nodes) == 1 and any(
            isinstance(row, Value) and row.kind == types.uintp for row in rows
        )

    def on_Pass(self, statement: ast.Pass) -> None:
        """Emit nothing."""

    # Variables --------------------------------------------------------------------------------

    def set(self, name: str, value: Value | None) -> None:
        """Give a variable a value."""
        if value is None:
            raise OutsideOfSubsetError(f"{name} is nothing")
        kind = types.unliteral(value.kind)
        value = Value(kind, value.llvm)
        if name not in self.frame.in_slots:
            self.frame.variables[name] = value
            return
        slot = self.frame.variables.get(name)
        if slot is None:
            if isinstance(kind, types.Array):
                raise OutsideOfSubsetError(f"{name} is one of several arrays")
            llvm = value.llvm
            slot = Slot(kind, cgutils.alloca_once(self.builder, llvm.type))
            self.frame.variables[name] = slot
        if slot.kind != kind or not isinstance(slot, Slot):
            raise OutsideOfSubsetError(f"{name} is of type {slot.kind} and of {kind}")
        self.builder.store(value.llvm, slot.place)
