"""The plan of a sweep: from settings to runs, with one module for programs that are equal.

Optimizers that differ in numbers only write the same equations of a step, with the numbers as
constants of it. So the equations are compared, without the numbers, and these are given to the
module's trainer; no rule says which settings belong to the program.
"""

import inspect
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sympy.core.expr import Expr

from symbp.calculus.signature import signature
from symbp.compiler import module_source
from symbp.networks.hyperparameters import HYPERPARAMETERS
from symbp.networks.learning_rates import Schedule
from symbp.networks.optimizer import Optimizer
from symbp.networks.optimizers import SGD, checked_optimizer
from symbp.networks.updates import Updates
from symbp.notation.arguments import no_program
from symbp.notation.errors import SymbpError
from symbp.notation.program import Program

__all__ = ["Made", "Planner", "equations_of_step"]


@dataclass(frozen=True)
class Made:
    """What the settings of a training make.

    Attributes
    ----------
    key : str
        Of all that is equal in programs with one module.
    hyperparameters : dict of str to float
        The numbers of the optimizer.
    failure : str
        Why there is no module, in one line; else empty.
    """

    key: str = ""
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""


class _Apart(Updates):
    """Collects the equations of a step, and the numbers of its constants apart from them."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.numbers: dict[str, float] = {}

    def constant(self, name: str, value: float, symbol: str | None = None) -> Expr:
        """Return a hyperparameter whose number is kept here and does not stand in the equations."""
        made = super().constant(name, 0.0, symbol)
        self.numbers.setdefault(made.tensor.name, float(value))
        return made


def equations_of_step(program: Program, optimizer: Optimizer) -> tuple[str, dict[str, float]]:
    """Return a hash of an optimizer's equations for a program, without its numbers, and these.

    Parameters
    ----------
    program : Program
        With a cost and parameters.
    optimizer : Optimizer
        What a training step does with the gradient.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.mlp(2, 3, 1)
    >>> first, numbers = equations_of_step(net, bp.Momentum(0.1))
    >>> first == equations_of_step(net, bp.Momentum(0.3))[0], sorted(numbers.items())
    (True, [('learning_rate', 0.1), ('momentum', 0.9)])
    """
    updates = _Apart(program)
    # Stand for the gradients, which these equations read and no more.
    gradients = [(p, p.like(f"{p.name}_gradient").element) for p in program.trained]
    optimizer.apply(gradients, updates)
    step = Program(updates.equations, updates=tuple(updates.pairs), derived=True)
    return signature(step), updates.numbers


class Planner:
    """Makes programs of settings, and modules of programs, each once.

    Parameters
    ----------
    make : callable
        ``make(**settings)`` returns a program, or one and its optimizer.
    optimizer : Optimizer or str, optional
        Of programs that come alone.
    dtype, derivatives : str
        As for :func:`symbp.compile`.
    """

    def __init__(
        self, make: Callable[..., Any], optimizer: Any, dtype: str, derivatives: str
    ) -> None:
        if not callable(make):
            raise SymbpError(f"make: expected a function of the settings, got {make!r}")
        self.make, self.dtype, self.derivatives = make, dtype, derivatives
        self.optimizer = SGD(0.1) if optimizer is None else checked_optimizer(optimizer)
        self._programs: dict[str, tuple[Program, Optimizer]] = {}
        self._signatures: dict[int, tuple[Program, str]] = {}
        self._packed: dict[str, bytes] = {}

    def made(self, settings: Mapping[str, Any]) -> Made:
        """Return what settings make; what goes wrong is kept, since others may be right."""
        from symbp.sweeps.runs import message_of

        try:
            program, optimizer = self._pair(settings)
            form, numbers = equations_of_step(program, optimizer)
        except Exception as error:
            return Made(failure=message_of(error))
        key = f"{self._signature(program)}{form}"
        if key not in self._programs:
            self._programs[key] = program, _usual(program, optimizer, form)
        return Made(key, numbers)

    def module(self, key: str) -> bytes:
        """Return the text of a module, compressed; raise what is wrong with the program."""
        packed = self._packed.get(key)
        if packed is None:
            program, optimizer = self._programs[key]
            text = module_source(program, optimizer, self.dtype, self.derivatives, is_read=False)
            packed = self._packed[key] = zlib.compress(text.encode())
        return packed

    def inputs(self, key: str) -> tuple[int, int]:
        """Return how many inputs and targets the program of a module has."""
        program, _ = self._programs[key]
        return len(program.inputs), len(program.targets)

    def _pair(self, settings: Mapping[str, Any]) -> tuple[Program, Optimizer]:
        made = self.make(**settings)
        optimizer: Any = self.optimizer
        if isinstance(made, tuple) and len(made) == 2:
            made, optimizer = made
        if not isinstance(made, Program):
            raise SymbpError(f"make: expected a Program or Network, got {no_program(made)}")
        return made, checked_optimizer(optimizer)

    def _signature(self, program: Program) -> str:
        # Kept with the program, whose identity is its own as long as it lives.
        known = self._signatures.get(id(program))
        if known is None:
            held = ",".join(tensor.name for tensor in program.held)
            options = [type(program).__name__, str(getattr(program, "loss", "")), held]
            known = self._signatures[id(program)] = program, signature(program, options)
        return known[1]


def _usual(program: Program, optimizer: Optimizer, form: str) -> Optimizer:
    """Return an optimizer of the same equations with its usual numbers, if there is one.

    So a module is the same, and in the cache, whatever numbers a sweep begins with.
    """
    usual = _with_defaults(optimizer)
    try:
        return usual if equations_of_step(program, usual)[0] == form else optimizer
    except SymbpError:  # an optimizer of a user's may not take them
        return optimizer


def _with_defaults(owner: Any) -> Any:
    changed: dict[str, Any] = {}
    for each in fields(owner):
        value = getattr(owner, each.name)
        if isinstance(value, Optimizer | Schedule):
            changed[each.name] = _with_defaults(value)
        elif each.name == "learning_rate" and isinstance(value, float):
            changed[each.name] = 0.01
        elif each.name in HYPERPARAMETERS and isinstance(value, float):
            has_default = isinstance(each.default, int | float)
            changed[each.name] = each.default if has_default else value
    return replace(owner, **changed)


def accepted(make: Callable[..., Any]) -> set[str] | None:
    """Return the names that a function takes; None if it takes all, or does not say."""
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
