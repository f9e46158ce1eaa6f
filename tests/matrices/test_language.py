"""The language of formulas: read, refused in one line, printed, and read back."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.matrices.guard import compared
from symbp.matrices.parser import parse
from symbp.matrices.printing import latex, text
from symbp.matrices.shapes import Shapes
from tests.matrices import facts


@pytest.mark.parametrize(
    ("formula", "shapes", "message"),
    [
        ("", {}, "expected a formula, got nothing"),
        ("A*", {}, "expected a number, a name or '(', got 'the end'"),
        ("logdet(X", {}, "expected ')', got 'the end'"),
        ("x ? y", {}, "cannot read"),
        ("norm(x)", {}, "no function 'norm', did you mean 'normF' or 'norm2'"),
        ("nuclear(X)", {}, "its derivative needs singular vectors"),
        ("[A, B]*x", {}, "block matrices cannot be said"),
        ("X^T*X", {}, "the transpose of X is written X'"),
        ("x**2", {}, "a power is written ^ or .^"),
        ("trace(X)", {}, "the trace is tr"),
        ("A\\b", {}, "a linear system is written inv(A)*b"),
        ("norm2(y - kron(A, B)*w)", {"A": ("m", "n"), "B": ("p", "q")}, "write kron(A, B)*vec(X)"),
        ("kron(A)", {}, "kron takes 2 arguments, got 1"),
        ("A*x", {"A": ("m", "n"), "x": ("k",)}, "in A*x: the extents n and k differ"),
        ("x^2", {"x": ("n",)}, "^ is for scalars"),
        ("norm2(X)", {"X": ("m", "n")}, "the argument is a matrix, use normF"),
        ("det(A)", {"A": ("m", "n")}, "the extents m and n differ"),
        ("x'*x", {"y": ("n",)}, "there is no y in the formula"),
        ("x'*x", {"x": (1, 3)}, "a row is the transpose of a column"),
        ("x'*x", {"x": ("n", "m", "k")}, "expected () or up to two extents"),
        ("n*x'*x", {"n": (), "x": ("n",)}, "n is a symbol and an extent"),
        ("a*b", {}, "the shapes of a, b do not follow from the formula"),
    ],
)
def test_bad_input_gets_one_line(formula: str, shapes: dict[str, Any], message: str) -> None:
    with pytest.raises(bp.SymbpError) as error:
        bp.formula(formula, **shapes)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_requests_get_one_line() -> None:
    f = bp.formula("A*x", A=("m", "n"), x=("n",))
    with pytest.raises(bp.SymbpError, match="a gradient is of a scalar"):
        f.gradient("x")
    with pytest.raises(bp.SymbpError, match="variable 'y'"):
        f.jacobian("y")
    with pytest.raises(bp.SymbpError, match="a Jacobian is of a column"):
        bp.formula("A*X").jacobian("X")
    with pytest.raises(bp.SymbpError, match="a Jacobian is of a column; use a gradient"):
        bp.formula("x'*A*x").jacobian("x")
    with pytest.raises(bp.SymbpError, match="declare other shapes than x=\\(\\)"):
        bp.formula("(x - y)'*kron(A, B)*(x - y)").gradient("x")
    with pytest.raises(bp.SymbpError, match="assume=5"):
        bp.formula("x'*A*x", assume=5)  # type: ignore[arg-type]
    with pytest.raises(bp.SymbpError, match="did you mean 'symmetric'"):
        bp.formula("x'*A*x", assume={"A": "symetric"})
    with pytest.raises(bp.SymbpError, match="B is not in the formula"):
        bp.formula("x'*A*x", assume=["B symmetric"])
    with pytest.raises(bp.UnsupportedError, match="an index would be needed"):
        bp.formula("logdet(X)").hessian("X")


def test_shapes_follow_from_the_formula() -> None:
    f = bp.formula("norm2(A*x - b)^2 + c*norm1(x)")
    assert f.shapes == {"A": ("m", "n"), "x": ("n",), "b": ("m",), "c": ()}
    assert bp.formula("logdet(H*P*H' + R)").shapes["H"] == ("m", "n")


def test_assumptions_shorten_and_come_in_any_order() -> None:
    assert bp.formula("x'*A*x", assume={"A": "symmetric"}).gradient("x").ascii() == "2*A*x"
    assert bp.formula("tr(Q*X*Q')", assume={"Q": "orthogonal"}).gradient("X").ascii() == "eye"
    d = bp.formula("x'*D*x", assume={"D": "diagonal"})
    assert d.gradient("x").nodes <= 6
    one = bp.formula("a'*inv(X)*a", assume={"X": {"symmetric", "invertible"}})
    other = bp.formula("a'*inv(X)*a", assume={"X invertible", "X symmetric"})
    assert one.gradient("X").ascii() == other.gradient("X").ascii() == "-inv(X)*a*a'*inv(X)"


def test_a_variable_is_differentiated_as_if_its_entries_were_independent() -> None:
    # With entries that are tied together this would be A + A' less its diagonal.
    d = bp.formula("tr(A*X)", assume={"X": "symmetric"}).gradient("X")
    assert d.ascii() == "A'"


def test_undefined_functions_have_primes() -> None:
    f = bp.formula("sum(f(A*x))", functions=["f"])
    assert f.gradient("x").text() == "Aᵀ f′(A x)"
    assert f.gradient("x").latex() == "A^{T} f'(A x)"
    assert f.hessian("x").ascii() == "A'*diag(f''(A*x))*A"
    A, x = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([0.5, -1.0])
    gradient = f.gradient("x").function(f_prime=np.cos)
    assert np.allclose(gradient(A=A, x=x), A.T @ np.cos(A @ x))
    with pytest.raises(bp.SymbpError, match="f_prime"):
        f.gradient("x").function()


def test_expected_forms_print_as_in_the_table() -> None:
    same = total = 0
    for entry in facts.entries("formulas.toml"):
        f = facts.formula_of(entry)
        shapes = Shapes(f.shapes)
        node = shapes.infer(parse(entry["expected"]))
        total += 2
        same += text(node, shapes) == entry["text"]
        plain = latex(node, shapes).replace("{T}", "T").replace("{2}", "2")
        plain = plain.replace(r"\left", "").replace(r"\right", "")
        same += plain == entry["latex"].replace("{2}", "2")
    # Books write X⁻² and ‖x‖_c, for which the language has no form.
    assert same >= total - 6


def test_a_function_and_a_module_give_the_value(tmp_path: Path) -> None:
    d = bp.formula("log(sum(exp(A*x + b))) + n*norm2(x)", A=("m", "n"), x=("n",)).gradient("x")
    rng = np.random.default_rng(3)
    A, x, b = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=3)
    p = np.exp(A @ x + b)
    wanted = A.T @ (p / p.sum()) + 2 * x / np.linalg.norm(x)
    assert np.allclose(d.function()(A, x, b), wanted)
    (tmp_path / "derived.py").write_text(d.module(), encoding="utf-8")
    code = (
        "import derived, numpy as np\n"
        f"print(derived.derivative(np.array({A.tolist()}), {x.tolist()}, {b.tolist()}).tolist())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert np.allclose(np.fromstring(ran.stdout.strip()[1:-1], sep=","), wanted)
    with pytest.raises(bp.SymbpError, match="n is 2 elsewhere"):
        d.function()(A, rng.normal(size=3), b)


def test_sympy_expressions_are_formulas_too() -> None:
    m, n, c = sympy.symbols("m n c")
    A, x = sympy.MatrixSymbol("A", m, n), sympy.MatrixSymbol("x", n, 1)
    b, X = sympy.MatrixSymbol("b", m, 1), sympy.MatrixSymbol("X", n, n)
    residual = A * x - b
    f = bp.formula(residual.T * residual / 2)
    assert f.gradient("x").ascii() == "A'*(A*x - b)"
    assert bp.formula(sympy.log(sympy.Determinant(X)) + c).gradient("X").ascii() == "inv(X)'"
    assert bp.formula(sympy.Trace(X.inv() * X.T)).shapes == {"X": ("n", "n")}
    exp = x.applyfunc(sympy.exp)
    assert bp.formula(sympy.OneMatrix(1, n) * exp).gradient("x").ascii() == "exp(x)"
    with pytest.raises(bp.UnsupportedError, match="an entry of a matrix"):
        bp.formula(X[0, 0])
    with pytest.raises(bp.SymbpError, match="expected text or a SymPy expression"):
        bp.formula(3)


def test_a_wrong_derivative_is_not_shown() -> None:
    f = bp.formula("x'*A*x")
    wrong = bp.formula("A*x").jacobian("x")
    shapes = Shapes(f.shapes)
    with pytest.raises(bp.UnsupportedError, match="not shown"):
        compared(
            (f._shapes, f._node),
            (shapes, shapes.infer(parse("A*x"))),
            "x",
            f.shapes,
            wrong.formula._assumptions,
        )


@pytest.mark.parametrize("seed", ["0", "77"])
def test_the_answer_does_not_depend_on_the_hash_seed(seed: str) -> None:
    code = (
        "from symbp.matrices import formula\n"
        "f = formula('1/2*norm2(sigmoid(W*x + b) - y)^2')\n"
        "print(f.gradient('W').ascii(), f.gradient('x').ascii())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(bp.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == (
        "(sigmoid(W*x + b).*(sigmoid(W*x + b) - y).*(vector(1) - sigmoid(W*x + b)))*x' "
        "W'*(sigmoid(W*x + b).*(sigmoid(W*x + b) - y).*(vector(1) - sigmoid(W*x + b)))"
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not there")
def test_what_is_printed_compiles(tmp_path: Path) -> None:
    formulas = [facts.derivative_of(entry).latex() for entry in facts.entries("formulas.toml")]
    shown = "\n".join(f"\\[ {formula} \\]" for formula in formulas)
    document = (
        "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n"
        f"\\begin{{document}}\n{shown}\n\\end{{document}}\n"
    )
    (tmp_path / "formulas.tex").write_text(document, encoding="utf-8")
    ran = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "formulas.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:]
