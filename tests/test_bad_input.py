"""Bad input: one line that names the argument, or the documented result; never a wrong answer.

Arrays go through real emitted modules in both precisions (float64 is slow); what the entry points
do in general is tested in targets/numba/runtime/test_entry_points.py.
"""

import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.checking import module_comparison
from symbp.checking.check import random_values
from symbp.networks.activations import ACTIVATIONS
from tests.emitted_text import run_as_python

X = np.random.default_rng(1).normal(size=(6, 4))
Y = np.array([0, 1, 2, 0, 1, 2])
NAN = np.where(np.eye(6, 4), np.nan, X)


@pytest.fixture(scope="module", params=["float32", pytest.param("float64", marks=pytest.mark.slow)])
def module(request: pytest.FixtureRequest) -> ModuleType:
    # Just too large to be written out by element, which takes three times as long to compile.
    net = bp.mlp(4, 12, 3, activation="tanh", loss="softmax_cross_entropy")
    return bp.compile(net, bp.Momentum(0.1), dtype=request.param).module


def one_line(error: BaseException) -> str:
    message = str(error)
    assert message.strip() == message != ""
    assert "\n" not in message
    return message


# --- arrays and settings, through an emitted module --------------------------------------------

WRONG: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "columns": (lambda m, p: m.predict(p, X[:, :3]), r"x: .*\(N, 4\), got \(6, 3"),
    "axes": (lambda m, p: m.predict(p, X[0]), r"x: expected shape \(N, 4\), got"),
    "a scalar": (lambda m, p: m.predict(p, 1.0), r"x: .*\(N, 4\), got \(\)"),
    "object": (lambda m, p: m.predict(p, X.astype(object)), "x: .*dtype object"),
    "None": (lambda m, p: m.predict(p, None), "x: .*dtype object"),
    "complex": (lambda m, p: m.predict(p, X * 1j), "x: expected real numbers, got"),
    "text": (lambda m, p: m.predict(p, [["a"] * 4]), "x: expected real numbers"),
    "dates": (
        lambda m, p: m.predict(p, np.zeros((2, 4), "M8[s]")), "x: expected real"
    ),
    "ragged": (lambda m, p: m.predict(p, [[1.0] * 4, [2.0]]), "x: .*unequal"),
    "no rows": (lambda m, p: m.predict(p, X[:0]), "x: expected at least one row"),
    "fit without rows": (lambda m, p: m.Trainer().fit(X[:0], Y[:0]), "x: expected at least one"),
    "too many arrays": (lambda m, p: m.predict(p, X, Y), r"predict\(\) takes 2 .* 3 were given"),
    "too few arrays": (lambda m, p: m.gradient(p, X), r"gradient\(\) missing .*: 'y'"),
    "lengths": (lambda m, p: m.loss(p, X, Y[:5]), "y has 5 rows, x has 6"),
    "a label too large": (lambda m, p: m.loss(p, X, Y + 1), r"y\[2\] is 3, expec"),
    "a negative label": (lambda m, p: m.gradient(p, X, Y - 1), r"y\[0\] is -1"),
    "labels as floats": (lambda m, p: m.loss(p, X, Y + 0.0), r"y: .*got \(6,\) of f"),
    "no distribution": (lambda m, p: m.loss(p, X, np.ones((6, 3))), "sum of y"),
    "nan to train on": (lambda m, p: m.Trainer().fit(NAN, Y), r"x\[0, 0\] is nan, expected"),
    "inf to train on": (lambda m, p: m.Trainer().fit(X / 0, Y), r"x\[0, 0\] is -?inf, expected"),
    "nan to validate on": (
        lambda m, p: m.Trainer().fit(X, Y, validation=(NAN, Y)), r"validation x\[0, 0\] is nan"
    ),
    "too large for the precision": (
        lambda m, p: m.Trainer().fit(X.astype(np.longdouble) * np.longdouble("1e4000"), Y),
        r"x\[0, 0\] is -?inf, expected a finite",
    ),
    "batch size 0": (lambda m, p: m.Trainer().fit(X, Y, batch_size=0), "batch_size: .*least 1"),
    "batch size 2.0": (lambda m, p: m.Trainer().fit(X, Y, batch_size=2.0), "batch_size: .*an int"),
    "epochs -1": (lambda m, p: m.Trainer().fit(X, Y, epochs=-1), "epochs: .*least 0, got -1"),
    "epochs True": (lambda m, p: m.Trainer().fit(X, Y, epochs=True), "epochs: expected an integer"),
    "a hyperparameter": (
        lambda m, p: m.Trainer(learning_rat=1), "unknown hyperparameter learning_rat: did you mean"
    ),
    "a hyperparameter of text": (lambda m, p: m.Trainer(momentum="0.9"), "momentum: expected a"),
    "a hyperparameter of nan": (
        lambda m, p: m.Trainer(learning_rate=np.nan), "learning_rate: expected a finite number, got"
    ),
    "the shape of a parameter": (
        lambda m, p: m.predict(p._replace(W2=X), X), r"parameters.W2: .*\(3, 12"
    ),
    "a parameter too few": (
        lambda m, p: m.predict({"W1": X}, X), "parameters: expected W1, b1, W2, b2, got W1"
    ),
    "no parameters": (lambda m, p: m.predict(None, X), "parameters: expected Parameters, a"),
    "parameters of text": (
        lambda m, p: m.predict(("a", "b", "c", "d"), X), "parameters.W1: expected real numbers"
    ),
    "parameters to start from": (lambda m, p: m.Trainer(parameters=[X]), "parameters: .*4 arrays"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_named_in_one_line(module: ModuleType, case: str) -> None:
    call, message = WRONG[case]
    with pytest.raises((TypeError, ValueError)) as caught:
        call(module, module.initial_parameters())
    assert re.search(message, one_line(caught.value)), str(caught.value)


def layouts() -> dict[str, Any]:
    big = np.full((12, 8), 9.0)
    big[::2, ::2] = X
    flipped = X[::-1, ::-1].copy()
    readonly = X.copy()
    readonly.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(np.float64).reshape(X.shape)
    return {
        "Fortran": np.asfortranarray(X),
        "strided": big[::2, ::2],
        "reversed": flipped[::-1, ::-1],
        "read-only": readonly,
        "unaligned": unaligned,
        "big-endian": X.astype(">f8"),
        "transposed": np.ascontiguousarray(X.T).T,
        "lists": X.tolist(),
        "a subclass": X.view(np.matrix),
        "longdouble": X.astype(np.longdouble),
    }


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("layout", layouts())
def test_the_layout_of_an_array_changes_no_number(module: ModuleType, layout: str) -> None:
    array, parameters = layouts()[layout], module.initial_parameters(3)
    expected, gradients = module.predict(parameters, X), module.gradient(parameters, X, Y)
    np.testing.assert_array_equal(module.predict(parameters, array), expected)
    cost, found = module.gradient(parameters, array, Y)
    assert cost == gradients[0]
    for a, b in zip(found, gradients[1], strict=True):
        np.testing.assert_array_equal(a, b)
    before = np.array(array)
    module.Trainer().fit(array, Y, epochs=1, batch_size=4)
    np.testing.assert_array_equal(np.array(array), before)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", ">i4"])
def test_real_dtypes_are_converted(module: ModuleType, dtype: str) -> None:
    array, parameters = (X > 0).astype(dtype), module.initial_parameters()
    found = module.predict(parameters, array)
    np.testing.assert_array_equal(found, module.predict(parameters, (X > 0).astype(float)))
    assert found.dtype == module.DTYPE


def test_a_masked_array_is_refused_where_a_value_is_missing(module: ModuleType) -> None:
    parameters = module.initial_parameters()
    whole = np.ma.masked_array(X, mask=np.zeros(X.shape, bool))
    np.testing.assert_array_equal(module.predict(parameters, whole), module.predict(parameters, X))
    with pytest.raises(ValueError, match="x: some entries are masked") as caught:
        module.predict(parameters, np.ma.masked_array(X, mask=np.eye(6, 4, 2)))
    one_line(caught.value)


def test_labels_and_one_hot_rows_are_the_same_target(module: ModuleType) -> None:
    parameters = module.initial_parameters(2)
    assert module.loss(parameters, X, Y) == module.loss(parameters, X, np.eye(3)[Y])
    assert module.loss(parameters, X, Y.astype(">u2")) == module.loss(parameters, X, Y.tolist())


def test_a_batch_larger_than_the_data_is_all_of_it(module: ModuleType) -> None:
    one = module.Trainer(seed=1).fit(X, Y, epochs=3, batch_size=10**9)
    other = module.Trainer(seed=1).fit(X, Y, epochs=3, batch_size=6)
    assert one._flat.tobytes() == other._flat.tobytes()


def test_no_epochs_change_nothing(module: ModuleType) -> None:
    trainer = module.Trainer(seed=1)
    before = trainer._flat.copy()
    assert trainer.fit(X, Y, epochs=0).history == []
    np.testing.assert_array_equal(trainer._flat, before)


def test_nan_and_infinity_stay_in_their_rows(module: ModuleType) -> None:
    parameters, x = module.initial_parameters(), X.copy()
    x[1, 2], x[3, 0] = np.nan, np.inf
    output = module.predict(parameters, x)
    expected = module.predict(parameters, X)
    assert np.isnan(output[1]).all()
    np.testing.assert_array_equal(output[[0, 2, 4, 5]], expected[[0, 2, 4, 5]])
    cost, gradients = module.gradient(parameters, x, Y)
    assert np.isnan(cost)
    assert np.isnan(gradients.W1).any()


def test_a_diverging_training_warns(module: ModuleType) -> None:
    with pytest.warns(RuntimeWarning, match=r"the cost is (nan|inf) in epoch \d+, with .*_rate="):
        module.Trainer(learning_rate=float(np.finfo(module.DTYPE).max) / 2).fit(X, Y, epochs=20)


def test_two_threads_get_what_each_asked_for(module: ModuleType) -> None:
    generator = np.random.default_rng(0)
    work = []
    for seed in range(4):
        x, y = generator.normal(size=(50 + seed, 4)), generator.integers(0, 3, 50 + seed)
        parameters = module.initial_parameters(seed)
        cost, gradients = module.gradient(parameters, x, y)
        work.append((parameters, x, y, module.predict(parameters, x), cost, gradients))
    wrong: list[Any] = []

    def run(parameters: Any, x: Any, y: Any, output: Any, cost: float, gradients: Any) -> None:
        for _ in range(300):
            same = np.array_equal(module.predict(parameters, x), output)
            found_cost, found = module.gradient(parameters, x, y)
            same &= found_cost == cost
            same &= all(np.array_equal(a, b) for a, b in zip(found, gradients, strict=True))
            if not same:
                wrong.append(cost)

    threads = [threading.Thread(target=run, args=item) for item in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- saved files -------------------------------------------------------------------------------


def test_a_file_that_is_no_saved_training_says_so(module: ModuleType, tmp_path: Path) -> None:
    saved, path = tmp_path / "saved.npz", tmp_path / "other.npz"
    module.Trainer().fit(X, Y).save(saved)
    whole = saved.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"hello",
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:200] + bytes([whole[200] ^ 255]) + whole[201:],
    }
    for data in damaged.values():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"other\.npz: not a saved trainer of this") as caught:
            module.Trainer.load(path)
        one_line(caught.value)
    with pytest.raises(FileNotFoundError):
        module.Trainer.load(tmp_path / "nothing.npz")
    with pytest.raises(FileNotFoundError, match=r"nowhere/a\.npz'$"):
        module.Trainer().save(tmp_path / "nowhere" / "a.npz")


