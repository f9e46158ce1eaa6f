"""Small loop programs as they are written: the text of :mod:`symbp.loops.text`, read back.

Letters have ranges: n and m run over the N rows of a batch, t over 4 steps in time, start over all
examples in batches, the others over 3. Each loop has an index of its own. Arrays whose names begin
with ``order`` or ``label`` hold whole numbers. A register, an array and a view have a line before
they are used.
"""

import ast
import operator
import re
import textwrap
from collections.abc import Callable
from typing import Any, Final

import sympy

import symbp as bp
from symbp.loops.gather import BATCH_SIZE, EXAMPLES, START
from symbp.loops.interpret import interpret
from symbp.loops.nodes import (
    MEMBER,
    Accumulate,
    Allocate,
    AllReduce,
    Argument,
    Assign,
    Barrier,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Span,
    Statement,
    View,
)
from symbp.loops.text import text
from symbp.loops.verify import verify
from symbp.notation.index import Index, batch_extent
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit
from tests.comparison import assert_close
from tests.loops.faults import MEMBERS, SIZES, arguments_for

__all__ = ["N", "changes", "read", "same", "written"]

N: Final = batch_extent("N")
_SIZES = {"N": N, "batch_size": BATCH_SIZE, "examples": EXAMPLES, "start": START, "member": MEMBER}
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow, ast.BitAnd: sympy.And,
    ast.BitOr: sympy.Or, ast.USub: operator.neg, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge,
    ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Eq: sympy.Eq, ast.NotEq: sympy.Ne,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": bp.where, "exp": bp.exp, "tanh": bp.tanh, "min": sympy.Min, "Min": sympy.Min,
    "Eq": sympy.Eq,
}  # fmt: skip


def changes(change: Callable[[Function], Function], before: str, after: str) -> None:
    """Assert that a pass makes one program of another, and that both compute the same.

    `after` is without the line of the arguments; where it is empty, nothing is to change.
    """
    given = read(before)
    made = change(given)
    assert written(made) == (_clean(after) or written(given))
    same(given, made)


def written(function: Function) -> str:
    """Return a program's text, without the line of its arguments."""
    return textwrap.dedent(text(function).partition("\n")[2]).strip()


def same(one: Function, other: Function, proved: bool = True) -> None:
    """Assert that two functions compute the same, for several sizes, and are proved sound alike."""
    if proved and verify(one).sound:
        assert str(verify(other)) == "sound"
    for sizes in SIZES:
        known = {size.name: sizes.get(size.name, 0) for size in one.sizes}
        if "batch_size" in known and "N" in known:
            known["N"] = min(known["N"], known["batch_size"])
        for members in MEMBERS if one.team or other.team else (1,):
            results = []
            for function in (one, other):
                arrays = arguments_for(function, known)
                returned = interpret(function, arrays, known, members, check_races=True)
                results.append(arrays if returned is None else {**arrays, "returned": returned})
            assert_close(results[1], results[0])


def read(program: str) -> Function:
    """Return the function that a text is of."""
    header, *lines = _clean(program).splitlines()
    return _Reader().function(header, [line for line in lines if line.strip()])


