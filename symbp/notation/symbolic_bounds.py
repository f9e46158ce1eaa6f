"""Whether a subscript stays inside an axis for all extents that are known at run time only.

With numbers a subscript is evaluated at every value of its indices (:mod:`symbp.notation.bounds`).
With a size such as T nothing can be tried: that ``t - 1`` lies in an axis of T elements wherever
``t > 0`` follows from inequalities between whole numbers, or is not claimed.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sympy

from symbp.notation.affine import Form, System, added, constant, scaled, shifted, variable
from symbp.notation.index import Index
from symbp.notation.whole_numbers import Limit, quotient_of

__all__ = ["is_inside", "limit_inside"]


def is_inside(subscript: Any, extent: Any, guards: Iterable[tuple[Any, bool]]) -> bool:
    """Whether ``0 <= subscript < extent`` wherever some conditions hold, or do not.

    Parameters
    ----------
    subscript : Expr
        Of indices and sizes.
    extent : int or Symbol
        Of the axis.
    guards : iterable of (Boolean, bool)
        Conditions and whether they hold; what they say of data is left out.
    """
    return _Facts().proves(subscript, extent, guards)


def limit_inside(
    subscript: Any, extent: Any, guards: Sequence[tuple[Any, bool]], datum: Any
) -> Limit | None:
    """Return what a datum must be for a subscript to be inside of an axis, None if unknown.

    Parameters
    ----------
    subscript : Expr
        Of the datum, indices and sizes.
    extent : Symbol
        Of the axis.
    guards : sequence of (Boolean, bool)
        Conditions and whether they hold.
    datum : Element
        Of an integer tensor.
    """
    # Lengths, counted from 1, and places, counted from 0; the less is asked the better.
    for below in (None, extent + 1, extent):
        for low in (None, 0, 1):
            facts = _Facts({datum})
            form, end = facts.form(datum), None if below is None else facts.form(below)
            assert form is not None, "a datum is a variable"
            if low is not None:
                facts.system.require(shifted(form, -low))
            if end is not None:
                facts.system.require(shifted(added(end, form, -1), -1))
            if facts.proves(subscript, extent, guards):
                return Limit(low, below)
    return None


class _Facts:
    """Variables for indices, sizes, data and quotients, and what is known of them."""

    def __init__(self, data: Collection[Any] = ()) -> None:
        self.names: dict[Any, int] = {}
        self.system = System()
        self.data = data

    def proves(self, subscript: Any, extent: Any, guards: Iterable[tuple[Any, bool]]) -> bool:
        """Whether a subscript is inside of an axis wherever conditions hold."""
        form, end = self.form(subscript), self.form(extent)
        if form is None or end is None:
            return False
        for condition, holds in guards:
            self.suppose(condition, holds)
        system = self.system
        return system.implies(form) and system.implies(shifted(added(end, form, -1), -1))

    def name(self, symbol: Any) -> Form:
        """Return the form of a symbol; what it is at least, and at most, becomes known."""
        if symbol not in self.names:
            self.names[symbol] = len(self.names) + 1
            form = variable(self.names[symbol])
            if isinstance(symbol, Index):
                end = self.form(symbol.extent)
                assert end is not None, "an extent is a number or a size"
                self.system.require(form, shifted(added(end, form, -1), -1))
            else:
                self.system.require(shifted(form, -1))
        return variable(self.names[symbol])

    def form(self, node: Any) -> Form | None:
        """Return a whole number as a form, None for what holds data."""
        if isinstance(node, int) or node.is_Integer:
            return constant(int(node))
        if node in self.data:
            self.names.setdefault(node, len(self.names) + 1)
            return variable(self.names[node])
        if node.is_Symbol:
            return self.name(node)
        if isinstance(node, sympy.Add):
            total: Form = {}
            for part in node.args:
                form = self.form(part)
                if form is None:
                    return None
                total = added(total, form)
            return total
        if isinstance(node, sympy.Mul):
            coefficient, rest = node.as_coeff_Mul()
            form = self.form(rest) if coefficient.is_Integer else None
            return None if form is None else scaled(form, int(coefficient))
        if isinstance(node, sympy.Mod) and node.args[1].is_Integer:
            whole, below = self.form(node.args[0]), int(node.args[1])
            return None if whole is None else added(whole, self.quotient(whole, below), -below)
        if isinstance(node, sympy.floor):
            above, divisor = quotient_of(node.args[0])
            whole = None if above is None else self.form(above)
            return None if whole is None else self.quotient(whole, divisor)
        return None

    def quotient(self, form: Form, divisor: int) -> Form:
        """Return the form of a quotient rounded down."""
        key = (frozenset(form.items()), divisor)
        self.names.setdefault(key, len(self.names) + 1)
        rest = added(form, variable(self.names[key]), -divisor)
        self.system.require(rest, shifted(scaled(rest, -1), divisor - 1))
        return variable(self.names[key])

    def suppose(self, condition: Any, holds: bool) -> None:
        """Take in what a comparison says."""
        kinds = (sympy.Ge, sympy.Gt, sympy.Le, sympy.Lt, sympy.Eq, sympy.Ne)
        if not isinstance(condition, kinds):
            return
        left, right = (self.form(side) for side in condition.args)
        if left is None or right is None:
            return
        above, below = added(left, right, -1), added(right, left, -1)
        if isinstance(condition, sympy.Eq | sympy.Ne):
            if isinstance(condition, sympy.Eq) == holds:
                self.system.require_zero(above)
            return
        # not (a > b) is b >= a.
        strict = isinstance(condition, sympy.Gt | sympy.Lt) == holds
        upwards = isinstance(condition, sympy.Ge | sympy.Gt) == holds
        self.system.require(shifted(above if upwards else below, -1 if strict else 0))