def test_a_file_of_another_precision_is_refused(tmp_path: Path) -> None:
    net = bp.mlp(2, 1)
    one, other = (bp.compile(net, bp.Momentum(0.1), dtype=d) for d in ("float32", "float64"))
    one.save(tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"saved by program [0-9a-f]{16}, this is [0-9a-f]{16}"):
        type(other).load(tmp_path / "one.npz")


# --- NaN through every activation --------------------------------------------------------------


def test_nan_goes_through_every_activation() -> None:
    n = bp.Index("n", "N")
    x, out, C = bp.input("x", n), bp.tensor("out", n), bp.tensor("C")
    equations, total = [], sympy.S.Zero
    for name, function in sorted(ACTIVATIONS.items()):
        a = bp.tensor(f"a_{name}", n)
        equations.append(bp.Equation(a[n], function(bp.parameter(f"w_{name}") * x[n])))
        total += a[n]
    equations += [bp.Equation(out[n], total), bp.Equation(C, bp.Mean(out[n] ** 2, n))]
    module = bp.compile(bp.Program(equations, cost=C, output=out)).module
    weights = dict.fromkeys(module.Parameters._fields, 0.5)
    assert np.isfinite(module.predict(weights, [1.0])).all()
    for name in weights:
        broken = {**weights, name: np.nan}
        assert np.isnan(module.predict(broken, [1.0])).all(), name
        assert np.isnan(module.loss(broken, [1.0])), name
    cost, gradients = module.gradient(weights, [1.0, np.nan])
    assert np.isnan(cost)
    assert not [name for name, g in gradients._asdict().items() if not np.isnan(g)]


