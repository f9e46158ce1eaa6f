"""GradientEquations: what a derivation finds, as data; all that is printed is read off it.

Forward and backward equations, what they come from, and the results that have names. Steps, paths,
entries, counts, drawings and reports are functions of it, each in a module of its own above.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.rules import FunctionRule, rules
from symbp.derivations.statements import is_named, statements
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.errors import NotationError, suggest
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["GradientEquations"]


@dataclass(frozen=True, eq=False, repr=False)
class GradientEquations:
    r"""The forward equations of a program and the equations of its gradient.

    Attributes
    ----------
    program : Program
        What was differentiated.
    per_example : bool
        Whether the equations are those of one example; cost and gradients are then means over
        the batch.
    forward, backward : tuple of DerivedEquation
        In the order in which they are computed.
    chains : tuple of DerivedEquation
        The backward equations as the chain rule gives them, before anything is put in.
    links : tuple of DerivedEquation
        The same, each simplified by itself: one for each adjoint, linear in those it reads.
    differentiated : Program
        The normalised equations and what the rule made of them, each with its origin.
    gradients : tuple of (Tensor, Tensor)
        The adjoint of each parameter.
    conventions : tuple of str
        What holds by convention at singular points of powers, norms and guarded products.
    of : Tensor or None
        What was differentiated, where that is not the cost: the gradients are then Jacobians.
    count_from : {1, 0}
        What the first place of an axis is called in all that is printed.
    style : Style
        How it prints.
    """

    program: Program
    per_example: bool
    forward: tuple[DerivedEquation, ...]
    backward: tuple[DerivedEquation, ...]
    chains: tuple[DerivedEquation, ...]
    links: tuple[DerivedEquation, ...]
    differentiated: Program
    gradients: tuple[tuple[Tensor, Tensor], ...]
    conventions: tuple[str, ...] = ()
    of: Tensor | None = None
    count_from: int = 1
    style: Style = NIELSEN

    @property
    def bp1(self) -> Statement:
        r"""The error of the output layer: ``δ^L = ∇_a C ⊙ σ'(z^L)``."""
        return self._statements["BP1"]

    @property
    def bp2(self) -> Statement:
        """The error of a hidden layer from that of the next."""
        return self._statements["BP2"]

    @property
    def bp3(self) -> Statement:
        """The gradient of biases: parameters that stand alone in a pre-activation."""
        return self._statements["BP3"]

    @property
    def bp4(self) -> Statement:
        """The gradient of weights: parameters that stand in a product."""
        return self._statements["BP4"]

    def gradient(self, tensor: Tensor | str) -> DerivedEquation:
        """Return the equation of ∂C/∂tensor.

        Parameters
        ----------
        tensor : Tensor or str
            A parameter, or what else it was differentiated by, or its name.

        Raises
        ------
        NotationError
            It is nothing that was differentiated by.
        """
        if isinstance(tensor, Element):
            tensor = tensor.tensor
        name = tensor if isinstance(tensor, str) else getattr(tensor, "name", repr(tensor))
        for parameter, adjoint in self.gradients:
            if parameter is tensor or parameter.name == name:
                return next(line for line in self.backward if line.tensor is adjoint)
        known = [parameter.name for parameter, _ in self.gradients]
        if name in (each.name for each in self.program.tensors):
            raise NotationError(
                f"nothing was derived by {name!r}: bp.derive(program, wrt={name!r}) does; "
                f"{suggest(name, known)}"
            )
        raise NotationError(f"no parameter {name!r}: {suggest(name, known)}")

    @cached_property
    def rules(self) -> tuple[FunctionRule, ...]:
        """The derivatives of the functions that are named, with the conventions at kinks."""
        found = rules(self.forward, (*self.backward, *self.chains), self.conventions)
        return tuple(replace(rule, style=self.style) for rule in found)

    @cached_property
    def printed_program(self) -> Program:
        """Exactly the equations that are printed, as a program.

        Returns
        -------
        Program
            After :func:`~symbp.calculus.normalise.normalise` the interpreter evaluates it. If
            :attr:`per_example` holds, it is the program of one example.
        """
        lines = (*self.forward, *self.backward)
        equations = tuple(equation for line in lines for equation in line.equations)
        return Program(equations, self.program.cost, gradients=self.gradients, derived=True)

    @cached_property
    def named_statements(self) -> tuple[Statement, ...]:
        """BP1–BP4, or nothing where no adjoint has a symbol of its own."""
        named = any(is_named(line.tensor) for line in self.backward)
        return tuple(self._statements.values()) if named else ()

    @cached_property
    def _statements(self) -> dict[str, Statement]:
        forward = [line.equations[0] for line in self.forward]
        found = statements(forward, self.backward, self.chains)
        return {name: replace(each, style=self.style) for name, each in found.items()}

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name}: {len(self.forward)} forward, {len(self.backward)} backward equations>"