class _Reader:
    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.symbols: dict[str, Any] = dict(_SIZES)

    def function(self, header: str, lines: list[str]) -> Function:
        match = re.fullmatch(r"function (\w+)\((.*)\)( by a team)?:", header)
        assert match, header
        arguments, sizes = [], []
        for role, array in re.findall(r"(?:(in|out|inout) )?(\w+(?:\[[^\]]*\])?)", match[2]):
            if role:
                arguments.append(Argument(self.tensor(array)[0], role))  # type: ignore[arg-type]
            else:
                sizes.append(self.symbols[array])
        limits = {
            a.array: Limit(0, EXAMPLES if a.array.name.startswith("order") else 3)
            for a in arguments
            if a.array.kind == "integer"
        }
        body, rest = self.body(lines, _indent(lines[0]))
        assert not rest, rest
        return Function(match[1], tuple(arguments), tuple(sizes), body, limits, bool(match[3]))

    def tensor(self, array: str) -> tuple[Tensor, tuple[Any, ...]]:
        """Return a new tensor by its name and shape."""
        match = re.fullmatch(r"(\w+)(?:\[(.*)\])?", array)
        assert match, array
        shape = tuple(self.value(s) for s in match[2].split(", ")) if match[2] else ()
        made = Tensor(
            match[1],
            tuple(Index("i", N if e == BATCH_SIZE else e) for e in shape),
            kind="integer" if match[1].startswith(("order", "label")) else "real",
        )
        self.tensors[match[1]] = made
        return made, shape

    def body(self, lines: list[str], indent: int) -> tuple[tuple[Statement, ...], list[str]]:
        result: list[Statement] = []
        while lines and _indent(lines[0]) == indent:
            line, lines = lines[0].strip(), lines[1:]
            if not line.endswith(":"):
                result.append(self.statement(line))
                continue
            outside = dict(self.symbols)
            head = self.head(line[:-1])
            inner, lines = self.body(lines, _indent(lines[0]))
            otherwise: tuple[Statement, ...] = ()
            if lines and lines[0].strip() == "else:" and _indent(lines[0]) == indent:
                otherwise, lines = self.body(lines[1:], _indent(lines[1]))
            result.append(head(inner, otherwise))
            self.symbols = {**self.symbols, **outside}
        return tuple(result), lines

    def head(self, line: str) -> Callable[..., Statement]:
        match = re.fullmatch(r"for (\w+) from (.+?) to (.+?)( step .+?)?( \(\w+\))?", line)
        if match is None:
            condition = self.value(line.removeprefix("if "))
            return lambda body, otherwise: If(condition, body, otherwise)
        start, end = self.value(match[2]), self.value(match[3])
        step = self.value(match[4].removeprefix(" step ")) if match[4] else 1
        kind: Any = match[5].strip(" ()") if match[5] else "sequential"
        index = self.index(match[1])
        return lambda body, _: For(index, start, end, body, step, kind)

    def index(self, letter: str) -> Index:
        """Return a new index of a letter."""
        if letter == "start":
            made = START
        elif letter == "t":
            made = Index("t", 4, sequential=True)
        else:
            made = Index(letter, N if letter in "nm" else 3)
        self.symbols[letter] = made
        return made

    def statement(self, line: str) -> Statement:
        word, _, rest = line.partition(" ")
        if word == "register":
            return Allocate(self.tensor(rest)[0], (), "register")
        if word == "allocate":
            array, _, whose = rest.partition(" of ")
            return Allocate(*self.tensor(array), "member" if whose else "heap")
        if word == "view":
            array, _, other = rest.partition(" of ")
            name, _, offset = other.removesuffix(" on").partition(" from ")
            made, shape = self.tensor(array)
            at = self.value(offset) if offset else 0
            return View(made, self.tensors[name], at, shape)
        if word == "let":
            return self.let(rest)
        if word == "product":
            return self.product(rest)
        if word == "return":
            return Return(self.value(rest) if rest else None)
        if word == "barrier":
            return Barrier()
        if word == "sum":
            return AllReduce(self.tensors[rest.split()[0]])
        for sign in (" max= ", " += ", " = "):
            target, found, value = line.partition(sign)
            if found:
                break
        place, added = self.value(target), sympy.sympify(self.value(value))
        if sign == " = ":
            return Assign(place, added)
        return Accumulate(place, added, "max" if "max" in sign else "sum")

    def let(self, rest: str) -> Statement:
        names, _, value = rest.partition(" = ")
        made = [
            _SIZES.get(name) or sympy.Symbol(name, integer=True, nonnegative=True)
            for name in names.split(", ")
        ]
        self.symbols.update(zip(names.split(", "), made, strict=True))
        _, member, whole = value.partition("this member's part of ")
        if member:
            start, _, end = whole.partition(" to ")
            return Divide(*made, self.value(start), self.value(end))  # type: ignore[arg-type]
        return Let(made[0], self.value(value))

    def product(self, rest: str) -> Statement:
        match = re.fullmatch(r"(.+?) (=|\+=) (.*?)sum\((.+); (.+)\) for (.+)", rest)
        assert match, rest
        summed, over = self.spans(match[5]), self.spans(match[6])
        target = self.value(match[1])
        factors = [self.value(part) for part in re.findall(r"\w+\[[^\]]*\]", match[4])]
        first, second = factors if len(factors) == 2 else (None, *factors)
        addend: Any = target if match[2] == "+=" else None
        before = match[3].strip()
        if " + " in before or before.endswith("+"):
            start, _, before = before.partition(" +")
            addend = self.value(start)
        rows = tuple(s for s in over if first is not None and s.index in first.args)
        return Product(
            target, first, second, rows, tuple(s for s in over if s not in rows), summed,
            sympy.sympify(self.value(before.strip()) if before.strip() else 1), addend,
        )  # fmt: skip

    def spans(self, ranges: str) -> tuple[Span, ...]:
        result = []
        for part in ranges.split(", "):
            letter, _, ends = part.partition(" from ")
            start, _, end = ends.partition(" to ")
            first, last = self.value(start), self.value(end)
            result.append(Span(self.index(letter), first, last))
        return tuple(result)

    def value(self, expression: str) -> Any:
        return self.of(ast.parse(expression.strip(), mode="eval").body)

    def of(self, node: Any) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id in self.symbols:
                return self.symbols[node.id]
            return self.tensors[node.id][()]
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            element = self.tensors[node.value.id][tuple(map(self.of, parts))]  # type: ignore[attr-defined]
            assert isinstance(element, Element)
            return element
        if isinstance(node, ast.BinOp):
            left, right = map(sympy.sympify, (self.of(node.left), self.of(node.right)))
            made = _OPERATORS[type(node.op)](left, right)
            return int(made) if made.is_Integer else made
        if isinstance(node, ast.UnaryOp):
            return _OPERATORS[type(node.op)](self.of(node.operand))
        if isinstance(node, ast.Compare):
            return _OPERATORS[type(node.ops[0])](self.of(node.left), self.of(node.comparators[0]))
        assert isinstance(node, ast.Call), ast.dump(node)
        return _FUNCTIONS[node.func.id](*map(self.of, node.args))  # type: ignore[attr-defined]


def _clean(program: str) -> str:
    """Return a text without the indentation of the test, and with one space where a line ends."""
    return re.sub(r"(?<=\S) +", " ", textwrap.dedent(program).strip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