# --- names and options that are not known ------------------------------------------------------

NET = bp.mlp(2, 1)
UNKNOWN: dict[str, tuple[Callable[[], Any], str]] = {
    "activation": (lambda: bp.mlp(2, 1, activation="sigmod"), "did you mean 'sigmoid'"),
    "cost": (lambda: bp.mlp(2, 1, loss="quadratc"), "did you mean 'quadratic'"),
    "option of mlp": (lambda: bp.mlp(2, 1, los="quadratic"), "did you mean 'loss'"),
    "option of Dense": (lambda: bp.Dense(3, unit=2), "did you mean 'units'"),
    "layer": (lambda: bp.Network(["Dens"], input=2), "did you mean 'Dense'"),
    "optimizer": (lambda: bp.compile(NET, "adm"), "optimizer 'adm': expected an instance such as"),
    "no optimizer": (lambda: bp.compile(NET, 3), "optimizer 3: expected an instance such as"),
    "option of Adam": (lambda: bp.Adam(0.1, beta3=0.9), "did you mean 'beta2'"),
    "learning rate": (lambda: bp.SGD(-1), "SGD learning_rate: expected a number > 0, got -1"),
    "dtype": (lambda: bp.compile(NET, dtype="float16"), "did you mean 'float64' or 'float32'"),
    "form": (lambda: bp.derive(NET).latex(form="matirx"), "did you mean 'matrix'"),
    "parameter": (lambda: bp.derive(NET).gradient("W9"), "did you mean 'W1'"),
    "option of a tensor": (lambda: bp.parameter("p", symbl="q"), "did you mean 'symbol'"),
    "array to check": (lambda: bp.check(NET, {"X": 1}), "no array 'X' in this program; known: W1"),
    "initial": (lambda: bp.parameter("p", initial=("norml", 1)), "expected ('normal', standard"),
    "function": (
        lambda: bp.Equation(bp.tensor("a"), sympy.LambertW(bp.parameter("p"))),
        "function LambertW: give it a value in terms of known functions",
    ),
    "program to derive": (lambda: bp.derive(3), "expected a Program or Network, got int"),
    "program to check": (lambda: bp.check("x"), "expected a Program or Network, got str"),
    "program to compile": (lambda: bp.compile(None), "expected a Program or Network, got NoneType"),
    "equations": (lambda: bp.Program(3), "a program takes a list of equations, got 3"),
    "constant": (lambda: bp.constant("c", float("nan")), "expected a finite number, got nan"),
    "file": (lambda: bp.load_module("nowhere.py"), "nowhere.py: no such file"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_is_answered_with_what_is(case: str) -> None:
    call, message = UNKNOWN[case]
    with pytest.raises(bp.SymbpError) as caught:
        call()
    assert message in one_line(caught.value)


def test_a_name_that_symbp_lacks() -> None:
    with pytest.raises(AttributeError, match="module 'symbp' has no attribute 'sigmod'"):
        bp.sigmod  # noqa: B018


def test_a_module_that_cannot_be_written_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere/module\.py'$"):
        bp.generate(NET, tmp_path / "nowhere" / "module.py")
    with pytest.raises(IsADirectoryError, match=re.escape(f"'{tmp_path}'")):
        bp.generate(NET, tmp_path)
    assert not list(tmp_path.iterdir())


# --- programs of a hostile user ----------------------------------------------------------------


def net(function: Callable[[Any], Any]) -> bp.Program:
    """Return a program that squares an elementwise function of a linear layer."""
    n, i, j = bp.indices("n i j", "N", 3, 2)
    x, y, W = bp.input("x", n, i), bp.target("y", n, j), bp.parameter("W", j, i)
    z, a, C = bp.tensor("z", n, j), bp.tensor("a", n, j), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(C, bp.Mean((a[n, j] - y[n, j]) ** 2, n, j)),  # in no useful order
            bp.Equation(a[n, j], function(z[n, j])),
            bp.Equation(z[n, j], bp.Sum(W[j, i] * x[n, i], i)),
        ],
        cost=C,
    )


