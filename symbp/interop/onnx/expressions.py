"""A scalar body as operators on whole arrays: each node of the expression, over all its indices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symbp.interop.onnx.functions import FUNCTIONS, power
from symbp.interop.onnx.reads import read
from symbp.interop.onnx.values import Kind, Value, Values
from symbp.notation.bounds import COMPARISONS
from symbp.notation.collected import denominator
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["Expressions"]

# An operator for each comparison, and whether its result is to be negated.
_COMPARED: dict[Any, tuple[str, bool]] = {
    sympy.Eq: ("Equal", False),
    sympy.Ne: ("Equal", True),
    sympy.Lt: ("Less", False),
    sympy.Le: ("LessOrEqual", False),
    sympy.Gt: ("Greater", False),
    sympy.Ge: ("GreaterOrEqual", False),
}
# Arithmetic of indices, which has no record in the notation.
_WHOLE: dict[Any, tuple[str, Any]] = {
    sympy.floor: ("floor", np.floor),
    sympy.ceiling: ("ceil", np.ceil),
    sympy.Mod: ("mod", np.mod),
}


class Expressions:
    """Evaluates expressions of the notation into a graph.

    Parameters
    ----------
    values : Values
        What adds nodes.
    tensors : dict of Tensor to Value
        What each tensor is, with its own indices as axes.
    """

    def __init__(self, values: Values, tensors: dict[Tensor, Value]) -> None:
        self.values = values
        self.tensors = tensors
        # What is being written, for errors.
        self.running = ""

    def evaluate(self, node: Any) -> Value:
        """Return an expression or condition as a value."""
        v = self.values
        if isinstance(node, Index):
            return v.positions(node)
        if isinstance(node, Element):
            return self.element(node)
        if node.is_Symbol:
            return Value(v.scalar(node), (), "int")
        if node in (sympy.true, sympy.false):
            return v.number(bool(node), "bool")
        if node is sympy.zoo:  # a negative power of 0
            return v.number(np.inf)
        if node.is_Number or node.is_NumberSymbol or node.is_number:
            return v.number(float(node))
        if isinstance(node, where):
            condition, *branches = map(self.evaluate, node.args)
            return self.chosen(v.cast(condition, "bool"), *branches)
        if isinstance(node, sympy.Mul):
            return self.product(node)
        if isinstance(node, sympy.Add):
            return self._sum(node)
        if isinstance(node, sympy.Pow):
            base, exponent = (v.cast(self.evaluate(each), "float") for each in node.args)
            return power(v, base, exponent)
        if isinstance(node, (sympy.And, sympy.Or, sympy.Not)):
            return self._logic(node)
        for kind, (operator, negated) in _COMPARED.items():
            if isinstance(node, kind):
                return self._compared(kind, operator, negated, [*map(self.evaluate, node.args)])
        return self._function(node)

    def element(self, node: Element) -> Value:
        """Return an element of a tensor."""
        return read(self.values, self.tensors[node.tensor], node.args, self.evaluate)

    def chosen(self, condition: Value, a: Value, b: Value) -> Value:
        """Return one value where a condition holds, another elsewhere."""
        v = self.values
        if condition.is_known and condition.data.all():  # type: ignore[union-attr]
            return a
        if condition.is_known and not condition.data.any():  # type: ignore[union-attr]
            return b
        return FUNCTIONS["where"](v, condition, v.cast(a, "float"), v.cast(b, "float"))

    def product(self, node: Any) -> Value:
        """Multiply from left to right; a factor with a negative power divides."""
        v = self.values
        result: Value | None = None
        for factor in node.args:
            divisor = denominator(factor)
            value = v.cast(self.evaluate(factor if divisor is None else divisor), "float")
            if divisor is None:
                result = value if result is None else self._times(result, value)
            else:
                one = v.number(1.0) if result is None else result
                result = v.apply("Div", one, value, known=np.divide)
        assert result is not None
        return result

    def _times(self, a: Value, b: Value) -> Value:
        for one, other in ((a, b), (b, a)):
            if isinstance(one.data, np.ndarray) and one.data.shape == () and one.data == -1:
                return self.values.apply("Neg", other, known=np.negative)
        return self.values.apply("Mul", a, b, known=np.multiply)

    def _sum(self, node: Any) -> Value:
        v = self.values
        first, *rest = node.args
        result = v.cast(self.evaluate(first), "float")
        for term in rest:
            # a + (-1)·b is a - b, to the last bit.
            taken = isinstance(term, sympy.Mul) and term.args[0] == -1
            value = v.cast(self.evaluate(-term if taken else term), "float")
            operator, known = ("Sub", np.subtract) if taken else ("Add", np.add)
            result = v.apply(operator, result, value, known=known)
        return result

    def _logic(self, node: Any) -> Value:
        v = self.values
        first, *rest = (v.cast(self.evaluate(each), "bool") for each in node.args)
        if isinstance(node, sympy.Not):
            return v.apply("Not", first, known=np.logical_not)
        operator = "And" if isinstance(node, sympy.And) else "Or"
        known = np.logical_and if operator == "And" else np.logical_or
        for each in rest:
            first = v.apply(operator, first, each, known=known)
        return first

    def _compared(self, kind: Any, operator: str, negated: bool, given: list[Value]) -> Value:
        v = self.values
        if any(each.kind == "float" for each in given):
            given = [v.cast(each, "float") for each in given]
        result = v.apply(operator, *given, known=_plain(kind, negated), kind="bool")
        return v.apply("Not", result, known=np.logical_not) if negated else result

    def _function(self, node: Any) -> Value:
        v = self.values
        whole = next((rule for kind, rule in _WHOLE.items() if isinstance(node, kind)), None)
        if whole is None:
            record = operation_of(type(node))
            name, known = record.name, record.value
        else:
            name, known = whole
        arguments = [v.cast(self.evaluate(argument), "float") for argument in node.args]
        if known is not None and all(each.is_known for each in arguments):
            return v.apply("", *arguments, known=known)
        if name in FUNCTIONS:
            return FUNCTIONS[name](v, *arguments)
        definition = operation_of(type(node)).definition
        if definition is None:
            raise UnsupportedError(
                f"{self.running}: {name} has no operator in ONNX, and no formula in those that have"
            )
        return self.evaluate(definition(*node.args))


def _plain(kind: Any, negated: bool) -> Callable[..., Any]:
    return np.equal if negated else COMPARISONS[kind]


def kind_of(tensor: Tensor) -> Kind:
    """Return what the elements of a tensor are in a graph."""
    return "int" if tensor.kind == "integer" else "float"
