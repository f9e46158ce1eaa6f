"""trace: the computational graph with numbers.

A scalar expression or a small program is split into elementary operations; each node has its
value and its gradient, each edge its local derivative. Nothing is differentiated here: the
gradients are those of :mod:`symbp.calculus.reverse`, the local derivatives those of
:mod:`symbp.calculus.partial`, and the interpreter gives the numbers.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from symbp.calculus.elementary import elementary
from symbp.calculus.interpreter import interpret
from symbp.calculus.norms import mark_norms
from symbp.calculus.partial import partial
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from symbp.derivations.graphs.computational import computational_graph
from symbp.derivations.graphs.graph import Graph
from symbp.derivations.trace_nodes import EvaluationTrace, Quantities, TraceEdge, TraceNode
from symbp.derivations.trace_program import of_program
from symbp.derivations.trace_stable import stable_gradients
from symbp.derivations.trace_text import latex_table, text_table
from symbp.derivations.trace_values import Scalars, of_expression, written_size
from symbp.notation.equation import Equation, Origin, elements_of
from symbp.notation.errors import NotationError, SymbpError
from symbp.notation.functions import operation_of
from symbp.notation.naming import fresh_name
from symbp.notation.parser import names_in, parse_formula
from symbp.notation.prime import expand_primes
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["Quantities", "Trace", "TraceEdge", "TraceNode", "trace"]


# A longer formula is not printed above its table.
LONGEST_FORMULA = 200


class Trace(EvaluationTrace):
    """A computation, node by node, forward and backward, that can be drawn and printed.

    Attributes
    ----------
    nodes : tuple of TraceNode
        What is given, then the operations in the order of the forward pass; the last is the
        result.
    edges : tuple of TraceEdge
        Each with its local derivative.
    gradient : Quantities
        The derivative of the result by symbol, name, tensor or element.
    values : Quantities
        The value of everything that has a name, likewise.
    backward : tuple of Equation
        What the reverse rule made, in the order of the backward pass.
    formula : str
        What was traced, if it is short.
    """

    def graph(self, digits: int = 2, local: bool = True) -> "Graph":
        """Return the graph to be drawn, values in green above and gradients in red below.

        Parameters
        ----------
        digits : int, default 2
            How many decimals, and how many significant digits at the least, numbers have.
        local : bool, default True
            Whether the local derivatives stand at the edges.
        """
        return computational_graph(self, digits, local)

    def text(self, digits: int = 6, limit: int = 200) -> str:
        """Return the walk forward and backward as a table in Unicode, for a terminal.

        Parameters
        ----------
        digits : int, default 6
            How many significant digits numbers have.
        limit : int, default 200
            How many lines each way; the rest is counted.
        """
        return text_table(self, digits, limit)

    def latex(self, digits: int = 6, limit: int = 200) -> str:
        """Return the same table as LaTeX without delimiters; parameters as for :meth:`text`."""
        return latex_table(self, digits, limit)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "image/svg+xml": self.graph().folded().svg(),
            "text/plain": self.text(limit=60),
        }

    def __str__(self) -> str:
        return self.text()


def trace(expr: Any, values: Mapping[Any, Any]) -> Trace:
    """Compute a formula or a small program node by node, forward and backward.

    Parameters
    ----------
    expr : SymPy expression or str or Program
        A scalar expression of symbols, a formula as text (see
        :func:`symbp.notation.parser.parse_formula`), or a program with a cost.
    values : mapping
        A number for each symbol, by itself or by its name; for a program an array for each
        input, target and parameter.

    Returns
    -------
    Trace
        Every elementary operation with its value, its local derivatives and its gradient. A
        program's gradients are those of its parameters and of its real inputs.

    Raises
    ------
    SymbpError
        A value is missing, not finite or of the wrong shape, a name is unknown, the formula
        cannot be read, or the graph is too large.

    Examples
    --------
    >>> t = trace("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    >>> t.value
    -12.0
    >>> t.gradient
    {x: -4.0, y: -4.0, z: 3.0}
    >>> print(t.node("v1").expression, "=", t.node("v1").value)
    x + y = 3.0
    """
    if not isinstance(values, Mapping):
        raise NotationError(f"trace: values: expected a dict of names to numbers, got {values!r}")
    try:
        if isinstance(expr, Program):
            return _traced(of_program(expr, values))
        if not isinstance(expr, str):
            return _traced(of_expression(expr, values))
        scalars = of_expression(parse_formula(expr), values, names_in(expr))
        return _traced(scalars, " ".join(expr.split()))
    except RecursionError:
        raise SymbpError("trace: the formula is nested too deep for SymPy") from None


def _traced(scalars: Scalars, written: str | None = None) -> Trace:
    program = elementary(scalars.program)
    formula = ""
    if len(scalars.program.equations) == 1:
        (equation,) = scalars.program.equations
        if written_size(equation.body) <= LONGEST_FORMULA:
            formula = f"{equation.lhs} = {written or equation.body}"
            formula = formula if len(formula) <= LONGEST_FORMULA else ""
    _check_users_functions(program)
    differentiated = reverse(program, scalars.varying)
    adjoints = {
        tensor.adjoint_of: tensor
        for tensor in differentiated.tensors
        if tensor.adjoint_of is not None
    }
    names = {tensor.name for tensor in differentiated.tensors}
    local = _local_derivatives(mark_norms(program), names)
    stable = stabilise(program)
    backward = differentiated.equations[len(program.equations) :]
    # The values are those of the stable program, and so are what the written steps back read.
    numbers = interpret(
        stable.replace(equations=(*stable.equations, *backward, *(e for _, _, e in local))),
        scalars.numbers,
    )
    gradients = {t: float(numbers[a.name]) for t, a in adjoints.items() if t is not None}
    gradients |= stable_gradients(program, stable, scalars, numbers, gradients)
    defined = {equation.tensor: equation.body for equation in program.equations}
    constant = _constant(program, set(scalars.varying))

    def gradient(tensor: Tensor) -> float | None:
        if tensor is program.cost:
            return 1.0
        if tensor in gradients:
            return gradients[tensor]
        return None if tensor in constant else 0.0

    def value(tensor: Tensor) -> float:
        return float(numbers[tensor.name] if tensor in defined else scalars.numbers[tensor.name])

    tensors = list(dict.fromkeys((*scalars.given, *defined)))
    if tensors[-1] is not program.cost:
        assert program.cost is not None
        tensors.remove(program.cost)
        tensors.append(program.cost)
    named = {*scalars.given, *(equation.tensor for equation in scalars.program.equations)}
    nodes = tuple(TraceNode(t, defined.get(t), value(t), gradient(t), t in named) for t in tensors)
    edges = tuple(
        TraceEdge(source.tensor.name, equation.tensor.name, local_equation.body,
                  float(numbers[local_equation.tensor.name]))
        for equation, source, local_equation in local
    )  # fmt: skip
    meaning = {**scalars.meaning}
    for tensor in defined:
        meaning |= {tensor.name: tensor, tensor: tensor, tensor[()]: tensor}
    count = len(program.equations)
    zeros = {tensor: np.zeros_like(array) for tensor, array in scalars.arrays.items()}
    return Trace(
        nodes,
        edges,
        Quantities(scalars, meaning, {n.tensor: n.gradient for n in nodes}, zeros),
        Quantities(scalars, meaning, {n.tensor: n.value for n in nodes}, scalars.arrays),
        differentiated.equations[count:],
        formula,
    )


def _local_derivatives(
    program: Program, names: set[str]
) -> list[tuple[Equation, Element, Equation]]:
    """Return, for each edge, its equation, its source and an equation of its derivative."""
    result: list[tuple[Equation, Element, Equation]] = []
    for equation in program.equations:
        for source in elements_of(equation.body):
            tensor = Tensor(fresh_name(f"local{len(result) + 1}", names))
            derivative = expand_primes(partial(equation.body, source))
            origin = Origin("local derivative", equation, source)
            result.append((equation, source, Equation(tensor[()], derivative, origin=origin)))
    return result


def _constant(program: Program, varying: set[Tensor]) -> set[Tensor]:
    """Return the tensors that do not depend on what varies."""
    moving = set(varying)
    constant: set[Tensor] = set()
    for equation in program.equations:
        read = {element.tensor for element in equation.reads()}
        constant |= {tensor for tensor in read if tensor not in moving}
        if read & moving:
            moving.add(equation.tensor)
        else:
            constant.add(equation.tensor)
    return constant


def _check_users_functions(program: Program) -> None:
    for equation in program.equations:
        for application in equation.body.atoms(sympy.Function):
            record = operation_of(type(application))
            if record.written_out and record.definition is not None:
                # As when it stands in an equation of the user's: its formula is read.
                Equation(equation.lhs, equation.body)
                break