def own(name: str, *rules: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda z: bp.function(name, *rules, **options)(z)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "code as a name": (lambda: bp.tensor("__import__('os')"), "expected an identifier"),
    "a line break in a name": (lambda: bp.tensor("a\nb"), "expected an identifier"),
    "a Python word": (lambda: bp.parameter("lambda"), "parameter lambda: expected a name that"),
    "an underscore": (lambda: bp.parameter("_fields"), "parameter _fields: expected a name that"),
    "a letter that Python reads as two": (lambda: bp.tensor("ﬁ"), "Python would read 'fi'"),
    "a line break in an index": (lambda: bp.Index("a\nb", 3), "a name of printable characters"),
    "a line break in a symbol": (lambda: bp.tensor("a", symbol="b\n"), "expected printable text"),
    "a number as symbol": (lambda: bp.tensor("a", symbol=3), "symbol 3: expected printable text"),
    "infinity": (lambda: net(lambda z: z * sympy.oo), "infinity is no number to compute with"),
    "a number too large": (lambda: net(lambda z: z * 10**400), "1.000E+400 is too large for a"),
    "an undefined value": (lambda: net(lambda z: z + sympy.log(0)), "zoo is not a real number"),
    "a complex power": (lambda: net(lambda z: z * (-1) ** sympy.Rational(1, 3)), "not a real"),
    "an unevaluated node": (
        lambda: net(sympy.UnevaluatedExpr), "UnevaluatedExpr of SymPy has no place in an equation"
    ),
    "a formula that raises": (
        lambda: net(own("f", lambda a: 1 / 0)), "function f: it raised ZeroDivisionError: division"
    ),
    "a formula of text": (lambda: net(own("f", lambda a: "a")), "function f: expected an expr"),
    "a formula of what is not known": (
        lambda: net(own("f", lambda a: sympy.Function("g")(a))), "is an undefined function"
    ),
    "a formula with a free symbol": (
        lambda: net(own("f", lambda a: a * sympy.Symbol("q"))), "symbol q is not declared"
    ),
    "no formula": (lambda: bp.function("f", 3), "function f: value: expected a function, got 3"),
    "a derivative too few": (
        lambda: net(lambda z: bp.function("f", max, lambda a, b: a, arguments=2)(z, z)),
        "derivative of f: expected 2 partial derivatives",
    ),
    "a derivative with a jump": (
        lambda: net(own("f", lambda a: a, lambda a: sympy.Heaviside(a))), "function Heaviside: give"
    ),
    "no cost": (lambda: bp.compile(bp.Program([])), "the program has no cost"),
    "no parameters": (
        lambda: bp.compile(bp.Program([bp.Equation(c := bp.tensor("c"), 3)], cost=c)),
        "the program has no parameters, there is nothing to train",
    ),
    "a number too large for the precision": (
        lambda: bp.compile(net(lambda z: z + 1e300), dtype="float32"), "is too large for float32"
    ),
    "a cost that is not finite": (
        lambda: bp.check(net(lambda z: sympy.log(-1 - z**2))), "nothing to compare: the cost is nan"
    ),
}  # fmt: skip


