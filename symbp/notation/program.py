"""Programs: ordered equations with roles; what a user defines and every pass returns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import sympy

from symbp.notation.arguments import no_equation
from symbp.notation.bounds import check_bounds, limits_in
from symbp.notation.coupling import check_derivatives
from symbp.notation.cycles import check_cycles, in_order
from symbp.notation.dependence import definitions, needed_by
from symbp.notation.display import equations_bundle
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError, suggest
from symbp.notation.extents import (
    batch_of,
    check_run_time_extent,
    is_known_to_predict,
    sizes_of_tensors,
)
from symbp.notation.forms import NO_FORM, Form, seen_in
from symbp.notation.index import Index
from symbp.notation.noise import check_streams
from symbp.notation.numpy_operands import short
from symbp.notation.recurrences import as_recurrences
from symbp.notation.states import check_states, checked_updates
from symbp.notation.tensor import Element, Role, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = ["Program"]


@dataclass(frozen=True, eq=False)
class Program:
    """Equations in an order in which they can be computed.

    Parameters
    ----------
    equations : sequence of Equation
        Each tensor that is not an input, target, parameter or constant is defined by one.
    cost : Tensor, optional
        The scalar that is differentiated and minimised.
    output : Tensor, optional
        What ``predict`` returns; by default the last tensor that needs no target.
    gradients : tuple of (Tensor, Tensor)
        For each parameter the tensor that holds its gradient; filled by differentiation.
    updates : tuple of (Tensor, Tensor)
        For each state, and after an optimizer for each parameter, the tensor that holds its next
        value; of a user's program a dict of states, see :func:`symbp.state`.
    results : tuple of Tensor
        What else somebody outside reads, such as a tangent; filled by what asks for it.
    derived : bool
        Whether a pass made it; a user's program is checked when it is defined.
    passed : Form
        What the passes that made it say it is; see :attr:`forms`.
    held : tuple of Tensor
        Parameters that training leaves as they are; filled by :meth:`freeze`.

    Raises
    ------
    NotationError
        A tensor defined twice or not at all, a name used twice, a cycle that is not a
        recurrence, a parameter or target that the cost does not need, a subscript out of range,
        a run-time extent that no input has, a state without a next value.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y, z = (bp.parameter(name) for name in "xyz")
    >>> q, f = bp.tensor("q"), bp.tensor("f")
    >>> print(bp.Program([bp.Equation(q, x + y), bp.Equation(f, q * z)], cost=f))
    q = x + y
    f = q*z
    """

    equations: tuple[Equation, ...]
    cost: Tensor | None = None
    output: Tensor | None = None
    gradients: tuple[tuple[Tensor, Tensor], ...] = ()
    updates: tuple[tuple[Tensor, Tensor], ...] = ()
    results: tuple[Tensor, ...] = ()
    derived: bool = False
    passed: Form = NO_FORM
    held: tuple[Tensor, ...] = ()

    def __init__(
        self,
        equations: Iterable[Equation],
        cost: Tensor | None = None,
        output: Tensor | None = None,
        gradients: tuple[tuple[Tensor, Tensor], ...] = (),
        updates: Mapping[Tensor, Tensor] | tuple[tuple[Tensor, Tensor], ...] = (),
        results: tuple[Tensor, ...] = (),
        derived: bool = False,
        passed: Form = NO_FORM,
        held: tuple[Tensor, ...] = (),
    ) -> None:
        if not isinstance(equations, Iterable):
            raise NotationError(f"a program takes a list of equations, got {short(equations)}")
        given = tuple(equations)
        for equation in given:
            if not isinstance(equation, Equation):
                raise NotationError(f"a program takes equations, {no_equation(equation)}")
        if isinstance(cost, Element):
            cost = cost.tensor
        if isinstance(output, Element):
            output = output.tensor
        for what, tensor in (("cost", cost), ("output", output)):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise NotationError(f"{what} {tensor}: expected a tensor")
        if not derived:
            given = in_order(as_recurrences(given))
            updates = checked_updates(updates, (equation.tensor for equation in given))
        object.__setattr__(self, "equations", given)
        object.__setattr__(self, "cost", cost)
        object.__setattr__(self, "output", output)
        object.__setattr__(self, "gradients", gradients)
        object.__setattr__(self, "updates", updates)
        object.__setattr__(self, "results", results)
        object.__setattr__(self, "derived", derived)
        object.__setattr__(self, "passed", passed)
        object.__setattr__(self, "held", held)
        if not derived:
            _check(self)
            if output is None:
                object.__setattr__(self, "output", self._default_output())

    def __copy__(self) -> "Program":
        return self  # it cannot change

    def __deepcopy__(self, memo: object) -> "Program":
        return self

    def __getstate__(self) -> dict[str, Any]:
        # What is computed from the rest when it is asked for need not travel.
        return {
            name: value
            for name, value in vars(self).items()
            if not isinstance(getattr(type(self), name, None), cached_property)
        }

    def replace(self, **changes: Any) -> "Program":
        """Return the program with some fields changed, as a derived one.

        With other equations it keeps no form that cannot be seen in them, unless ``passed`` says
        so: a pass knows what it keeps.
        """
        if "equations" in changes:
            changes.setdefault("passed", NO_FORM)
        return replace(self, **{"derived": True, **changes})

    @cached_property
    def forms(self) -> Form:
        """What the program is: what the passes that made it say, and what can be seen in it."""
        forms = self.passed
        if self.gradients:
            forms |= Form.DIFFERENTIATED
        if self.updates:
            forms |= Form.UPDATED
        if (Form.NORMALISED | Form.EXPANDED) in forms:
            return forms
        return forms | seen_in(equation.body for equation in self.equations)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor, in the order in which the equations name them."""
        found: dict[Tensor, None] = {}
        for equation in self.equations:
            for element in sorted(equation.reads(), key=lambda e: (e.serial, e.tensor.serial)):
                found.setdefault(element.tensor)
            found.setdefault(equation.tensor)
        return tuple(found)

    @property
    def roots(self) -> tuple[Tensor, ...]:
        """What somebody outside reads: a pass keeps these tensors, each with its own equations."""
        made = [new for _, new in (*self.gradients, *self.updates)]
        found = dict.fromkeys([self.cost, self.output, *self.results, *made])
        return tuple(tensor for tensor in found if tensor is not None)

    def with_role(self, role: Role) -> tuple[Tensor, ...]:
        """Return the tensors of one role."""
        return tuple(tensor for tensor in self.tensors if tensor.role == role)

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters, in the order in which they were declared."""
        return tuple(sorted(self.with_role("parameter"), key=lambda tensor: tensor.serial))

    @property
    def trained(self) -> tuple[Tensor, ...]:
        """The parameters that training changes: those that are not frozen."""
        return tuple(p for p in self.parameters if p.trainable and p not in self.held)

    @property
    def states(self) -> tuple[Tensor, ...]:
        """What is kept from step to step, in the order in which it was declared."""
        return tuple(sorted(self.with_role("state"), key=lambda tensor: tensor.serial))

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs, in the order in which they were declared."""
        return tuple(sorted(self.with_role("input"), key=lambda tensor: tensor.serial))

    @property
    def targets(self) -> tuple[Tensor, ...]:
        """The targets, in the order in which they were declared."""
        return tuple(sorted(self.with_role("target"), key=lambda tensor: tensor.serial))

    @property
    def batch(self) -> sympy.Symbol | None:
        """The symbol of the batch size, or None where nothing is divided into batches."""
        return batch_of(self.tensors)

    @property
    def run_time_sizes(self) -> tuple[sympy.Symbol, ...]:
        """The extents that the shapes of arguments tell: that of the batch first."""
        return sizes_of_tensors(self.tensors)

    def freeze(self, *names: str) -> Self:
        """Return the same program with some parameters that training leaves as they are.

        Their gradient is not computed, it is zero; an optimizer has no update for them, so that
        nothing decays either. They stay in ``Parameters``, and are saved and loaded.

        Parameters
        ----------
        *names : str
            Of parameters.

        Raises
        ------
        NotationError
            There is no such parameter, or none is named.

        Examples
        --------
        >>> import symbp as bp
        >>> net = bp.mlp(2, 3, 1).freeze("W1", "b1")
        >>> [parameter.name for parameter in net.trained]
        ['W2', 'b2']
        """
        known = {tensor.name: tensor for tensor in self.parameters}
        if not names:
            raise NotationError(f"freeze: expected the names of parameters, such as {min(known)!r}")
        for name in names:
            if not isinstance(name, str):
                shown = type(name).__name__
                raise NotationError(
                    f"freeze: expected names, such as {min(known)!r}, got a {shown}"
                )
            if name not in known:
                raise NotationError(f"freeze: no parameter {name!r}; {suggest(name, known)}")
        made = object.__new__(type(self))
        held = tuple(dict.fromkeys((*self.held, *(known[name] for name in names))))
        vars(made).update(self.__getstate__(), held=held)
        return made

    def tensor(self, name: str) -> Tensor:
        """Return the tensor of a name."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        names = ", ".join(tensor.name for tensor in self.tensors)
        raise NotationError(f"no tensor {name!r} in this program; it has {names}")

    def equations_of(self, tensor: Tensor) -> tuple[Equation, ...]:
        """Return the equations that define a tensor."""
        return tuple(equation for equation in self.equations if equation.tensor is tensor)

    @cached_property
    def integer_limits(self) -> dict[Tensor, Limit]:
        """What each integer tensor in a subscript must be, so that the subscript stays inside."""
        limits: dict[Tensor, Limit] = {}
        for equation in self.equations:
            for tensor, limit in limits_in(equation.lhs, equation.body, self.batch):
                limits[tensor] = limits[tensor] & limit if tensor in limits else limit
        return limits

    def depends_on(self, roots: Iterable[Tensor]) -> set[Tensor]:
        """Return the tensors that the roots need, themselves included."""
        return needed_by(self.equations, roots)

    def prune(self, roots: Iterable[Tensor]) -> "Program":
        """Return the program with only the equations that the roots need."""
        needed = self.depends_on(roots)
        kept = tuple(e for e in self.equations if e.tensor in needed)
        return self.replace(equations=kept, passed=self.passed)

    def _default_output(self) -> Tensor | None:
        targets = set(self.targets)
        of_cost = set() if self.cost is None else self.depends_on([self.cost])
        nexts = {new for _, new in self.updates}
        of_updates = nexts | (self.depends_on(nexts) - of_cost)
        for equation in reversed(self.equations):
            tensor = equation.tensor
            if (
                tensor is not self.cost
                and tensor not in of_updates
                and not targets & self.depends_on([tensor])
                and is_known_to_predict(tensor, self.equations, self.inputs)
            ):
                return tensor
        return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return equations_bundle(self.equations, self.cost, "print(program)", include, exclude)

    def __str__(self) -> str:
        return "\n".join(map(str, self.equations))

    def title(self, output_function: str = "") -> str:
        """Return one line that names it in print; with what the cost applies to the output."""
        return repr(self)[1:-1]

    def __repr__(self) -> str:
        counts = {
            "equation": self.equations, "parameter": self.parameters, "input": self.inputs
        }  # fmt: skip
        shown = ", ".join(f"{len(g)} {name}{'s' * (len(g) != 1)}" for name, g in counts.items())
        return f"<{type(self).__name__}: {shown}>"


def _check(program: Program) -> None:
    if program.gradients:
        raise NotationError("gradients=: they are derived from the cost; leave the argument out")
    defined = definitions(program.equations)
    for tensor, positions in defined.items():
        if len(positions) > 1:
            raise NotationError(f"{tensor.name} is defined by {len(positions)} equations")
        if tensor.role != "intermediate":
            advice = (
                f"what it becomes is another tensor, such as {tensor.name}_next, with "
                f"updates={{{tensor.name}: {tensor.name}_next}}"
                if tensor.role == "state"
                else "declare it with bp.tensor"
            )
            raise NotationError(
                f"{tensor.name} is of role {tensor.role} and cannot stand on the left; {advice}"
            )
    check_states(program.states, defined, program.updates)
    _check_tensors(program, defined)
    for equation in program.equations:
        check_bounds(equation.lhs, equation.body, program.batch)
    check_cycles(program.equations)
    check_derivatives(program.equations)
    if program.cost is not None:
        if program.cost.rank:
            raise NotationError(f"cost {program.cost.name}: expected a tensor without indices")
        if program.cost not in defined:
            raise NotationError(f"cost {program.cost.name} is not defined by an equation")
        needed = program.depends_on([program.cost])
        for tensor in (*program.parameters, *program.targets):
            if tensor not in needed:
                raise NotationError(
                    f"{tensor.role} {tensor.name} is unused: the cost {program.cost.name} does "
                    f"not depend on it" + _ADVICE[tensor.role]
                )
    if program.output is not None and program.output not in defined:
        raise NotationError(f"output {program.output.name} is not defined by an equation")
    check_run_time_extent(
        program.equations, program.inputs, program.targets, program.cost, program.output
    )


_ADVICE = {
    "parameter": "",
    "target": "; compare the output with it in the cost, declare it with bp.input if it is one, "
    "or leave out the equation that reads it",
}


def _check_tensors(program: Program, defined: dict[Tensor, list[int]]) -> None:
    check_streams(program.tensors)
    names: dict[str, Tensor] = {}
    symbols: dict[Any, Tensor] = {}
    for tensor in program.tensors:
        if names.setdefault(tensor.name, tensor) is not tensor:
            raise NotationError(f"the name {tensor.name} is used for two tensors")
        if tensor.role == "intermediate" and tensor not in defined:
            raise NotationError(
                f"{tensor.name} is read but no equation defines it; if it is an input or a "
                f"parameter, declare it with bp.input or bp.parameter"
            )
        if tensor.kind == "integer" and tensor.role not in ("input", "target"):
            raise NotationError(f"{tensor.name}: only inputs and targets can be integer tensors")
        for axis, extent in enumerate(tensor.shape):
            if not isinstance(extent, sympy.Symbol):
                continue
            symbols.setdefault(extent, tensor)
            if tensor.role in ("parameter", "state", "constant"):
                raise NotationError(
                    f"{tensor.name}: axis {axis} has the run-time extent {extent}; the size of a "
                    f"{tensor.role} is a number, only inputs, targets and what is computed of them "
                    f"can have others"
                )
            if tensor.role == "noise" and (axis or extent != program.batch):
                raise NotationError(
                    f"{tensor.name}: axis {axis} has the run-time extent {extent}; noise is drawn "
                    f"for each example, the other axes are numbers"
                )
            if tensor.kind in ("classes", "distribution") and axis and axis == tensor.rank - 1:
                raise NotationError(
                    f"{tensor.name}: the number of classes is {extent}, known at run time only; "
                    f"expected a number"
                )
    weights = [target.name for target in program.targets if target.kind == "weight"]
    if len(weights) > 1:
        raise NotationError(
            f"{' and '.join(weights)}: each is a target of kind 'weight'; expected one, which "
            f"fit(…, sample_weight=) gives"
        )
    for equation in program.equations:
        for symbol in equation.body.free_symbols:
            if not isinstance(symbol, Index) and symbol not in symbols:
                raise NotationError(f"{equation.lhs}: {symbol} is the extent of no tensor")
