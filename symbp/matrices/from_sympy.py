"""SymPy's matrix expressions read as formulas; nothing of theirs is differentiated.

SymPy's own derivatives of matrix expressions are wrong for some products of functions (1.14), so
only the trees are taken.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symbp.matrices.functions import ELEMENTWISE
from symbp.matrices.tree import EYE, Tree, call, number, operation, symbol, transposed
from symbp.notation.errors import SymbpError, UnsupportedError

__all__ = ["read_sympy"]

NAMES = {"Abs": "abs", "atan": "arctan", "Determinant": "det", "Trace": "tr", "Inverse": "inv"}


def read_sympy(expression: Any) -> tuple[Tree, dict[str, tuple[str, ...]]]:
    """Return the tree of a SymPy expression, and the shapes of its symbols.

    Parameters
    ----------
    expression : sympy.Expr or sympy.MatrixExpr
        Products, sums, transposes, inverses, traces, determinants, Hadamard products and powers,
        ``applyfunc`` of a function that the language has, identities and matrices of ones.

    Raises
    ------
    SymbpError
        It is no expression, or a shape is not a symbol or a number.
    UnsupportedError
        It holds something else.
    """
    import sympy

    if not isinstance(expression, sympy.Basic):
        raise SymbpError(f"formula: expected text or a SymPy expression, got {expression!r}")
    shapes: dict[str, tuple[str, ...]] = {}
    return _Reader(shapes).tree(expression), shapes


class _Reader:
    """Reads nodes by the name of their class; ``shapes`` fills up."""

    def __init__(self, shapes: dict[str, tuple[str, ...]]) -> None:
        self.shapes = shapes

    def tree(self, e: Any) -> Tree:
        kind = type(e).__name__
        if e.is_Rational:
            return number(Fraction(int(e.p), int(e.q)))
        special: dict[str, Callable[[Any], Tree]] = {
            "Symbol": self._scalar,
            "MatrixSymbol": self._matrix,
            "MatrixElement": self._element,
            "Identity": lambda e: EYE,
            "OneMatrix": self._ones,
            "Transpose": lambda e: transposed(self.tree(e.arg)),
            "Pow": lambda e: self._power(e, "^"),
            "HadamardPower": lambda e: self._power(e, ".^"),
            "MatPow": self._matrix_power,
            "ElementwiseApplyFunction": self._applied,
        }
        if kind in special:
            return special[kind](e)
        if kind in ("Add", "MatAdd"):
            return self._folded("+", e.args)
        if kind in ("Mul", "MatMul"):
            return self._folded("*", e.args)
        if kind == "HadamardProduct":
            return self._folded(".*", e.args)
        name = NAMES.get(kind, kind)
        if len(e.args) >= 1 and (name in ELEMENTWISE or name in ("det", "tr", "inv")):
            return call(name, self.tree(e.args[0]))
        raise UnsupportedError(f"formula: cannot read {kind} of SymPy, in {e}")

    def _folded(self, operator: str, args: Any) -> Tree:
        trees = [self.tree(arg) for arg in args]
        made = trees[0]
        for tree in trees[1:]:
            minus = operator == "+" and tree.head == "neg"
            made = operation("-", made, tree.args[0]) if minus else operation(operator, made, tree)
        return made

    def _scalar(self, e: Any) -> Tree:
        known = {letter for shape in self.shapes.values() for letter in shape}
        if e.name not in known:
            self.shapes.setdefault(e.name, ())
        return symbol(e.name)

    def _matrix(self, e: Any) -> Tree:
        rows, columns = (str(extent) for extent in e.shape)
        if rows == "1" and columns != "1":
            raise UnsupportedError(f"formula: {e.name} is a row; write the transpose of a column")
        extents = tuple(extent for extent in (rows, columns) if extent != "1")
        for extent in extents:
            if not extent.isidentifier() and not extent.isdigit():
                raise SymbpError(f"shape of {e.name}: expected symbols or numbers, got {e.shape}")
        self.shapes[e.name] = extents
        return symbol(e.name)

    def _element(self, e: Any) -> Tree:
        parent, *places = e.args
        if parent.shape != (1, 1) or any(place != 0 for place in places):
            raise UnsupportedError(f"formula: cannot read {e}, an entry of a matrix")
        return self.tree(parent)

    def _ones(self, e: Any) -> Tree:
        rows, columns = e.shape
        if columns == 1:
            return call("vector", number(1))
        if rows == 1:
            return transposed(call("vector", number(1)))
        return call("matrix", number(1))

    def _power(self, e: Any, operator: str) -> Tree:
        base, exponent = e.args
        half = exponent == exponent.func(1, 2) if exponent.is_Rational else False
        if half:
            return call("sqrt", self.tree(base))
        return operation(operator, self.tree(base), self.tree(exponent))

    def _matrix_power(self, e: Any) -> Tree:
        base, exponent = e.args
        if not exponent.is_Integer or exponent == 0 or abs(exponent) > 20:
            raise UnsupportedError(f"formula: cannot read the power {e}")
        tree = self.tree(base)
        if exponent < 0:
            tree = call("inv", tree)
        made = tree
        for _ in range(abs(int(exponent)) - 1):
            made = operation("*", made, tree)
        return made

    def _applied(self, e: Any) -> Tree:
        import sympy

        place = sympy.Dummy("t")
        value = e.function(place)
        name = NAMES.get(type(value).__name__, type(value).__name__)
        if value.args != (place,) or name not in ELEMENTWISE:
            raise UnsupportedError(f"formula: cannot read applyfunc of {e.function}")
        return call(name, self.tree(e.expr))
