"""What a formula of matrix calculus is here, and how its derivative is found.

A formula is equations of symbp with indices, what is differentiated and by what; beside them stand
the same function in JAX, and the derivative as it is printed in a book, in NumPy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.entries.model import Model

jax.config.update("jax_enable_x64", True)

E, D = bp.Equation, bp.Derivative


@dataclass(frozen=True)
class Formula:
    """One formula.

    Attributes
    ----------
    of : expression or tensor
        A scalar; or a tensor that one of the equations defines.
    by : Tensor
        A parameter.
    jax : callable
        The function, of the arrays by name.
    closed : callable
        Its derivative as it is known, of the same. Axes are those of the function, then of the
        variable, and for a second derivative those of the variable once more.
    order : int, default 1
        2 for second derivatives.
    equations : sequence of Equation
        Of what the formula reads.
    values : mapping of str to array
        Where others than normal variates are wanted.
    """

    of: Any
    by: bp.Tensor
    jax: Callable[..., Any]
    closed: Callable[..., Any]
    order: int = 1
    equations: Sequence[bp.Equation] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def program(self) -> bp.Program:
        """Return the program of the function: its cost, where it is a scalar."""
        if isinstance(self.of, bp.Tensor) and self.of.rank:
            return bp.Program([*self.equations], output=self.of)
        cost = bp.tensor("cost")
        return bp.Program([*self.equations, E(cost, self.of)], cost=cost)

    def given(self) -> dict[str, np.ndarray]:
        """Return a number for each element of each argument."""
        program, result = self.program(), {}
        for number, tensor in enumerate((*program.parameters, *program.inputs)):
            drawn = np.random.default_rng(number).normal(size=[int(e) for e in tensor.shape])
            result[tensor.name] = np.asarray(self.values.get(tensor.name, drawn), dtype=float)
        return result

    def derivative_program(self) -> bp.Program:
        """Return the program of the derivative, an element of which is an operand."""
        program = self.program()
        of = program.output if program.cost is None else program.cost
        assert of is not None
        above = tuple(bp.Index(i.name, i.extent) for i in of.indices)
        below = [tuple(bp.Index(i.name, i.extent) for i in self.by.indices)
                 for _ in range(self.order)]  # fmt: skip
        result = bp.tensor("result", *above, *(i for axes in below for i in axes))
        value = D(of[above], *(self.by[axes] for axes in below))
        return bp.Program([*program.equations, E(result.element, value)], output=result)

    def found(self) -> np.ndarray:
        """Return the derivative that symbp finds."""
        values, program = self.given(), self.program()
        if self.order == 1 and program.cost is not None:
            derived = Model(program).gradient
            gradients = {t.name: adjoint.name for t, adjoint in derived.gradients}
            return interpret(derived, values)[gradients[self.by.name]]
        return interpret(Model(self.derivative_program()).plain, values)["result"]

    def answer_of_jax(self) -> np.ndarray:
        """Return the derivative that JAX finds."""
        values = self.given()

        def function(v: Any) -> Any:
            return self.jax(**{**values, self.by.name: v})

        for _ in range(self.order):
            function = jax.jacrev(function)
        options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
        at = values[self.by.name]
        return np.asarray(jax.jit(function).lower(at).compile(compiler_options=options)(at))

    def answer_of_the_book(self) -> np.ndarray:
        """Return the derivative as it is known."""
        return np.asarray(self.closed(**self.given()))


FORMULAS: dict[str, Formula] = {}


def formula(make: Callable[[], Formula]) -> Callable[[], Formula]:
    """Enter a formula into the table, under its first line."""
    assert make.__doc__ is not None
    name = make.__doc__.splitlines()[0].rstrip(".")
    assert name not in FORMULAS, name
    FORMULAS[name] = make()
    return make


def var(name: str, *indices: bp.Index) -> bp.Tensor:
    """Declare what is differentiated by."""
    return bp.parameter(name, *indices)


def given(name: str, *indices: bp.Index) -> bp.Tensor:
    """Declare what is not."""
    return bp.input(name, *indices)


def definite(size: int, seed: int = 7) -> np.ndarray:
    """Return a symmetric, positive definite matrix."""
    A = np.random.default_rng(seed).normal(size=(size, size))
    return A @ A.T + np.eye(size)
