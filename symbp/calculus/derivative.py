"""derivative: the equations of the derivatives that stand as operands in a program's equations.

``r[n] = Derivative(u[n], (x[n, 0], 2)) + …`` becomes ``r[n] = v[n] + …`` with the equations that
give v: the one rule, applied to those of u, in reverse or in forward mode, and to what comes out
again for each further order. Afterwards the program is an ordinary one, whose cost is
differentiated, printed and compiled as any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import sympy
from sympy.core.expr import Expr

from symbp.calculus.counts import operations
from symbp.calculus.derivative_steps import Directions, forward_step, reverse_step
from symbp.calculus.reverse import reverse
from symbp.calculus.share import canonical
from symbp.calculus.unit_seeds import merged
from symbp.notation.coupling import (
    inner_needs,
    is_step,
    one_step,
    recurrences,
    shared_indices,
)
from symbp.notation.dependence import components
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation, Origin
from symbp.notation.forms import Form, check_door
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "Chosen", "Defined", "choose_modes", "define_derivatives", "defined", "has_derivatives",
]  # fmt: skip

# How many examples are counted with, where that is known at run time only.
EXAMPLES = 100

# How a derivative is computed: of which tensor, and the how-manieth it is.
Key = tuple[Tensor, int]
Modes = dict[Key, str]


def has_derivatives(program: Program) -> bool:
    """Return whether a derivative stands in an equation of a program."""
    return any(equation.body.has(Derivative) for equation in program.equations)


def define_derivatives(program: Program, modes: Modes | None = None) -> Program:
    """Return the program with the equations of each derivative in place of its name.

    Parameters
    ----------
    program : Program
        A normalised program, not differentiated yet.
    modes : dict, optional
        For each tensor that is differentiated, and each order, ``"reverse"`` or ``"forward"``; by
        default as :func:`choose_modes` finds.

    Examples
    --------
    >>> import symbp as bp
    >>> from symbp.calculus.normalise import normalise
    >>> x, a, u, v = bp.input("x"), bp.parameter("a"), bp.tensor("u"), bp.tensor("v")
    >>> equations = [bp.Equation(u, bp.sin(a * x)), bp.Equation(v, bp.Derivative(u, x))]
    >>> print(define_derivatives(normalise(bp.Program(equations, cost=v))))
    u = sin(a*x)
    du_dx = cos(a*x)*a
    v = du_dx
    """
    return defined(program, modes).program


@dataclass(frozen=True)
class Defined:
    """A program whose derivatives have equations.

    Attributes
    ----------
    program : Program
        In which elements stand for the derivatives.
    values : tuple of (Derivative, expression)
        What each derivative is now: an element, or 0.
    """

    program: Program
    values: tuple[tuple[Derivative, Expr], ...]

    def named(self, body: Expr) -> Expr:
        """Return an expression with what its derivatives are, whatever its indices are called."""
        known = {canonical(name)[0]: (name, value) for name, value in self.values}
        mapping = {}
        for node in body.atoms(Derivative):
            form, order = canonical(node)
            name, value = known[form]
            names = dict(zip(canonical(name)[1], order, strict=True))
            found = value.xreplace(names)
            # It stands where the derivative was written.
            mapping[node] = (
                Element(found.tensor, *found.args, serial=node.of.serial)
                if isinstance(found, Element)
                else found
            )
        return body.xreplace(mapping) if mapping else body


def defined(program: Program, modes: Modes | None = None) -> Defined:
    """Return the program with the equations of its derivatives, and what each derivative is.

    Parameters
    ----------
    program, modes
        As for :func:`define_derivatives`.
    """
    if not has_derivatives(program):
        return Defined(program, ())
    check_door("define_derivatives", program.forms, Form.NORMALISED)
    chosen = choose_modes(program).modes if modes is None else modes
    definer = _Definer(program, chosen)
    return Defined(definer.program(), tuple(definer.values))


@dataclass(frozen=True)
class Chosen:
    """Which modes were chosen, and the operations of the program with each choice.

    Attributes
    ----------
    modes : dict
        For each tensor that is differentiated, and each order, ``"reverse"`` or ``"forward"``.
    counted : tuple of (dict, int)
        What was tried, with the operations of the whole program for 100 examples.
    """

    modes: Modes
    counted: tuple[tuple[Modes, int], ...]

    def text(self) -> str:
        """Return in words what was chosen and why."""
        lines = []
        for modes, count in self.counted:
            mark = "chosen" if modes == self.modes else "not chosen"
            lines.append(
                f"{_in_words(modes)}: {count:,} operations for {EXAMPLES} examples, {mark}"
            )
        return "\n".join(lines)


def _in_words(modes: Modes) -> str:
    names = ("first", "second", "third", "fourth")
    return ", ".join(
        f"{names[order] if order < len(names) else f'{order + 1}th'} derivatives of "
        f"{tensor.name} {mode}"
        for (tensor, order), mode in modes.items()
    )


def choose_modes(program: Program) -> Chosen:
    """Return the modes with which a program's derivatives need the fewest operations.

    Parameters
    ----------
    program : Program
        A normalised program with derivatives.

    Notes
    -----
    For each order all derivatives in reverse and all in forward mode are tried, then each tensor's
    by itself. Modes that the author asked for stay.
    """
    asked: Modes = {}
    keys: dict[Key, None] = {}
    for equation in program.equations:
        for derivative in sorted(equation.body.atoms(Derivative), key=str):
            for order in range(len(derivative.by)):
                key = (derivative.of.tensor, order)
                keys.setdefault(key)
                if derivative.mode is not None:
                    asked[key] = derivative.mode
    orders = sorted({order for _, order in keys})
    counted: list[tuple[Modes, int]] = []

    def count(modes: Modes) -> int:
        modes = {key: asked.get(key, mode) for key, mode in modes.items()}
        for tried, known in counted:
            if tried == modes:
                return known
        made = _Definer(program, modes).program()
        if made.cost is not None and made.parameters:
            made = reverse(made)  # what is trained is differentiated again
        found = int(operations(made.equations, _size).total)
        counted.append((modes, found))
        return found

    for first in ("reverse", "forward"):
        for later in ("reverse", "forward") if len(orders) > 1 else (first,):
            count({key: first if not key[1] else later for key in keys})
    best = min(counted, key=lambda each: each[1])
    if len({tensor for tensor, _ in keys}) > 1:
        for key in keys:
            other = "forward" if best[0][key] == "reverse" else "reverse"
            count({**best[0], key: other})
            best = min(counted, key=lambda each: each[1])
    return Chosen(best[0], tuple(counted))


def _size(index: Index) -> int:
    return index.extent if isinstance(index.extent, int) else EXAMPLES


@dataclass
class _Definer:
    """Defines the derivatives of one program, one after another."""

    given: Program
    modes: Modes
    equations: list[Equation] = field(default_factory=list)
    replaced: dict[Tensor, tuple[Element, Expr]] = field(default_factory=dict)
    known: dict[object, Tensor] = field(default_factory=dict)
    values: list[tuple[Derivative, Expr]] = field(default_factory=list)
    directions: Directions = field(default_factory=dict)

    def program(self) -> Program:
        self.names = {tensor.name for tensor in self.given.tensors}
        self.names -= {e.tensor.name for e in self.given.equations if _is_name(e)}
        given = self.given.equations
        self.recurrent = recurrences(given)
        # Inside a recurrence no equation is after all that it needs.
        for position in (p for group in components(inner_needs(given)) for p in group):
            equation = self._with_values(given[position])
            body = equation.body
            if not isinstance(body, Derivative):
                self.equations.append(equation)
                continue
            value = self._value(body)
            self.values.append((body, value))
            if _is_name(equation):
                self.replaced[equation.tensor] = (equation.lhs, value)
            else:
                self.equations.append(
                    equation.replace(body=value, origin=Origin("derivative", equation))
                )
        return self.given.replace(equations=tuple(self.equations), passed=self.given.passed)

    def _with_values(self, equation: Equation) -> Equation:
        mapping: dict[Expr, Expr] = {}
        for element in equation.body.atoms(Element):
            found = self.replaced.get(element.tensor)
            if found is not None:
                lhs, value = found
                mapping[element] = value.xreplace(dict(zip(lhs.args, element.args, strict=True)))
        return equation.replace(body=equation.body.xreplace(mapping)) if mapping else equation

    def _value(self, derivative: Derivative) -> Expr:
        """Return what a derivative is: an element, or 0."""
        value: Expr = derivative.of
        for order, by in enumerate(derivative.by):
            if not isinstance(value, Element):
                return sympy.S.Zero
            shared = shared_indices(derivative.of, by)
            value = self._step(value, by, shared, self.modes[derivative.of.tensor, order])
        return value

    def _step(self, of: Element, by: Element, shared: tuple[Index, ...], mode: str) -> Expr:
        sub = Program(tuple(self.equations), derived=True, passed=self.given.passed)
        others: dict[Tensor, Tensor] = {}
        if is_step(of, by):
            step, others = one_step(sub.equations, of, by, self.recurrent)
            sub = sub.replace(equations=tuple(step), passed=sub.passed)
        sub = sub.prune([of.tensor])
        if by.tensor is not of.tensor and by.tensor not in sub.depends_on([of.tensor]):
            return sympy.S.Zero
        if mode == "reverse" or by.tensor is of.tensor or _is_recurrent(sub, by.tensor):
            new, element = reverse_step(sub, of, by, shared, self.names)
        else:
            new, element = forward_step(sub, of, by, shared, self.names, self.directions)
        new = [equation.with_tensors(others) for equation in new]
        if of.tensor in self.recurrent:
            number = self.recurrent[of.tensor]
            self.recurrent |= {equation.tensor: number for equation in new}
        same: dict[Tensor, Tensor] = {}
        self.equations += merged(new, self.known, same)
        return Element(same.get(element.tensor, element.tensor), *element.args)


def _is_name(equation: Equation) -> bool:
    """Whether an equation only names a derivative that stands in an equation of the author's."""
    return equation.origin.rule == "derivative" and isinstance(equation.body, Derivative)


def _is_recurrent(program: Program, tensor: Tensor) -> bool:
    read: Iterable[Tensor] = (
        e.tensor for equation in program.equations_of(tensor) for e in equation.reads()
    )
    return tensor in program.depends_on(read)
