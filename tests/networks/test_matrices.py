import numpy as np
import pytest
import sympy
from sympy import MatrixSymbol, OneMatrix, Symbol, Trace, hadamard_product

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.notation.errors import SymbpError, UnsupportedError
from tests.networks.numerics import (
    assert_gradients_match_differences,
    cost_at,
    gradients_of,
    random_values,
)

N = Symbol("N")
X, Y = MatrixSymbol("X", N, 4), MatrixSymbol("Y", N, 2)
W1, W2 = MatrixSymbol("W1", 3, 4), MatrixSymbol("W2", 2, 3)
b1, c = MatrixSymbol("b1", 3, 1), MatrixSymbol("c", 3, 1)
S, Q = MatrixSymbol("S", 3, 3), MatrixSymbol("Q", 3, 3)
lam = Symbol("lam")


def two_layers():
    hidden = (X * W1.T + OneMatrix(N, 1) * b1.T).applyfunc(sympy.tanh)
    return (hidden * W2.T).applyfunc(bp.sigmoid)


def two_layer_program(**options):
    error = two_layers() - Y
    cost = Trace(error.T * error) / (2 * N)
    return bp.from_matrices(cost, parameters=[W1, b1, W2], inputs=[X], targets=[Y], **options)


def test_the_two_layer_network_that_sympy_differentiates_wrongly():
    assert_gradients_match_differences(two_layer_program(), batch=5)


def test_the_two_layer_network_equals_the_network_of_dense_layers():
    dense = bp.Network([bp.Dense(3, "tanh"), bp.Dense(2, "sigmoid", bias=False)], input=4)
    values = random_values(dense, batch=5)
    given = {"X": values["x"], "Y": values["y"], "W1": values["W1"], "W2": values["W2"],
             "b1": values["b1"][:, None]}  # fmt: skip
    program = two_layer_program()
    assert cost_at(program, given) == pytest.approx(cost_at(dense, values), rel=1e-13)
    expected, gradients = gradients_of(dense, values), gradients_of(program, given)
    np.testing.assert_allclose(gradients["W1"], expected["W1"], rtol=1e-12)
    np.testing.assert_allclose(gradients["b1"][:, 0], expected["b1"], rtol=1e-12)


def test_what_is_written_twice_or_transposed_is_computed_once():
    error, again = two_layers() - Y, two_layers() - Y
    cost = Trace(error.T * again) / (2 * N)
    program = bp.from_matrices(cost, parameters=[W1, b1, W2], inputs=[X], targets=[Y])
    assert str(program) == str(two_layer_program())
    assert len(program.equations) == 6


def test_the_trace_of_a_gram_matrix_forms_no_matrix_of_examples_by_examples():
    error = two_layers() - Y
    cost = Trace(error * error.T) / (2 * N)
    program = bp.from_matrices(cost, parameters=[W1, b1, W2], inputs=[X], targets=[Y])
    assert all(sum(not isinstance(e, int) for e in t.shape) <= 1 for t in program.tensors)


def test_the_output_is_the_matrix_that_is_asked_for():
    program = two_layer_program(output=two_layers())
    values = random_values(program, batch=5)
    assert program.output is not None
    output = interpret(normalise(program), values)[program.output.name]
    hidden = np.tanh(values["X"] @ values["W1"].T + values["b1"].T)
    np.testing.assert_allclose(output, 1 / (1 + np.exp(-hidden @ values["W2"].T)), rtol=1e-12)
    # Without it nothing is predicted, rather than a matrix that merely comes last.
    assert two_layer_program().output is None


def numpy_trace_power(v):
    return np.trace(np.linalg.matrix_power(v["S"], 3) @ v["Q"])


