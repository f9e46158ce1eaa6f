"""Collects the equations of one optimizer step under names that are free in the program."""

from sympy.core.expr import Expr

from symbp.notation.equation import Equation, Origin
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["Updates"]


class Updates:
    """Collects the update equations of a program; an optimizer writes into it.

    Parameters
    ----------
    program : Program
        Whose parameters are updated; new names differ from all of its names.
    """

    def __init__(self, program: Program) -> None:
        self.names = {tensor.name for tensor in program.tensors}
        self.equations: list[Equation] = []
        self.pairs: list[tuple[Tensor, Tensor]] = []
        self._shared: dict[str, Expr] = {}

    def constant(self, name: str, value: float, symbol: str) -> Expr:
        """Return a hyperparameter; one of each name is shared by all parameters."""
        if name not in self._shared:
            made = Tensor(self._unique(name), (), "constant", symbol=symbol, value=value)
            self._shared[name] = made.element
        return self._shared[name]

    def scalar(self, name: str, body: Expr, symbol: str) -> Expr:
        """Return a scalar with an equation of its own, shared by all parameters.

        Work that is the same for every element is kept out of the loops this way.
        """
        if name not in self._shared:
            made = Tensor(self._unique(name), symbol=symbol)
            self._define(made, body)
            self._shared[name] = made.element
        return self._shared[name]

    def count(self) -> Expr:
        """Return the number of this step, counted from 1; a state shared by all parameters."""
        if "step" not in self._shared:
            name = self._unique("step")
            step = Tensor(name, (), "state", symbol="t", initial=("constant", 0.0))
            self._shared["step"] = self.replace(step, step.element + 1)
        return self._shared["step"]

    def state(self, parameter: Tensor, name: str) -> Tensor:
        """Return a state of the parameter's shape that is zero at the start."""
        unique = self._unique(f"{parameter.name}_{name}")
        return parameter.like(unique, "state", initial=("constant", 0.0))

    def replace(self, tensor: Tensor, body: Expr) -> Expr:
        """Let a parameter or state take the value of an expression; return its next value."""
        made = tensor.like(
            self._unique(f"{tensor.name}_next"), symbol=tensor.symbol, label=tensor.label
        )
        self._define(made, body)
        self.pairs.append((tensor, made))
        return made.element

    def _define(self, tensor: Tensor, body: Expr) -> None:
        self.equations.append(Equation(tensor.element, body, origin=Origin("update")))

    def _unique(self, name: str) -> str:
        return fresh_name(name, self.names)
