"""Statements of a kernel that stand in it several times, but for the names: emitted once.

Equal layers are equal loops over other arrays. Each set of them becomes one LLVM function, which is
called with the arrays and the numbers that the names mean: LLVM's time goes with what is different.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

from symbp.targets.numba.runtime.emitted_expressions import Expressions
from symbp.targets.numba.runtime.emitted_values import ALLOCATED, Frame, Held, Value, names_set

# What is shorter, in nodes of its tree, takes LLVM no longer than a call of it would.
FEWEST_NODES = 40
NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])


class Repeated(NamedTuple):
    """A statement that is emitted once: what it is but for its names, and those, in order."""

    form: tuple[str, ...]
    names: tuple[str, ...]


def tokens(node: Any, numbers: dict[str, int]) -> Iterator[str]:
    """Yield what a tree is; of a name that has a number, that."""
    if isinstance(node, ast.Name) and node.id in numbers:
        yield f"#{numbers[node.id]}"
    elif isinstance(node, ast.AST):
        yield type(node).__name__
        for _, inner in ast.iter_fields(node):
            yield from tokens(inner, numbers)
    elif isinstance(node, list):
        yield "["
        for inner in node:
            yield from tokens(inner, numbers)
        yield "]"
    else:
        yield repr(node)


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names that stand in a tree, in the order in which they do."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id


def repeated_in(tree: ast.FunctionDef) -> dict[int, Repeated]:
    """Return the statements of a kernel that repeat, by the identity of their trees.

    A loop or a call repeats if what it sets nothing else reads, and another one differs from it by
    the names of variables alone. What runs for each element or row is left where it is.
    """
    inner = [each for each in ast.walk(tree) if isinstance(each, ast.stmt) and each is not tree]
    bound = {name for statement in inner for name in bound_by(statement)}
    variables = bound.union(argument.arg for argument in tree.args.args)
    times = Counter(name for name in names_in(tree) if name in variables)
    found = {}
    for statement in run_by_blocks(tree.body):
        inside = Counter(name for name in names_in(statement) if name in variables)
        inner = [each for each in ast.walk(statement) if isinstance(each, ast.stmt)]
        if any(times[name] > inside[name] for each in inner for name in names_set(each)):
            continue
        numbers = {name: number for number, name in enumerate(inside)}
        form = tuple(tokens(statement, numbers))
        if len(form) >= FEWEST_NODES:
            bound = {name for each in inner for name in bound_by(each)}
            names = tuple(name for name in inside if name not in bound)
            found[id(statement)] = Repeated(form, names)
    often = Counter(each.form for each in found.values())
    return {key: each for key, each in found.items() if often[each.form] > 1}


def run_by_blocks(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the loops and the calls that run once for each block of examples, or once at all.

    A loop over blocks, of examples or of rows, is one whose range has a step.
    """
    for statement in statements:
        if isinstance(statement, ast.For):
            steps = getattr(statement.iter, "args", [])[2:]
            is_over_blocks = any(ast.unparse(step) not in ("1", "-1") for step in steps)
            yield from run_by_blocks(statement.body) if is_over_blocks else [statement]
        elif isinstance(statement, ast.Expr):
            yield statement


def bound_by(statement: ast.stmt) -> Iterator[str]:
    """Yield the variables that a statement sets, that of a loop among them."""
    yield from names_set(statement)
    if isinstance(statement, ast.For) and isinstance(statement.target, ast.Name):
        yield statement.target.id


class Given(NamedTuple):
    """A variable of a function that a statement becomes."""

    value: Value
    region: str

    def pieces(self) -> list[tuple[Any, Any]]:
        """Return the numbers and the pointer that make it up, each with its type."""
        kind, llvm = self.value
        if not isinstance(llvm, Held):
            return [(kind, llvm)]
        pointer = types.CPointer(kind.dtype)
        return [(pointer, llvm.data), *((types.int64, extent) for extent in llvm.shape)]

    def received(self, pieces: Mapping[int, Any]) -> Value:
        """Return it inside of the function, from what its pieces are there."""
        first, *shape = (pieces.get(id(llvm), llvm) for _, llvm in self.pieces())
        is_array = isinstance(self.value.llvm, Held)
        return Value(self.value.kind, Held(first, shape, self.region) if is_array else first)


