"""Collects the equations of one optimizer step under names that are free in the program."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sympy.core.expr import Expr

from symbp.calculus.lookups import lookup_equations
from symbp.notation.arithmetic import Plus
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.reductions import Sum
from symbp.notation.standard import sqrt
from symbp.notation.tensor import Tensor

__all__ = ["Gradients", "Updates"]

#: Each parameter, and the element of its gradient at the parameter's own indices.
Gradients = Sequence[tuple[Tensor, Expr]]


class Updates:
    """Collects the update equations of a program; an optimizer writes into it.

    Parameters
    ----------
    program : Program, optional
        Whose parameters are updated; new names differ from all of its names.
    """

    def __init__(self, program: Program | None = None) -> None:
        self.program = program
        self.names = set() if program is None else {tensor.name for tensor in program.tensors}
        self.equations: list[Equation] = []
        self.pairs: list[tuple[Tensor, Tensor]] = []
        self._shared: dict[str, Any] = {}
        # Whether what is replaced takes its next value in this step; None if in each.
        self._taken: Any = None

    def constant(self, name: str, value: float, symbol: str | None = None) -> Expr:
        """Return a hyperparameter; one of each name is shared by all parameters."""
        if name not in self._shared:
            made = Tensor(self._unique(name), (), "constant", symbol=symbol, value=value)
            self._shared[name] = made.element
        shared: Expr = self._shared[name]
        return shared

    def scalar(self, name: str, body: Expr, symbol: str | None = None) -> Expr:
        """Return a scalar with an equation of its own, shared by all parameters.

        Work that is the same for every element is kept out of the loops this way. The formula may
        hold sums over all elements of a parameter or its gradient.
        """
        if name not in self._shared:
            self._shared[name] = self._define(Tensor(self._unique(name), symbol=symbol), body)
        shared: Expr = self._shared[name]
        return shared

    def intermediate(self, parameter: Tensor, name: str, body: Expr) -> Expr:
        """Return a value for each element of a parameter that is computed once and read again."""
        return self._define(parameter.like(self._unique(f"{parameter.name}_{name}")), body)

    def norm(self, name: str, terms: Gradients, symbol: str | None = None) -> Expr:
        """Return the Euclidean norm of all elements of some expressions, shared by its name.

        Parameters
        ----------
        name : str
            Of the scalar.
        terms : sequence of (Tensor, SymPy expression)
            Expressions at the indices of the parameter beside them.
        symbol : str, optional
            How it prints (LaTeX).
        """
        squares = [Sum(body**2, *of.indices) if of.rank else body**2 for of, body in terms]
        return self.scalar(name, sqrt(self.scalar(f"{name}_squared", Plus(*squares))), symbol)

    def count(self) -> Expr:
        """Return the number of this step, counted from 1; a state shared by all parameters."""
        return self.recurrence("step", lambda step: step + 1, "t")

    def looked_up(self, parameter: Tensor) -> Any:
        """Return whether the batch looks up the row of a table that an element stands in.

        Parameters
        ----------
        parameter : Tensor
            What is updated.

        Returns
        -------
        condition or None
            At the parameter's own indices, for ``where``. None if it is no table: its gradient has
            more than scatters to places that the data tells.
        """
        name = f"{parameter.name}_looked_up"
        if name not in self._shared:
            gradient = None if self.program is None else dict(self.program.gradients).get(parameter)
            made = None
            if self.program is not None and gradient is not None:
                writers = self.program.equations_of(gradient)
                made = lookup_equations(name, parameter, writers, self.names)
            self.equations += [] if made is None else made[0]
            self._shared[name] = None if made is None else made[1] > 0
        if self._shared[name] is not None and self._taken is not None:
            raise SymbpError(
                f"{parameter.name}: an optimizer that changes the rows of one batch alone has no "
                f"step for several; expected another one inside of bp.Accumulate, such as bp.Adam"
            )
        return self._shared[name]

    def recurrence(
        self, name: str, rule: Callable[[Expr], Expr], symbol: str | None = None
    ) -> Expr:
        """Return the next value of a number that is remembered, shared by all parameters.

        Parameters
        ----------
        name : str
            Of the state, which is zero at the start.
        rule : callable
            Maps its value before this step to that after it.
        symbol : str, optional
            How it prints (LaTeX).
        """
        if name not in self._shared:
            state = Tensor(
                self._unique(name), (), "state", symbol=symbol, initial=("constant", 0.0)
            )
            self._shared[name] = self.replace(state, rule(state.element))
        shared: Expr = self._shared[name]
        return shared

    def state(self, parameter: Tensor, name: str) -> Tensor:
        """Return a state of the parameter's shape that is zero at the start."""
        if not isinstance(parameter, Tensor):
            raise SymbpError(f"state: expected a parameter, got {parameter!r}")
        unique = self._unique(f"{parameter.name}_{name}")
        return parameter.like(unique, "state", initial=("constant", 0.0))

    def replace(self, tensor: Tensor, body: Expr) -> Expr:
        """Let a parameter or state take the value of an expression; return its next value."""
        if not isinstance(tensor, Tensor):
            raise SymbpError(f"replace: expected a parameter or a state, got {tensor!r}")
        if any(tensor is replaced for replaced, _ in self.pairs):
            raise SymbpError(f"replace: {tensor.name} is replaced already, and once in each step")
        following = self._define(self._following(tensor, "next"), body)
        self.pairs.append((tensor, following.tensor))
        if self._taken is not None:
            kept = where(self._taken, following, tensor.element)
            made = self._define(self._following(tensor, "kept"), kept)
            self.pairs[-1] = (tensor, made.tensor)
        return following

    @contextmanager
    def names_apart(self) -> Iterator[None]:
        """Let what is shared by its name be shared inside only."""
        outer, self._shared = self._shared, {}
        try:
            yield
        finally:
            self._shared = outer

    @contextmanager
    def only_when(self, condition: Any) -> Iterator[None]:
        """Let what is replaced inside keep its value in the steps in which a condition is false."""
        outer = self._taken
        self._taken = condition if outer is None else outer & condition
        try:
            yield
        finally:
            self._taken = outer

    def _following(self, tensor: Tensor, when: str) -> Tensor:
        name = self._unique(f"{tensor.name}_{when}")
        return tensor.like(name, symbol=tensor.symbol, label=tensor.label)

    def _define(self, tensor: Tensor, body: Expr) -> Any:
        Equation(tensor.element, body)  # which refuses what cannot be meant
        self.equations.append(Equation(tensor.element, body, origin=Origin("update")))
        return tensor.element

    def _unique(self, name: str) -> str:
        return fresh_name(name, self.names)
