"""Evaluates what is printed: the equations of a derivation, and expressions of matrices."""

from typing import Any

import numpy as np
import sympy

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.derivations import matrix_tree as tree
from symbp.derivations.derivation import Derivation
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element


def batched_names(program: bp.Program) -> set[str]:
    """Return the names of the tensors that have an axis of the batch."""
    return {tensor.name for tensor in program.tensors if program.batch in tensor.shape}


def gradients(program: bp.Program, values: dict[str, Any]) -> dict[str, Any]:
    """Return the cost and the gradients that reverse mode gives, by name."""
    differentiated = reverse(normalise(program))
    result = interpret(differentiated, values)
    found = {
        parameter.name: result[adjoint.name] for parameter, adjoint in differentiated.gradients
    }
    return {**found, "cost": result[program.cost.name]}


def printed_gradients(derivation: Derivation, values: dict[str, Any]) -> dict[str, Any]:
    """Return the same from the printed equations; averaged over the examples if they are of one."""
    program = normalise(derivation.printed_program)
    if not derivation.per_example:
        results = [interpret(program, values)]
    else:
        batched = {
            t.name for t in derivation.program.tensors if derivation.program.batch in t.shape
        }
        given = batched & values.keys()
        size = len(values[min(given)])
        results = [
            interpret(program, {k: v[n] if k in given else v for k, v in values.items()})
            for n in range(size)
        ]
    names = {p.name: a.name for p, a in derivation.gradients}
    names["cost"] = derivation.program.cost.name
    return {key: np.mean([r[name] for r in results], axis=0) for key, name in names.items()}


def assert_printed_is_derived(program: bp.Program, values: dict[str, Any]) -> Derivation:
    derivation = bp.derive(program)
    expected = gradients(program, values)
    printed = printed_gradients(derivation, values)
    assert printed.keys() == expected.keys()
    for name, value in expected.items():
        scale = max(1.0, float(np.max(np.abs(value))))
        np.testing.assert_allclose(printed[name], value, 1e-9, 1e-10 * scale, err_msg=name)
    return derivation


def matrix_value(node: tree.Matrix, values: dict[Any, Any], sizes: dict[Any, int]) -> Any:
    """Evaluate an expression of matrices with matrix products, as its notation is defined.

    A column is an array of shape (size, 1), a scalar one of shape (1, 1).
    """

    def value(part: tree.Matrix) -> Any:
        return matrix_value(part, values, sizes)

    match node:
        case tree.Named(tensor):
            array = np.asarray(values[tensor], dtype=float)
            return array.reshape(array.shape + (1,) * (2 - array.ndim))
        case tree.Ones(extent):
            return np.ones((sizes.get(extent, extent), 1))
        case tree.Scalar(expression):
            return _scalar(expression, values, sizes)
        case tree.Transpose(of):
            return value(of).T
        case tree.Diagonal(of):
            assert value(of).shape[1] == 1
            return np.diag(value(of)[:, 0])
        case tree.Product(factors):
            return (
                np.linalg.multi_dot([value(f) for f in factors])
                if len(factors) > 1
                else (value(factors[0]))
            )
        case tree.Hadamard(factors):
            arrays = [value(f) for f in factors]
            assert len({a.shape for a in arrays}) == 1
            return np.prod(arrays, axis=0)
        case tree.Divide(above, below):
            top, bottom = value(above), value(below)
            assert top.shape == bottom.shape or top.shape == (1, 1)
            return top / bottom
        case tree.Scale(by, of):
            assert value(by).shape == (1, 1)
            return value(by) * value(of)
        case tree.Plus(terms):
            arrays = [value(t) for t in terms]
            assert len({a.shape for a in arrays}) == 1
            return sum(arrays)
        case tree.Power(base, exponent):
            return value(base) ** float(exponent)
        case tree.Norm(of):
            return np.array([[np.sum(value(of) ** 2)]])
        case tree.Trace(of):
            return np.array([[np.trace(value(of))]])
        case tree.Apply(function, of, options, prime):
            return _applied(function, value(of), options, prime)
    raise AssertionError(node)


def _scalar(expression: Any, values: dict[Any, Any], sizes: dict[Any, int]) -> Any:
    known: dict[Any, Any] = {}
    for position, element in enumerate(expression.atoms(Element)):
        place = tuple(int(a) for a in element.args)
        known[element] = bp.constant(f"c{position}", float(values[element.tensor][place]))[()]
    known |= {symbol: sizes[symbol] for symbol in expression.free_symbols if symbol in sizes}
    result = bp.tensor("result")
    program = bp.Program([bp.Equation(result, expression.xreplace(known))])
    return interpret(program, {})["result"].reshape(1, 1)


def _applied(function: Any, x: Any, options: tuple[Any, ...], prime: bool) -> Any:
    if function == "softmax":
        return np.exp(x) / np.exp(x).sum()
    if function == "logsumexp":
        return np.array([[np.log(np.exp(x).sum())]])
    if function == "max":
        return np.array([[x.max()]])
    i, j = bp.indices("i j", *x.shape)
    given, result = bp.input("x", i, j), bp.tensor("f", i, j)
    application = function(given[i, j], *options)
    body = Prime(application) if prime else sympy.sympify(application)
    program = bp.Program([bp.Equation(result[i, j], body)])
    return interpret(program, {"x": x})["f"]