def recursive() -> Any:
    made = bp.function("f", lambda a: made(a) + 1)
    return net(made)


REFUSED["a formula of itself"] = (recursive, "the formula of f holds f itself")


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_meaning_is_refused_in_one_line(case: str) -> None:
    call, message = REFUSED[case]
    with pytest.raises(bp.SymbpError) as caught:
        call()
    assert message in one_line(caught.value)


def chosen(functions: dict[str, Callable[[Any], Any]]) -> bp.Program:
    """Return one program with a weight for each function, so that one module tests them all."""
    n = bp.Index("n", "N")
    x, y, C = bp.input("x", n), bp.target("y", n), bp.tensor("C")
    equations, total = [], sympy.S.Zero
    for position, function in enumerate(functions.values()):
        w, z, a = (
            bp.parameter(f"w{position}"),
            bp.tensor(f"z{position}", n),
            bp.tensor(f"a{position}", n),
        )
        equations += [bp.Equation(z[n], w * x[n]), bp.Equation(a[n], function(z[n]))]
        total += bp.Mean((a[n] - y[n]) ** 2, n)
    return bp.Program([*equations, bp.Equation(C, total)], cost=C)


g = bp.function("g", lambda a: a**2 * sympy.sin(a))
POWERS: dict[str, Callable[[Any], Any]] = {
    **{f"to the {p}": (lambda z, p=p: z**p) for p in range(1, 8)},
    "reciprocal": lambda z: (z**2 + 1) ** -1,
    "root": lambda z: sympy.sqrt(z**2 + 1),
    "inverse root": lambda z: 1 / sympy.sqrt(z**2 + 2),
    "halves": lambda z: (z**2 + 1) ** sympy.Rational(-5, 2),
    "variable exponent": lambda z: (z**2 + 1) ** z + 2**z,
    "huge and tiny": lambda z: 1e-300 * (z * 1e300),
    "rational and pi": lambda z: z / 3 + sympy.pi * z**2 + sympy.E,
    "a rational of huge numbers": lambda z: z * sympy.Rational(10**400, 10**400 + 1),
}  # fmt: skip
CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "nested": lambda z: bp.where(
        z > 0, bp.where(z > 1, z**2, z), bp.where(z < -1, sympy.sin(z), 2 * z)
    ),
    "and, or, not": lambda z: bp.where(
        sympy.And(z > 0, z < 1), z**2, bp.where(sympy.Or(z < -1, sympy.Not(z < 3)), 3, z)
    ),
    "pieces": lambda z: sympy.Piecewise((z, z > 0), (z**3, z > -1), (0, True)),
    "most and least": lambda z: sympy.Max(z, -0.5, sympy.Min(2 * z, 1)),
    "two arguments": lambda z: bp.function(
        "f", lambda a, b: a * sympy.tanh(b), arguments=2
    )(z, z**2),
    "two arguments with a derivative": lambda z: bp.function(
        "f", lambda a, b: a * b, lambda a, b: (b, a), arguments=2
    )(z, sympy.sin(z)),
    "a function of a function": lambda z: bp.function("f", lambda a: g(a) + sympy.Max(a, 0))(z),
    "pieces in a function": own("f", lambda a: sympy.Piecewise((a**2, a > 0), (a, True))),
    "the name of another": own("tanh", lambda a: a**3),
}  # fmt: skip


