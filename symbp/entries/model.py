"""model: a program as the compiler knows it, each form of it made once, when it is asked for.

::

    given ─ gradient_program ─► plain, differentiated ─ finish ─► gradient
      │                                     └─ optimise, finish ─► updated
      └─ training_form, inference_form ─► training, inference: models of their own

What is drawn is an equation in what is computed: :attr:`Model.form` is the given program with it.

Entry points choose among these forms; those that need another derivative begin at ``plain`` or
``differentiated`` and end with :meth:`Model.computing`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import sympy

from symbp.calculus.common_sums import common_sums
from symbp.calculus.deviations import without_deviations
from symbp.calculus.expand import expand
from symbp.calculus.gradient_program import (
    Arrow,
    GradientProgram,
    gradient_program,
    prepared_program,
)
from symbp.calculus.half_powers import half_powers
from symbp.calculus.noise import Drawn, advanced, drawn
from symbp.calculus.phases import inference_form, training_form
from symbp.calculus.share import share
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import SymbpError
from symbp.notation.naming import fresh_name
from symbp.notation.operation import DerivativeForm
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["FINISHING", "Model"]

# What is done to a program whose scalar bodies are written out.
FINISHING = (without_deviations, common_sums, half_powers, share)


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
    written : Program, optional
        What `given` is a form of, for training or inference; its arguments are those of both.
    """

    given: Program
    optimise: Callable[[Program], Program] | None = None
    derivatives: DerivativeForm = "fast"
    written: Program | None = None

    @cached_property
    def training(self) -> "Model":
        """The model of what a gradient, a step and an epoch compute."""
        return self._of(training_form(self.given))

    @cached_property
    def inference(self) -> "Model":
        """The model of what ``predict``, ``loss`` and evaluation compute."""
        return self._of(inference_form(self.given))

    @property
    def frozen(self) -> tuple[Tensor, ...]:
        """The parameters that training leaves as they are."""
        trained = self._written.trained
        return tuple(parameter for parameter in self.parameters if parameter not in trained)

    @property
    def has_phases(self) -> bool:
        """Whether training is of something else than use is, or keeps a state."""
        forms = self.training is not self or self.inference is not self
        return bool(self.kept) or forms or bool(self.frozen) or bool(self.key)

    def _of(self, form: Program) -> "Model":
        if form is self.given:
            return self
        return replace(self, given=form, written=self._written)

    @property
    def _written(self) -> Program:
        return self.given if self.written is None else self.written

    @cached_property
    def form(self) -> Drawn:
        """The given program with equations in the place of what is drawn."""
        return drawn(self.given)

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
        """With the equations of the gradient of the cost by each parameter that is trained."""
        return self.derived.differentiated

    @cached_property
    def derived(self) -> GradientProgram:
        """The program at each arrow of its differentiation."""
        return gradient_program(self.given, stable=True, prepared=self.prepared)

    @cached_property
    def gradient(self) -> Program:
        """The differentiated program, finished."""
        return self.finished(self.differentiated)

    @cached_property
    def updated(self) -> Program:
        """The differentiated program with one step of the optimizer, finished."""
        if self.training is not self:
            return self.training.updated
        if self.optimise is None:
            raise SymbpError("a step needs an optimizer, such as bp.SGD(0.1)")
        return self.finished(advanced(self.optimise(self.differentiated), self.key))

    @property
    def differentiated_by_all(self) -> Program:
        """With the equations of the gradient by all parameters, those that are frozen too."""
        if len(self.given.trained) == len(self.parameters):
            return self.differentiated
        return self.differentiated_by(self.parameters)

    def differentiated_by(self, tensors: Iterable[Tensor]) -> Program:
        """Return the plain program with the equations of the gradient by some tensors.

        Of what does not stand in the program, such as a parameter that only the cost needs where
        the output is differentiated, the gradient is 0.
        """
        wanted = tuple(tensors)
        there = [tensor for tensor in wanted if tensor in self.given.tensors]
        program = gradient_program(
            self.given, stable=True, prepared=self.prepared, wrt=there
        ).differentiated
        return with_zeros(program, wanted) if len(there) < len(wanted) else program

    def finished(self, program: Program) -> Program:
        """Return a program with scalar bodies written out, each value computed once."""
        program = expand(program, self.derivatives)
        for finish in FINISHING:
            program = finish(program)
        return program

    def computing(self, program: Program, results: Iterable[Tensor]) -> Program:
        """Return a derived program, finished, that computes some tensors and nothing else."""
        wanted = tuple(results)
        asked = program.replace(cost=None, output=None, gradients=(), updates=(), results=wanted)
        return self.finished(asked.prune(wanted)).prune(wanted)

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters as given, also those that cancel out of a derived program."""
        return self._written.parameters

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs as given."""
        return self._written.inputs

    @property
    def real_inputs(self) -> tuple[Tensor, ...]:
        """The inputs that can be differentiated by: all but those of integers."""
        return tuple(tensor for tensor in self.given.inputs if tensor.kind != "integer")

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """The targets that hold a weight for each example."""
        return tuple(tensor for tensor in self._written.targets if tensor.kind == "weight")

    @property
    def data(self) -> tuple[Tensor, ...]:
        """The inputs and targets as given."""
        return (*self.inputs, *self._written.targets)

    @property
    def kept(self) -> tuple[Tensor, ...]:
        """The states of the program itself."""
        return self._written.states

    @cached_property
    def states(self) -> tuple[Tensor, ...]:
        """What is remembered from step to step: the program's own, the optimizer's, a key's."""
        own, key = self.kept, self.training.key
        olds = (old for old, _ in self.updated.updates if old.role == "state")
        return (*own, *(old for old in olds if old not in (*own, *key)), *key)

    @cached_property
    def hyperparameters(self) -> tuple[Tensor, ...]:
        """The constants of the optimizer, which may change from call to call."""
        fixed = set(self.training.gradient.with_role("constant"))
        constants = sorted(self.updated.with_role("constant"), key=lambda tensor: tensor.serial)
        return tuple(tensor for tensor in constants if tensor not in fixed)


def with_zeros(program: Program, tensors: Sequence[Tensor]) -> Program:
    """Return a differentiated program with gradients by all of some tensors, those missing 0."""
    gradients, names = dict(program.gradients), {tensor.name for tensor in program.tensors}
    made = []
    for tensor in tensors:
        if tensor not in gradients:
            zero = tensor.like(fresh_name(f"{tensor.name}_adjoint", names))
            gradients[tensor] = zero
            made.append(Equation(zero.element, sympy.S.Zero, origin=Origin("zero")))
    return program.replace(
        equations=(*program.equations, *made),
        gradients=tuple((tensor, gradients[tensor]) for tensor in tensors),
        passed=program.passed,
    )
