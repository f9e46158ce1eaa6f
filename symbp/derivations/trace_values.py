"""What is traced, as a program of scalars with their numbers: here, an expression.

A symbol of an expression becomes a parameter without indices. The size is checked before any
work is done; each part of an expression is looked at once, however often it is used.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.expr import Expr
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from symbp.derivations.markup import GREEK
from symbp.notation.arguments import expression_of
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError, SymbpError, suggest
from symbp.notation.functions import operation_of
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.operation import in_notation
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "LARGEST",
    "Scalars",
    "check_size",
    "key_name",
    "number_array",
    "of_expression",
    "written_size",
]

#: How many nodes a graph may have.
LARGEST = 20_000


@dataclass(frozen=True)
class Scalars:
    """A program of scalars with a number for each.

    Attributes
    ----------
    program : Program
        Its tensors have no indices.
    numbers : dict of str to float
        The value of each tensor that is given.
    given : tuple of Tensor
        All tensors of which the cost is made, in the order in which they are shown.
    varying : tuple of Tensor
        Those with respect to which the cost is differentiated.
    keys : tuple
        What the user calls the varying ones: symbols, or names of scalars and arrays.
    meaning : dict
        From every name, symbol and tensor that may be asked for to the scalar that it is.
    places : dict
        For each scalar that is an element of an array: the user's tensor, and where.
    arrays : dict
        The arrays that were given, by the user's tensors; not all of an array need be read.
    """

    program: Program
    numbers: dict[str, float]
    given: tuple[Tensor, ...]
    varying: tuple[Tensor, ...]
    keys: tuple[Any, ...]
    meaning: dict[Any, Tensor]
    places: dict[Tensor, tuple[Tensor, tuple[int, ...]]] = field(default_factory=dict)
    arrays: dict[Tensor, NDArray[np.float64]] = field(default_factory=dict)


def of_expression(
    expression: Any, values: Mapping[Any, Any], names: Sequence[str] | None = None
) -> Scalars:
    """Return an expression as a program of one equation.

    Parameters
    ----------
    expression : SymPy expression
        Of symbols, of tensors without indices, or of both.
    values : mapping
        A number for each symbol, by itself or by its name.
    names : sequence of str, optional
        The names in the order in which they were written, when the formula was text; some may
        have cancelled out.
    """
    expression = expression_of(expression, "trace")
    nodes = list(_nodes_below(expression))
    check_size(sum(bool(node.args) for node in nodes))
    for node in reversed(nodes):  # what the user wrote before what it is made of
        _check_node(node)
    leaves: list[Any] = [node for node in nodes if isinstance(node, (Element, Tensor))]
    leaves = list(dict.fromkeys(leaf[()] if isinstance(leaf, Tensor) else leaf for leaf in leaves))
    leaves.sort(key=lambda element: element.serial)
    symbols = sorted((n for n in nodes if isinstance(n, sympy.Symbol)), key=lambda s: s.name)
    if names is not None:
        there = {symbol.name: symbol for symbol in symbols}
        symbols = [there.get(name) or sympy.Symbol(name, real=True) for name in names]
    leaves = symbols + leaves
    called = {leaf: _name_of(leaf) for leaf in leaves}
    for leaf, name in called.items():
        if list(called.values()).count(name) > 1:
            raise NotationError(f"trace: two symbols of the expression are called {name}")
        if isinstance(leaf, Element) and leaf.tensor.rank:
            raise NotationError(
                f"trace: {leaf} has indices; put the expression into an equation of a bp.Program"
            )
    given = _numbers(called, values)
    taken = {str(leaf.tensor.name) for leaf in leaves if isinstance(leaf, Element)}
    tensors = {leaf: _tensor_of(leaf, taken) for leaf in leaves}
    cost = Tensor(fresh_name("f", taken))
    body = _with_tensors(nodes, {leaf: tensor[()] for leaf, tensor in tensors.items()})
    varying = [leaf for leaf in leaves if tensors[leaf].role != "constant"]
    meaning: dict[Any, Tensor] = {}
    for leaf, tensor in tensors.items():
        meaning |= {leaf: tensor, called[leaf]: tensor, tensor: tensor, tensor[()]: tensor}
    return Scalars(
        Program([Equation(cost, body, origin=Origin("trace"))], cost=cost, derived=True),
        {tensors[leaf].name: number for leaf, number in given.items()},
        tuple(tensors.values()),
        tuple(tensors[leaf] for leaf in varying),
        tuple(leaf if isinstance(leaf, sympy.Symbol) and names is None else called[leaf]
              for leaf in varying),
        meaning,
    )  # fmt: skip


def written_size(expression: Expr) -> int:
    """Return how many symbols and signs an expression has when it is written out.

    It can be far more than it has nodes: a part that is used twice is written twice.
    """
    sizes: dict[Any, int] = {}
    for node in _nodes_below(expression):
        parts = () if isinstance(node, (Element, Tensor)) else node.args
        sizes[node] = 1 + sum(sizes[part] for part in parts)
    return sizes[expression]


def _nodes_below(root: Any) -> Iterator[Any]:
    """Yield each part of an expression once, after its own parts, however often it is used."""
    seen: set[Any] = set()
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if not isinstance(node, (Element, Tensor)):
                stack.extend((argument, False) for argument in reversed(node.args))


def _check_node(node: Any) -> None:
    if isinstance(node, Reduction):
        raise NotationError(f"trace: {node} sums over an index; put it into a bp.Program")
    if isinstance(node, Index):
        raise NotationError(f"trace: index {node} has no value; put the formula into a bp.Program")
    if isinstance(node, AppliedUndef):
        raise NotationError(f"trace: {node} is an undefined function; see bp.function")
    if isinstance(node, sympy.Function):
        if not isinstance(node, (sympy.Max, sympy.Min, sympy.Piecewise)):
            operation_of(type(node))
    elif node.is_number if isinstance(node, Expr) else False:
        if not node.is_extended_real:
            raise NotationError(f"trace: {node} is not a real number")
        if node.is_infinite:
            raise NotationError(f"trace: infinity is no number to compute with: {node}")
        if node.is_Number and not _fits(node):
            raise NotationError(f"trace: {sympy.N(node, 4)} is too large for a float")
    elif not isinstance(node, (Element, Tensor, sympy.Symbol, sympy.Add, sympy.Mul, sympy.Pow,
                               sympy.Max, sympy.Min, Boolean, ExprCondPair)):  # fmt: skip
        raise NotationError(f"trace: {type(node).__name__} of SymPy has no place in a formula")


def _fits(number: Any) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _name_of(leaf: Any) -> str:
    return str(leaf.tensor.name if isinstance(leaf, Element) else leaf.name)


def _tensor_of(leaf: Any, taken: set[str]) -> Tensor:
    """Return a parameter for a symbol; it prints as SymPy prints the symbol."""
    if isinstance(leaf, Element):
        return leaf.tensor
    name = leaf.name
    greek = {letter: f"\\{word}" for word, letter in GREEK.items()}
    if name.isidentifier() and name.isascii() and not name.startswith("_"):
        # A Python word, such as lambda, cannot be a parameter's name, but print as one.
        free = fresh_name(name, taken)
        if free == name:
            try:
                return Tensor(name, (), "parameter")
            except NotationError:
                pass
        return Tensor(fresh_name(f"{name}_", taken), (), "parameter", symbol=str(sympy.latex(leaf)))
    symbol = greek.get(name) or str(sympy.latex(leaf))
    return Tensor(fresh_name("u", taken), (), "parameter", symbol=symbol)


def _with_tensors(nodes: Sequence[Any], tensors: dict[Any, Expr]) -> Expr:
    """Return the last node with its symbols replaced; each part is made once."""
    made: dict[Any, Any] = dict(tensors)
    for node in nodes:
        if isinstance(node, Tensor):
            made[node] = tensors[node[()]]
        elif node not in made:
            arguments = [made[argument] for argument in node.args]
            changed = any(a is not b for a, b in zip(arguments, node.args, strict=True))
            made[node] = node.func(*arguments) if changed else node
            if isinstance(made[node], (sympy.Max, sympy.Min, sympy.Piecewise)):
                made[node] = in_notation(made[node], "trace")
    result: Expr = made[nodes[-1]]
    return result


def _numbers(called: Mapping[Any, str], values: Mapping[Any, Any]) -> dict[Any, float]:
    """Return the number of each leaf."""
    found: dict[Any, float] = {}
    by_name = {name: leaf for leaf, name in called.items()}
    for key, value in values.items():
        name = key_name(key)
        if name not in by_name:
            raise NotationError(f"trace: values: no {name!r} in the expression; "
                                f"{suggest(name, by_name)}")  # fmt: skip
        leaf = by_name[name]
        if leaf in found:
            raise NotationError(f"trace: values: {name} is given twice")
        found[leaf] = float(number_array(name, value, 0))
    for leaf in called:
        if leaf not in found and isinstance(leaf, Element) and leaf.tensor.value is not None:
            found[leaf] = leaf.tensor.value
    missing = [name for leaf, name in called.items() if leaf not in found]
    if missing:
        raise NotationError(f"trace: values: no value for {', '.join(missing)}")
    return found


def key_name(key: Any) -> str:
    """Return the name that a key of the given values stands for."""
    if isinstance(key, Element):
        key = key.tensor
    if isinstance(key, (Tensor, sympy.Symbol)):
        return str(key.name)
    if not isinstance(key, str):
        raise NotationError(f"trace: values: expected a name or a symbol as key, got {key!r}")
    return key


def number_array(name: str, value: Any, rank: int) -> NDArray[np.float64]:
    """Return a given value as an array of finite numbers with so many axes."""
    expected = "a number" if rank == 0 else f"an array of {rank} axes"
    if isinstance(value, sympy.Expr) and value.is_number and value.is_extended_real:
        value = float(value)
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise NotationError(f"trace: values: {name}: expected {expected}, got {_short(value)}")
    if array.ndim != rank:
        raise NotationError(
            f"trace: values: {name}: expected {expected}, got an array of shape {array.shape}"
            if array.ndim
            else f"trace: values: {name}: expected {expected}, got {_short(value)}"
        )
    array = array.astype(np.float64)
    if not np.all(np.isfinite(array)):
        raise NotationError(f"trace: values: {name}: expected finite numbers, got {_short(value)}")
    return array


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


def check_size(count: int) -> None:
    """Refuse a graph that is too large, before it is made."""
    if count > LARGEST:
        raise SymbpError(
            f"trace: the graph has {count:,} operations, more than {LARGEST:,}: "
            f"use smaller sizes or fewer examples"
        )