@pytest.fixture(params=["as Python", pytest.param("compiled", marks=pytest.mark.slow)])
def checked_module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a check run the text of its module as Python in every run: compiling takes seconds."""
    if request.param == "as Python":
        monkeypatch.setattr(module_comparison, "compile", run_as_python)


# Every other one in every run.
@pytest.mark.usefixtures("checked_module")
@pytest.mark.parametrize("first", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("listed", [POWERS, CONDITIONS], ids=["powers", "conditions"])
def test_unusual_formulas_are_right(listed: dict[str, Callable[[Any], Any]], first: int) -> None:
    functions = dict(list(listed.items())[first::2])
    report = bp.check(chosen(functions), seed=3)
    wrong = [
        name
        for position, name in enumerate(functions)
        if not report.differences[f"w{position}"] <= 1e-6
        or not report.module[f"w{position}"] <= 1e-11
    ]
    assert not wrong, str(report)


def hostile(batch: str, names: str, text: str = "") -> bp.Program:
    """Return a program whose tensors have the given names, and print as the given text."""
    one, two, three, x_, y_, w_, b_, z_, a_, c_ = names.split()
    n, i, j = bp.Index(one, batch), bp.Index(two, 12), bp.Index(three, 8)
    style = {"symbol": text or None, "label": text or None}
    x, y = bp.input(x_, n, i, **style), bp.target(y_, n, j, **style)
    W, b = bp.parameter(w_, j, i, **style), bp.parameter(b_, j, adjoint_symbol=text or None)
    z, a, C = bp.tensor(z_, n, j, **style), bp.tensor(a_, n, j), bp.tensor(c_, **style)
    return bp.Program(
        [
            bp.Equation(z[n, j], sympy.exp(-(bp.Sum(W[j, i] * x[n, i], i) ** 2)) + b[j]),
            bp.Equation(a[n, j], bp.sigmoid(z[n, j])),
            bp.Equation(C, bp.Mean((a[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


LOCALS = hostile("real", "N np gemm start order gradients parameters x_all batch_size v")
WORDS = hostile("class", "for x x x_2 k0 print π lambda __import__ None")
DERIVED = hostile("N", "n i j W_next learning_rate W W_velocity W_bar momentum C_bar")
QUOTES = hostile("N", "n i j x y W b z a C", 'a\'b"c\\d"""f{g}%s#$;__import__(\'os\')')


