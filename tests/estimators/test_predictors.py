"""Predictors: one file that reads a table as it was, and says what the estimator says."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

import symbp as bp
from symbp.sklearn import SymbpClassifier, SymbpRegressor, SymbpTransformer, export
from symbp.sklearn.exporting import _after, _Table
from symbp.targets.numba.runtime.likelihood import Likelihood
from symbp.targets.numba.runtime.predicting import Columns, Predictor
from symbp.targets.preparation import Feature, literal

HOSTILE = 'fe"""male\\\n\'); import os #'
GENERATOR = np.random.default_rng(0)


def people(count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of age (with gaps), sex, fare and port (with gaps), and a class of text."""
    age = GENERATOR.normal(30, 10, count)
    sex = GENERATOR.choice(["male", HOSTILE], count)
    rows = np.empty((count, 4), dtype=object)
    rows[:, 0], rows[:, 1] = age, sex
    rows[:, 2], rows[:, 3] = GENERATOR.exponential(20, count), GENERATOR.choice(list("SCQ"), count)
    rows[::9, 0], rows[::11, 3] = np.nan, np.nan
    return rows, np.where(age + 20 * (sex == "male") > 42, HOSTILE, "died")


def prepared() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    return ColumnTransformer([("n", numbers, [0, 2]), ("w", words, [1, 3])], sparse_threshold=0)


def features(table: _Table, rows: Any) -> np.ndarray:
    made = [(f.column, f.kind, f.detail, f.fill, f.steps) for f in table.features]
    return Columns((), 4, made, table.known).apply(rows, np.dtype("float64"))


def test_a_table_is_prepared_as_by_the_transformers() -> None:
    rows, _ = people()
    transformer = prepared().fit(rows)
    start = _Table(tuple(map(Feature, range(4))), (), {})
    found = features(_after(transformer, start), rows)
    assert (found == transformer.transform(rows).astype(float)).all()
    # With and without what is mixed into arrays of text, of objects and of lists.
    assert (found == features(_after(transformer, start), rows.tolist())).all()


@pytest.mark.parametrize(
    "scaler", [StandardScaler(with_mean=False), MinMaxScaler((-1, 3)), MaxAbsScaler(),
               RobustScaler()],
    ids=lambda scaler: type(scaler).__name__,
)  # fmt: skip
def test_scalers_and_codes(scaler: Any) -> None:
    rows = np.c_[GENERATOR.normal(5, 3, (30, 3)), GENERATOR.integers(0, 4, 30)]
    columns = ColumnTransformer(
        [("s", scaler, [2, 0]), ("o", OrdinalEncoder(), [3]), ("d", "drop", [1])]
    )
    whole = Pipeline([("c", columns), ("p", "passthrough"), ("s", StandardScaler())]).fit(rows)
    table = _after(whole, _Table(tuple(map(Feature, range(4))), (), {}))
    np.testing.assert_allclose(features(table, rows), whole.transform(rows), rtol=1e-14)


def test_what_mixes_features_is_refused(tmp_path: Path) -> None:
    with pytest.raises(bp.UnsupportedError, match="export: PCA is none of StandardScaler"):
        _after(PCA(2), _Table(tuple(map(Feature, range(4))), (), {}))
    with pytest.raises(bp.UnsupportedError, match="expected an estimator of symbp"):
        export(StandardScaler(), tmp_path / "p.py")


def columns(**changes: Any) -> Columns:
    table = [
        (0, "number", None, changes.get("fill"), (("-", 1.0), ("/", 2.0))),
        (1, "is", "a", None, ()),
        (1, "is", "b", None, ()),
    ]
    return Columns(("size", "kind"), 2, table, {1: ("a", "b")})


def test_tables_come_as_rows_as_a_row_and_as_columns() -> None:
    expected = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    read, dtype = columns(), np.dtype("float64")
    assert read.apply([[3, "b"], [1, "a"]], dtype).tolist() == expected
    assert read.apply([["3", "b"], ["1", "a"]], dtype).tolist() == expected
    assert (
        read.apply({"kind": ["b", "a"], "size": [3, 1], "more": [0, 0]}, dtype).tolist() == expected
    )
    assert read.apply([3, "b"], dtype).tolist() == expected[:1]
    assert read.apply({"size": 3, "kind": "b"}, dtype).tolist() == expected[:1]
    filled = columns(fill=3.0)
    for gap in (None, float("nan"), "", np.float32("nan")):
        assert filled.apply([[gap, "b"]], dtype).tolist() == expected[:1]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[None, "a"]], "x: row 0, column 'size' is None, expected a number: there was no gap in "),
        ([[1, "a"], [2, "c"]], "x: row 1, column 'kind' is 'c', expected one of 'a', 'b'"),
        ([[1, None]], "x: row 0, column 'kind' is None, expected one of 'a', 'b'"),
        ([["x", "a"]], "x: row 0, column 'size' is 'x', expected a number"),
        ([[float("inf"), "a"]], "x: row 0, column 'size' is inf, expected a finite number"),
        ([[1, "a", 2]], r"x: expected shape \(N, 2\), got \(1, 3\)"),
        ({"size": [1]}, "x: no column 'kind'; expected size, kind"),
        ({"size": [1, 2], "kind": ["a"]}, "x: expected columns of one length"),
        (np.empty((0, 2)), "x: expected at least one row"),
    ],
)
def test_bad_tables_are_refused_by_row_and_column(table: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        columns().apply(table, np.dtype("float64"))


def test_probabilities_do_not_overflow() -> None:
    outputs = np.array([[-800.0], [0.0], [800.0]])
    logit = Likelihood("logit", 0.0, several=False)
    np.testing.assert_allclose(logit.probabilities(outputs), [[1, 0], [0.5, 0.5], [0, 1]])
    assert logit.log_probabilities(outputs)[0].tolist() == [0, -800]
    softmax = Likelihood("softmax", 0.0, several=False)
    found = softmax.log_probabilities(np.array([[1000.0, 0.0, -1000.0]]))
    assert found.tolist() == [[0, -1000, -2000]]


def test_units_and_names_of_outputs() -> None:
    def kernel(_parameters: Any, output: Any, x: Any) -> None:
        output[...] = x[:, :1]

    features = [(0, "number", None, None, ())]
    likelihood = Likelihood("probability", 0.5, several=False)
    made = Predictor(
        Columns((), 1, features, {}), kernel, (np.zeros(1),), (((1,), "real"),), (1,), likelihood,
        ("no", "yes"),
        (("*", (2.0,)), ("+", (5.0,))),
    )  # fmt: skip
    assert made.numbers([[0.25], [1.0]]).tolist() == [[5.5], [7.0]]
    assert made.classify([[0.25], [1.0]]).tolist() == ["no", "yes"]
    assert made.predict_proba([[0.25]]).tolist() == [[0.75, 0.25]]


@pytest.mark.parametrize("value", [HOSTILE, "\x00\u202e\U0001f600", ("a",), (1, True, None, 2.5)])
def test_literals_are_values_and_nothing_else(value: Any) -> None:
    text = literal(value)
    assert text.isascii()
    assert ast.literal_eval(text) == value
    with pytest.raises(bp.SymbpError, match="expected names that are text or numbers"):
        literal(object())


@pytest.fixture(scope="module")
def fitted() -> tuple[Any, Any, Any]:
    rows, y = people()
    network = SymbpClassifier((6,), optimizer="lbfgs", max_iter=15, random_state=0)
    return make_pipeline(prepared(), network).fit(rows, y), rows, y


def test_the_file_alone_says_what_the_pipeline_says(
    fitted: tuple[Any, Any, Any], tmp_path: Path
) -> None:
    model, rows, _ = fitted
    path = export(model, tmp_path / "people.py")
    text = path.read_text(encoding="ascii")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert "male" not in "".join(names)
    np.savez(
        tmp_path / "rows.npz",
        numbers=rows[:, [0, 2]].astype(float),
        words=rows[:, [1, 3]].astype(str),
    )
    (tmp_path / "use.py").write_text(
        "import sys, numpy as np\n"
        "sys.modules.update(dict.fromkeys(['symbp', 'sympy', 'sklearn']))\n"
        "import people\n"
        "held = np.load('rows.npz')\n"
        "numbers, words = held['numbers'], held['words']\n"
        "rows = [[a, s, f, None if p == 'nan' else p]\n"
        "        for (a, f), (s, p) in zip(numbers.tolist(), words.tolist())]\n"
        "np.savez('said.npz', p=people.predict_proba(rows), c=people.classify(rows))\n",
        encoding="utf-8",
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([sys.executable, "use.py"], cwd=tmp_path, env=environment, check=True)
    said = np.load(tmp_path / "said.npz")
    np.testing.assert_allclose(said["p"], model.predict_proba(rows), rtol=1e-12)
    assert (said["c"] == model.predict(rows)).all()


def test_a_network_with_its_parameters_inside(tmp_path: Path) -> None:
    net = bp.mlp(3, 2, loss="mean_squared_error")
    good = {"W1": np.arange(6.0).reshape(2, 3), "b1": np.ones(2)}
    path = bp.generate(net, tmp_path / "net.py", parameters=good)
    assert "Trainer" not in path.read_text(encoding="utf-8")
    x = GENERATOR.normal(size=(5, 3))
    found = bp.load_module(path).predict(x)
    np.testing.assert_allclose(found, x @ good["W1"].T + 1, rtol=1e-14)
    with pytest.raises(bp.SymbpError, match="a module with parameters inside predicts alone"):
        bp.generate(net, path, parameters=good, entries=("hvp",))
    states = bp.Network([bp.Dense(2), bp.BatchNorm1d()], input=3, loss="quadratic")
    numbers = {t.name: np.ones(t.shape) for t in states.parameters}
    with pytest.raises(bp.SymbpError, match=r"the output reads states too .*: pass the trainer"):
        bp.generate(states, path, parameters=numbers)


@pytest.mark.slow
def test_numbers_features_and_states(tmp_path: Path) -> None:
    x = GENERATOR.normal(3, 2, (60, 4))
    y = np.c_[x[:, 0] * 100, x[:, 1] - 7]
    layers = [bp.Dense(6, "tanh"), bp.BatchNorm1d(), bp.Dropout(0.2)]
    regressor = SymbpRegressor(layers, standardise=True, max_iter=5).fit(x, y)
    module = bp.load_module(regressor.export(tmp_path / "numbers.py"))
    np.testing.assert_allclose(module.predict(x), regressor.predict(x), rtol=1e-12)
    with pytest.raises(ValueError, match="there was no gap in training"):
        module.predict(np.where(x > 4, np.nan, x))
    transformer = SymbpTransformer((5, 2), max_iter=3).fit(x.astype("float32"))
    module = bp.load_module(transformer.export(tmp_path / "features.py"))
    np.testing.assert_allclose(
        module.transform(x), transformer.transform(x.astype("float32")), rtol=1e-5
    )
    labels = SymbpClassifier((5,), max_iter=3).fit(x, y > 0)
    module = bp.load_module(labels.export(tmp_path / "labels.py"))
    assert (module.predict(x) == labels.predict(x)).all()
    np.testing.assert_allclose(module.predict_proba(x), labels.predict_proba(x), rtol=1e-12)
