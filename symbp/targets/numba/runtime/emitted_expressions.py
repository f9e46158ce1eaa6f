"""Expressions of a kernel as LLVM instructions.

What an operator or a function does to values of other types than those here, Numba's own code says.
"""

from __future__ import annotations

import ast
import itertools
import math
import operator
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, types

from symbp.targets.numba.runtime.emitted_values import (
    REALS,
    WORD,
    Element,
    Frame,
    Held,
    OutsideOfSubsetError,
    Slot,
    Value,
    Values,
    static,
)

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


def region_of(node: ast.Call) -> str:
    """Return the name of the region that a view of an argument is."""
    return f"{ast.unparse(node.args[0])}, {ast.unparse(node.args[1])}"


def regions_in(tree: ast.FunctionDef) -> list[str]:
    """Return the regions of a kernel's arguments that its views are, where none overlap.

    Places are either numbers, with extents that are numbers too, or different entries of the table
    that says where the buffers of a team begin. Of an argument that has other views too, or views
    that overlap, nothing is known.
    """
    arguments = {argument.arg for argument in tree.args.args}
    views: dict[str, dict[str, Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "view":
            of, place, extents = map(ast.unparse, node.args)
            if of in arguments:
                found = views.setdefault(of, {})
                found[place] = None if place in found else span_of(place, extents)
    result = []
    for of, found in views.items():
        spans = sorted(
            (span for span in found.values() if isinstance(span, range)), key=lambda s: s.start
        )
        apart = all(one.stop <= other.start for one, other in itertools.pairwise(spans))
        if apart and None not in found.values() and len(spans) in (0, len(found)):
            result += [f"{of}, {place}" for place in found]
    return result


def span_of(place: str, extents: str) -> Any:
    """Return what a view covers: a range, or an entry of the table of buffers; else None."""
    if re.fullmatch(r"offsets\[\d+\]", place):
        return place
    if re.fullmatch(r"\d+", place) and re.fullmatch(r"\([\d, ]+\)", extents):
        size = math.prod(map(int, re.findall(r"\d+", extents)))
        return range(int(place), int(place) + size)
    return None


class Expressions(Values):
    """Emits the expressions of one function at a time."""

    frame: Frame

    def called(self, function: Any, values: Sequence[Value]) -> Any:
        """Return what a function returns that is not of this module's own."""
        return self.numba(function, values)

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
        return self.load(self.element(node))

    def on_UnaryOp(self, node: ast.UnaryOp) -> Value:
        """Return what is negative, or not."""
        if isinstance(node.op, ast.Not):
            return Value(types.boolean, self.builder.not_(self.condition(node.operand)))
        if not isinstance(node.op, ast.USub):
            raise self.outside(node)
        value = self.expression(node.operand)
        if isinstance(value.llvm, ir.Constant) and isinstance(value.kind, types.IntegerLiteral):
            return self.constant(-value.llvm.constant)
        if value.kind in REALS:
            zero = ir.Constant(value.llvm.type, -0.0)
            return Value(value.kind, self.builder.fsub(zero, value.llvm, flags=self.frame.flags))
        return self.operation(OPERATORS[type(node.op)], [value])

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
        return self.operation(OPERATORS[which], [left, right])

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
            return self.operation(OPERATORS[relation], [left, right])
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
        kind, second = types.unliteral(one.kind), types.unliteral(other.kind)
        if kind != second or not isinstance(kind, types.Number | types.Boolean):
            raise OutsideOfSubsetError(f"a value of type {kind} or of {second}")
        return kind

    def condition(self, node: ast.expr) -> Any:
        """Return a condition as one bit."""
        value = self.expression(node)
        if types.unliteral(value.kind) == types.boolean:
            return value.llvm
        if types.unliteral(value.kind) == types.int64:
            return self.builder.icmp_signed("!=", value.llvm, ir.Constant(WORD, 0))
        raise self.outside(node)

    def on_Name(self, node: ast.Name) -> Value:
        """Return the value of a variable or of a global number."""
        variable = self.frame.variables.get(node.id)
        if isinstance(variable, Slot):
            return Value(variable.kind, self.builder.load(variable.place))
        if variable is not None:
            return variable
        return self.constant(static(node, self.frame))

    def array(self, node: ast.expr) -> Value:
        """Return an array."""
        value: Value = self.expression(node)
        if not isinstance(value.llvm, Held):
            raise self.outside(node)
        return value

    def element(self, node: ast.Subscript) -> Element:
        """Return where an element lies. No subscript is negative."""
        array = self.array(node.value)
        data, shape, region = array.llvm
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
        return Element(array.kind.dtype, self.builder.gep(data, [place], inbounds=True), region)

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
        return self.called(function, values)

    def empty(self, node: ast.Call) -> Value:
        """Return new memory."""
        dtype = from_dtype(np.dtype(static(node.args[1], self.frame)))
        extents = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else [node.args[0]]
        return self.memory(dtype, [self.whole(self.expression(each)) for each in extents])

    # What is emitted more shortly than by the intrinsics themselves ------------------------------

    def call_view(self, node: ast.Call) -> Value:
        """Return the array of a shape from an element of another on."""
        memory, extents = self.array(node.args[0]), node.args[2]
        assert isinstance(extents, ast.Tuple)
        shape = [self.whole(self.expression(each)) for each in extents.elts]
        region = memory.llvm.region or region_of(node)
        return self.moved(memory, node.args[1], shape, region)

    def call_part(self, node: ast.Call) -> Value:
        """Return what begins at an element of an array."""
        array = self.array(node.args[0])
        shape = [ir.Constant(WORD, 1)]
        return self.moved(array, node.args[1], shape, array.llvm.region)

    def call_flat(self, node: ast.Call) -> Value:
        """Return the elements of an array as one row."""
        array = self.array(node.args[0])
        kind = types.Array(array.kind.dtype, 1, "C")
        return Value(kind, Held(array.llvm.data, [ir.Constant(WORD, 1)], array.llvm.region))

    def moved(self, array: Value, start: ast.expr, shape: Sequence[Any], region: str) -> Value:
        """Return an array of a shape that begins at an element of another."""
        offset = self.whole(self.expression(start))
        data = array.llvm.data
        if not (isinstance(offset, ir.Constant) and offset.constant == 0):
            data = self.builder.gep(data, [offset])
        return Value(types.Array(array.kind.dtype, len(shape), "C"), Held(data, shape, region))

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

    def outside(self, node: ast.AST) -> OutsideOfSubsetError:
        """Return the error for what is not emitted."""
        line = getattr(node, "lineno", 0)
        return OutsideOfSubsetError(f"line {line}, {ast.unparse(node).splitlines()[0][:60]}")