def is_constant(llvm: Any) -> bool:
    """Whether a function need not be given a value."""
    return isinstance(llvm, ir.Constant)


class Repeats(Expressions):
    """Emits statements that repeat as calls of functions that are not inlined."""

    def __init__(self, context: Any, builder: Any) -> None:
        super().__init__(context, builder)
        self.once: dict[Any, Any] = {}
        """The functions, by the form of the statement and what is known of its variables."""

    def statement(self, statement: ast.stmt) -> None:
        """Emit a statement."""
        raise NotImplementedError

    def call(self, statement: ast.stmt, repeated: Repeated) -> bool:
        """Emit the call of the function that a statement is, if it can be one."""
        given = self.given([self.on_Name(ast.Name(name, ast.Load())) for name in repeated.names])
        if any(isinstance(each.value.kind, types.BaseTuple) for each in given):
            return False
        pieces = [piece for each in given for piece in each.pieces()]
        # One pointer is passed once: of two, LLVM does not know that they are the same.
        passed = {id(llvm): (kind, llvm) for kind, llvm in pieces if not is_constant(llvm)}
        places = {key: place for place, key in enumerate(passed)}
        # The text of what is not constant is not asked for: llvmlite keeps it, and it may change.
        known = [str(llvm) if is_constant(llvm) else places[id(llvm)] for _, llvm in pieces]
        kinds = [kind for kind, _ in passed.values()]
        convention = self.context.call_conv
        told = [(each.value.kind, each.region) for each in given]
        key = (repeated.form, *told, *known)
        if key not in self.once:
            module = self.builder.module
            signature = convention.get_function_type(types.none, kinds)
            callee = ir.Function(module, signature, module.get_unique_name("symbp_repeated"))
            callee.linkage = "internal"
            callee.attributes.add("noinline")
            self.once[key] = callee
            self.define(callee, passed, statement, dict(zip(repeated.names, given, strict=True)))
        arguments = [llvm for _, llvm in passed.values()]
        callee = self.once[key]
        status, _ = convention.call_function(self.builder, callee, types.none, kinds, arguments)
        with cgutils.if_unlikely(self.builder, status.is_error):
            convention.return_status_propagate(self.builder, status)
        return True

    def given(self, values: Sequence[Value]) -> list[Given]:
        """Return variables as a function is given them, which has names of its own for regions."""
        names: dict[str, str] = {}
        result = []
        for value in values:
            region = value.llvm.region if isinstance(value.llvm, Held) else ""
            known = region in self.regions or region.startswith(ALLOCATED)
            name = names.setdefault(region, f"region {len(names)}") if known else ""
            result.append(Given(value, name))
        return result

    def define(
        self,
        callee: Any,
        passed: Mapping[int, tuple[Any, Any]],
        statement: ast.stmt,
        given: Mapping[str, Given],
    ) -> None:
        """Emit the function of a statement."""
        outer = self.builder, self.frame, self.regions, self.told, self.allocated
        convention, frame = self.context.call_conv, self.frame
        self.builder = ir.IRBuilder(callee.append_basic_block("entry"))
        packer = self.context.get_arg_packer([kind for kind, _ in passed.values()])
        arguments = packer.from_arguments(self.builder, convention.get_arguments(callee))
        pieces = dict(zip(passed, arguments, strict=True))
        self.frame = Frame(
            ast.FunctionDef("", NO_ARGUMENTS, [statement], []), frame.known, frame.flags
        )
        self.frame.variables |= {name: each.received(pieces) for name, each in given.items()}
        self.regions = sorted({each.region for each in given.values()} - {""})
        self.told, self.allocated = {}, []
        self.statement(statement)
        self.release()
        convention.return_value(self.builder, self.context.get_dummy_value())
        self.builder, self.frame, self.regions, self.told, self.allocated = outer