EXPRESSIONS = {
    "trace of a product": (Trace(S * Q.T), lambda v: np.trace(v["S"] @ v["Q"].T)),
    "trace of a sum": (Trace(S + 2 * Q.T), lambda v: np.trace(v["S"] + 2 * v["Q"])),
    "trace times trace": (Trace(S) * Trace(S * Q), lambda v: np.trace(v["S"])
                          * np.trace(v["S"] @ v["Q"])),
    "quadratic form": (c.T * S * c, lambda v: (v["c"].T @ v["S"] @ v["c"]).item()),
    "element of a product": ((S * c)[1, 0] ** 2, lambda v: (v["S"] @ v["c"])[1, 0] ** 2),
    "element": (S[0, 2] * sympy.exp(Q[1, 1]), lambda v: v["S"][0, 2] * np.exp(v["Q"][1, 1])),
    "Hadamard": (Trace(hadamard_product(S, Q, Q) * S),
                 lambda v: np.trace((v["S"] * v["Q"] ** 2) @ v["S"])),
    "Hadamard power": (
        OneMatrix(1, 3) * sympy.HadamardPower(S * Q, 2) * OneMatrix(3, 1),
        lambda v: ((v["S"] @ v["Q"]) ** 2).sum(),
    ),
    "power": (Trace(S**3 * Q), numpy_trace_power),
    "identity": (Trace((S + 3 * sympy.Identity(3)) * Q),
                 lambda v: np.trace((v["S"] + 3 * np.eye(3)) @ v["Q"])),
    "zero": (Trace(S * Q + sympy.ZeroMatrix(3, 3)), lambda v: np.trace(v["S"] @ v["Q"])),
    "chain": (Trace(S * Q * S.T * Q * S), lambda v: np.trace(
        v["S"] @ v["Q"] @ v["S"].T @ v["Q"] @ v["S"])),
    "norm": (sympy.sqrt(1 + Trace(S.T * S)), lambda v: np.sqrt(1 + (v["S"] ** 2).sum())),
    "own lambda": (
        Trace((S * Q).applyfunc(lambda t: sympy.Max(0, t) + t**2) * Q),
        lambda v: np.trace(
            (np.maximum(0, v["S"] @ v["Q"]) + (v["S"] @ v["Q"]) ** 2) @ v["Q"]),
    ),
    "function of one by one": (
        Trace((c.T * S * c).applyfunc(sympy.exp)) + Trace(S),
        lambda v: np.exp(v["c"].T @ v["S"] @ v["c"]).item() + np.trace(v["S"]),
    ),
    "transpose of a sum": (Trace((S + Q.T).T * S), lambda v: np.trace(
        (v["S"] + v["Q"].T).T @ v["S"])),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_has_numpys_value_and_the_gradient_of_differences(name):
    cost, value = EXPRESSIONS[name]
    parameters = sorted(cost.atoms(MatrixSymbol), key=lambda symbol: symbol.name)
    program = bp.from_matrices(cost, parameters=parameters)
    values = {k: v / 2 for k, v in random_values(program, batch=1, seed=2).items()}
    assert cost_at(program, values) == pytest.approx(value(values), rel=1e-12)
    assert_gradients_match_differences(program, seed=2)


def test_scalars_are_parameters_or_constants():
    s = Symbol("s")
    cost = s * Trace(S) + lam * s**2
    program = bp.from_matrices(cost, parameters=[S, s], constants={lam: 0.5})
    values = random_values(program, batch=1)
    expected = values["s"] * np.trace(values["S"]) + 0.5 * values["s"] ** 2
    assert cost_at(program, values) == pytest.approx(expected, rel=1e-12)
    assert_gradients_match_differences(program)


def test_names_are_identifiers_and_print_as_written():
    theta = MatrixSymbol(r"\theta^{1}", 2, 2)
    program = bp.from_matrices(Trace(theta * theta), parameters=[theta])
    (tensor,) = program.parameters
    assert (tensor.name, tensor.symbol) == ("theta_1", r"\theta^{1}")


@pytest.mark.parametrize("name", ["M1", "C"])
def test_a_users_name_is_not_taken_by_an_intermediate(name):
    symbol = MatrixSymbol(name, 3, 3)
    program = bp.from_matrices(Trace(symbol * Q * symbol * Q), parameters=[symbol, Q])
    assert program.parameters[0].name == name
    assert_gradients_match_differences(program)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: bp.from_matrices(S * Q, parameters=[S, Q]), SymbpError, "expected a scalar"),
        (lambda: bp.from_matrices(Trace(S * Q), parameters=[S]), SymbpError, "Q is not declared"),
        (lambda: bp.from_matrices(Trace(S), parameters=[S, Q]), SymbpError,
         "parameter Q is unused"),
        (lambda: bp.from_matrices(Trace(S), parameters=[S], inputs=[X]), SymbpError,
         "input X is unused"),
        (lambda: bp.from_matrices(Trace(S), parameters=[S], inputs=[S]), SymbpError,
         "S is declared twice"),
        (lambda: bp.from_matrices(lam * Trace(S), parameters=[S]), SymbpError,
         "lam is not declared"),
        (lambda: bp.from_matrices(Trace(S.I), parameters=[S]), UnsupportedError, "inverse"),
        (lambda: bp.from_matrices(sympy.Determinant(S), parameters=[S]), UnsupportedError,
         "Determinant"),
        (lambda: bp.from_matrices(Trace(S * sympy.Matrix(3, 3, range(9))), parameters=[S]),
         UnsupportedError, "ImmutableDenseMatrix"),
        (lambda: bp.from_matrices(Trace(X.T * X), parameters=[X]), SymbpError,
         "parameter X: axis 0 is N, expected a positive int"),
        (lambda: bp.from_matrices(Trace(S * MatrixSymbol("Q", 3, 3)),
                                  parameters=[S, MatrixSymbol("Q", 4, 4)]), SymbpError,
         "Q stands in the cost with shape"),
        (lambda: bp.from_matrices(Trace(S), parameters=["S"]), SymbpError,
         "parameters: expected MatrixSymbols"),
        (lambda: bp.from_matrices(Trace(S), parameter=[S]), SymbpError,
         "no option 'parameter'; did you mean 'parameters'"),
        (lambda: bp.from_matrices(Trace(S), parameters=[S], constants={"lam": 1}), SymbpError,
         "constants: expected a dict of Symbols"),
        (lambda: bp.from_matrices(3.0, parameters=[S]), SymbpError, "expected a SymPy expression"),
        (lambda: bp.from_matrices(Trace(S), parameters=[S], output=lam), SymbpError,
         "output lam: expected"),
        (lambda: bp.from_matrices(Trace(S**20), parameters=[S]), UnsupportedError, "integer power"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(make, error, message):
    with pytest.raises(error, match=message) as raised:
        make()
    assert "\n" not in str(raised.value)
