"""The faults of this field: what somebody who writes a differentiation by hand gets wrong.

Each operator maps a node of Python's syntax tree to the texts that may stand in its place.
"""

import ast
import copy
from collections.abc import Callable, Iterator

__all__ = ["OPERATORS", "Replacement", "replacements"]

#: The node whose text is replaced, and the new text.
Replacement = tuple[ast.AST, str]
Operator = Callable[[ast.AST], Iterator[Replacement]]

# Functions that add or multiply what they are given.
_COMBINING = {"sum_of", "product_of", "Plus", "Times", "scaled", "And", "Or", "Add", "Mul"}
_COLLECTING = {"append", "add", "extend", "update", "insert", "setdefault"}
_NEIGHBOURS = {"Gt": "Ge", "Ge": "Gt", "Lt": "Le", "Le": "Lt", "Eq": "Ne", "Ne": "Eq"}
_REDUCTIONS = {"sum": "max", "max": "sum", "logsumexp": "sum"}
_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum",
              "maximum": "minimum", "floor": "ceil", "sin": "cos", "cos": "sin"}  # fmt: skip
_ORDER = {ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt}


def _changed(node: ast.AST, **fields: object) -> str:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return f"({ast.unparse(new)})" if isinstance(node, ast.expr) else ast.unparse(new)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def sign_flipped(node: ast.AST) -> Iterator[Replacement]:
    """Flip a sign: of a term, of what is negated, of what a function returns."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node, f"({ast.unparse(node.operand)})"
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield node, _changed(node, op=other)
    if isinstance(node, ast.Call) and _name(node.func) in _COMBINING | {"partial", "_scaled"}:
        yield node, f"(-{ast.unparse(node)})"


def term_dropped(node: ast.AST) -> Iterator[Replacement]:
    """Leave out a term of a sum, a factor of a product, an entry of a list of them."""
    if isinstance(node, ast.BinOp) and isinstance(
        node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitOr, ast.BitAnd)
    ):
        yield node, f"({ast.unparse(node.left)})"
        if not isinstance(node.op, (ast.Sub, ast.Div)):
            yield node, f"({ast.unparse(node.right)})"
    read = isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)) and len(node.elts) > 1 and read:
        for position in range(len(node.elts)):
            rest = node.elts[:position] + node.elts[position + 1 :]
            yield node, _changed(node, elts=rest)
    if isinstance(node, ast.Call) and _name(node.func) in _COMBINING and len(node.args) > 1:
        for position in range(len(node.args)):
            rest = node.args[:position] + node.args[position + 1 :]
            yield node, _changed(node, args=rest)
    if isinstance(node, (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)):
        for position, generator in enumerate(node.generators):
            if generator.ifs:  # the condition on what is taken
                without = copy.copy(generator)
                without.ifs = []
                made = [*node.generators]
                made[position] = without
                yield node, _changed(node, generators=made)


def wrong_index(node: ast.AST) -> Iterator[Replacement]:
    """Read the neighbouring place, or two places in the other order."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        index = node.slice
        if isinstance(index, ast.Slice):
            for side in ("lower", "upper"):
                bound = getattr(index, side)
                if bound is not None:
                    moved = ast.BinOp(bound, ast.Add(), ast.Constant(1))
                    changed = copy.copy(index)
                    setattr(changed, side, moved)
                    yield node, _changed(node, slice=changed)
        elif isinstance(index, ast.Tuple):
            if len(index.elts) == 2:
                swapped = ast.Tuple(index.elts[::-1], ast.Load())
                yield node, _changed(node, slice=swapped)
        elif isinstance(index, (ast.Constant, ast.UnaryOp)) and ast.unparse(index) in "-101":
            other = {"0": 1, "1": 0, "-1": 0}[ast.unparse(index)]
            yield node, _changed(node, slice=ast.Constant(other))
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        first, second = node.args[:2]
        if all(isinstance(a, (ast.Name, ast.Subscript, ast.Attribute)) for a in (first, second)):
            yield node, _changed(node, args=[second, first, *node.args[2:]])
    if isinstance(node, ast.Attribute) and node.attr in ("lhs", "body"):
        other_attr = {"lhs": "body", "body": "lhs"}[node.attr]
        if isinstance(node.ctx, ast.Load):
            yield node, _changed(node, attr=other_attr)


def accumulation_missing(node: ast.AST) -> Iterator[Replacement]:
    """Set where something is to be added, or leave out what collects."""
    if isinstance(node, ast.AugAssign):
        yield node, f"{ast.unparse(node.target)} = {ast.unparse(node.value)}"
    if isinstance(node, ast.keyword) and node.arg == "accumulate":
        for value in ("True", "False"):
            if ast.unparse(node.value) != value:
                yield node.value, value
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and function.attr in _COLLECTING:
            yield node, "pass"
    if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Yield, ast.YieldFrom)):
        yield node, "pass"


def tie_handled_otherwise(node: ast.AST) -> Iterator[Replacement]:
    """Take the bound of a comparison in or out."""
    if isinstance(node, ast.Compare):
        for position, operation in enumerate(node.ops):
            if type(operation) in _ORDER:
                made = [*node.ops]
                made[position] = _ORDER[type(operation)]()
                yield node, _changed(node, ops=made)
    if isinstance(node, ast.Attribute) and node.attr in _NEIGHBOURS:
        yield node, _changed(node, attr=_NEIGHBOURS[node.attr])


def guard_dropped(node: ast.AST) -> Iterator[Replacement]:
    """Leave out a case: an early return, a branch, a condition of several."""
    leaves = (ast.Return, ast.Continue, ast.Break, ast.Raise)
    if isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], leaves):
        yield node.test, "False"
    if isinstance(node, ast.IfExp):
        yield node, f"({ast.unparse(node.body)})"
        yield node, f"({ast.unparse(node.orelse)})"
    if isinstance(node, ast.BoolOp):
        for position in range(len(node.values)):
            rest = node.values[:position] + node.values[position + 1 :]
            text = ast.unparse(rest[0]) if len(rest) == 1 else _changed(node, values=rest)
            yield node, f"({text})"


def reduction_exchanged(node: ast.AST) -> Iterator[Replacement]:
    """Reduce by another operation, or call the opposite function."""
    if isinstance(node, ast.Constant) and node.value in list(_REDUCTIONS):
        yield node, repr(_REDUCTIONS[node.value])
    if isinstance(node, ast.Call) and _name(node.func) in _FUNCTIONS:
        if isinstance(node.func, ast.Name):
            yield node.func, _FUNCTIONS[node.func.id]
        elif isinstance(node.func, ast.Attribute):
            yield node.func, _changed(node.func, attr=_FUNCTIONS[node.func.attr])[1:-1]


OPERATORS: dict[str, Operator] = {
    "sign flipped": sign_flipped,
    "term dropped": term_dropped,
    "wrong index": wrong_index,
    "accumulation missing": accumulation_missing,
    "tie handled otherwise": tie_handled_otherwise,
    "guard dropped": guard_dropped,
    "reduction exchanged": reduction_exchanged,
}


def replacements(source: str) -> Iterator[tuple[str, ast.AST, str]]:
    """Yield the name of the operator, the node and the new text for all places of a source."""
    for node in ast.walk(ast.parse(source)):
        for name, operator in OPERATORS.items():
            for target, text in operator(node):
                yield name, target, text