@pytest.mark.parametrize(
    "program", [LOCALS, WORDS, DERIVED, QUOTES], ids=["locals", "words", "derived", "quotes"]
)
def test_names_and_symbols_change_no_number(program: bp.Program) -> None:
    plain = hostile("N", "n i j x y W b z a C")
    values = random_values(plain)
    arrays = [values[name] for name in ("x", "y")]
    parameters = [values[name] for name in ("W", "b")]
    expected = bp.compile(plain).module.gradient(parameters, *arrays)
    trainer = bp.compile(program, bp.Momentum(0.1))
    cost, gradients = trainer.module.gradient(parameters, *arrays)
    assert cost == expected[0]
    for a, b in zip(gradients, expected[1], strict=True):
        np.testing.assert_array_equal(a, b)
    derivation = bp.derive(program)
    assert derivation.text()
    assert derivation.latex(form="index")


def only_a_scalar() -> bp.Program:
    a, b, C = bp.parameter("a"), bp.parameter("b"), bp.tensor("C")
    return bp.Program([bp.Equation(C, (a - 1) ** 2 + a * b**2)], cost=C)


def extents_of_one() -> bp.Program:
    n, i, j = bp.indices("n i j", 1, 1, 1)
    x, y, W = bp.input("x", n, i), bp.target("y", n, j), bp.parameter("W", j, i)
    z, C = bp.tensor("z", n, j), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(z[n, j], bp.Sum(W[j, i] * x[n, i], i)),
            bp.Equation(C, bp.Sum((z[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


def batch_in_the_target_only() -> bp.Program:
    n, j = bp.indices("n j", "N", 3)
    x, y, b = bp.input("x", j), bp.target("y", n, j), bp.parameter("b", j)
    a, C = bp.tensor("a", j), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(a[j], sympy.tanh(b[j] * x[j])),
            bp.Equation(C, bp.Mean((a[j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


def constants_a_penalty_and_what_nothing_needs() -> bp.Program:
    n, i = bp.indices("n i", "N", 3)
    x, y, q = bp.input("x", n, i), bp.target("y", n), bp.input("q", n)
    w, u = bp.parameter("w", i), bp.parameter("u", i)
    c, k, d, z, C = (
        bp.tensor("c", i), bp.tensor("k"), bp.tensor("d", n), bp.tensor("z", n), bp.tensor("C")
    )  # fmt: skip
    penalty = bp.Sum(u[i] ** 2 + w[i] ** 2, i)
    return bp.Program(
        [
            bp.Equation(c[i], 2),
            bp.Equation(k, sympy.Rational(1, 3)),
            bp.Equation(z[n], bp.Sum(c[i] * w[i] * x[n, i], i) + k),
            bp.Equation(d[n], q[n] ** 2),
            bp.Equation(C, bp.Mean((z[n] - y[n]) ** 2, n) + penalty),
        ],
        cost=C,
        output=z,
    )


def mask_of_infinity() -> bp.Program:
    n, t, s = bp.indices("n t s", "N", 4, 4)
    x, y, W = bp.input("x", n, t), bp.target("y", n, t), bp.parameter("W", t, s)
    P, o, C = bp.tensor("P", n, t, s), bp.tensor("o", n, t), bp.tensor("C")
    scores = bp.where(s <= t, W[t, s] * x[n, s], -sympy.oo)
    return bp.Program(
        [
            bp.Equation(P[n, t, s], bp.softmax(scores, s)),
            bp.Equation(o[n, t], bp.Sum(P[n, t, s] * x[n, s], s)),
            bp.Equation(C, bp.Mean((o[n, t] - y[n, t]) ** 2, n, t)),
        ],
        cost=C,
    )


@pytest.mark.usefixtures("checked_module")
@pytest.mark.parametrize(
    "make",
    [
        only_a_scalar,
        extents_of_one,
        batch_in_the_target_only,
        constants_a_penalty_and_what_nothing_needs,
        mask_of_infinity,
        lambda: bp.mlp(1, 1),
        lambda: bp.mlp(3, 1, loss="softmax_cross_entropy"),
        lambda: bp.mlp(*[2] * 4, activation="tanh"),
        lambda: bp.mlp(3, 40, 2, activation="relu"),
        pytest.param(lambda: bp.mlp(*[2] * 7, activation="tanh"), marks=pytest.mark.slow),
        pytest.param(lambda: bp.mlp(3, 200, 2, activation="relu"), marks=pytest.mark.slow),
        pytest.param(lambda: bp.mlp(3, 2000, 2, activation="relu"), marks=pytest.mark.slow),
    ],
    ids=[
        "scalar",
        "ones",
        "batch",
        "constants",
        "mask",
        "1-1",
        "one-class",
        "deep",
        "wide",
        "deeper",
        "wider",
        "widest",
    ],
)
def test_unusual_programs_are_right(make: Callable[[], bp.Program]) -> None:
    program = make()
    report = bp.check(program)
    assert report.passed, str(report)
    assert bp.derive(program).text()
