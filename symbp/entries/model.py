"""model: a program as the compiler knows it, each form of it made once, when it is asked for.

::

    given ─ drawn, gradient_program ─► plain, differentiated ─ finish ─► gradient
                                                   └─ optimise, finish ─► updated

That is the program as it is trained; :attr:`Model.inference` is the model of what predicts, in
which noise is its mean. Entry points choose among these forms; those that need another derivative
begin at ``plain`` or ``differentiated`` and end with :meth:`Model.computing`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from symbp.calculus.expand import expand
from symbp.calculus.gradient_program import (
    Arrow,
    GradientProgram,
    gradient_program,
    prepared_program,
)
from symbp.calculus.noise import Drawn, advanced, at_mean, drawn
from symbp.calculus.share import share
from symbp.notation.errors import SymbpError
from symbp.notation.operation import DerivativeForm
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """A program and what is derived from it.

    Attributes
    ----------
    given : Program
        As its author wrote it; it says what the arguments of each entry point are.
    optimise : callable, optional
        Adds an optimizer's update equations to a differentiated program.
    derivatives : {"fast", "accurate"}
        Which form of a function's derivative is computed, where there are two.
    training : bool
        Whether it is of the program as it is trained, or of what predicts.
    """

    given: Program
    optimise: Callable[[Program], Program] | None = None
    derivatives: DerivativeForm = "fast"
    training: bool = True

    @cached_property
    def inference(self) -> "Model":
        """The model of what predicts: itself, if that is the program as it is trained."""
        has_forms = bool(self.given.with_role("noise"))
        return replace(self, training=False) if has_forms and self.training else self

    @cached_property
    def form(self) -> Drawn:
        """The program that is computed, for training or inference, with draws as equations."""
        return drawn(self.given if self.training else at_mean(self.given))

    @property
    def key(self) -> tuple[Tensor, ...]:
        """The seed and the number of the step that noise is drawn by; none without noise."""
        return self.form.key

    @cached_property
    def plain(self) -> Program:
        """One reduction an equation, in forms that cannot overflow."""
        return self.prepared[-1][1]

    @cached_property
    def prepared(self) -> tuple[Arrow, ...]:
        """The arrows from the given program to the plain one."""
        return prepared_program(self.form.program, stable=True)

    @cached_property
    def differentiated(self) -> Program:
        """With the equations of the gradient of the cost by each parameter."""
        return self.derived.differentiated

    @cached_property
    def derived(self) -> GradientProgram:
        """The program at each arrow of its differentiation."""
        # What is only read with noise has a gradient of 0 without it.
        wrt = None if self.training else self.parameters
        return gradient_program(self.given, stable=True, prepared=self.prepared, wrt=wrt)

    @cached_property
    def gradient(self) -> Program:
        """The differentiated program, finished."""
        return self.finished(self.differentiated)

    @cached_property
    def updated(self) -> Program:
        """The differentiated program with one step of the optimizer, finished."""
        if self.optimise is None:
            raise SymbpError("a step needs an optimizer, such as bp.SGD(0.1)")
        return self.finished(advanced(self.optimise(self.differentiated), self.key))

    def differentiated_by(self, tensors: Iterable[Tensor]) -> Program:
        """Return the plain program with the equations of the gradient by some tensors."""
        return gradient_program(
            self.given, stable=True, prepared=self.prepared, wrt=tensors
        ).differentiated

    def finished(self, program: Program) -> Program:
        """Return a program with scalar bodies written out, each value computed once."""
        return share(expand(program, self.derivatives))

    def computing(self, program: Program, results: Iterable[Tensor]) -> Program:
        """Return a derived program, finished, that computes some tensors and nothing else."""
        wanted = tuple(results)
        asked = program.replace(cost=None, output=None, gradients=(), updates=(), results=wanted)
        return self.finished(asked.prune(wanted)).prune(wanted)

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters as given, also those that cancel out of a derived program."""
        return self.given.parameters

    @property
    def real_inputs(self) -> tuple[Tensor, ...]:
        """The inputs that can be differentiated by: all but those of integers."""
        return tuple(tensor for tensor in self.given.inputs if tensor.kind != "integer")

    @property
    def data(self) -> tuple[Tensor, ...]:
        """The inputs and targets as given."""
        return (*self.given.inputs, *self.given.targets)

    @cached_property
    def states(self) -> tuple[Tensor, ...]:
        """What is remembered from step to step: by the optimizer, and what draws noise."""
        updated = (old for old, _ in self.updated.updates if old.role == "state")
        return (*(old for old in updated if old not in self.key), *self.key)

    @cached_property
    def hyperparameters(self) -> tuple[Tensor, ...]:
        """The constants of the optimizer, which may change from call to call."""
        fixed = set(self.gradient.with_role("constant"))
        constants = sorted(self.updated.with_role("constant"), key=lambda tensor: tensor.serial)
        return tuple(tensor for tensor in constants if tensor not in fixed)
