"""Columns of codes: an embedding in the network, in an exported predictor, and from a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

import symbp as bp
from symbp.sklearn import SymbpClassifier, SymbpRegressor, SymbpTransformer, export
from symbp.sklearn.categories import Categories, category_columns, size_of_embedding
from symbp.sklearn.exporting import _after, _as_read, _Table
from symbp.tables.columns import recognised
from symbp.tables.preparing import codes, prepared
from symbp.tables.reading import Source
from symbp.targets.preparation import Feature

GENERATOR = np.random.default_rng(0)
COUNT = 30
EFFECT = GENERATOR.normal(size=COUNT)
CODES = np.tile(np.arange(COUNT), 10)
NUMBERS = GENERATOR.normal(5, 3, size=(300, 1))
Y = EFFECT[CODES] + NUMBERS[:, 0] / 3
X = np.c_[NUMBERS, CODES]
SETTINGS: dict[str, Any] = {
    "layers": (8,), "standardise": True, "learning_rate": 0.02, "batch_size": 50,
    "max_iter": 60, "tol": 0, "random_state": 0,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:max_iter")
def test_a_network_learns_a_vector_for_each_code(tmp_path: Path) -> None:
    model = SymbpRegressor(**SETTINGS, categorical_features=[1], embedding_size=2).fit(X, Y)
    assert model.parameters_.E1.shape == (COUNT, 2)
    assert [tensor.kind for tensor in model.program_.inputs] == ["real", "integer"]
    assert model.score(X, Y) > 0.97
    # What it computes, by hand; codes are not standardised.
    p, scaled = model.parameters_, model.scaler_.transform(NUMBERS)
    read = np.c_[scaled, p.E1[CODES]]
    hidden = np.maximum(read @ p.W4.T + p.b4, 0)
    expected = model.target_scaler_.inverse_transform(hidden @ p.W5.T + p.b5)[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)
    predictor = bp.load_module(model.export(tmp_path / "predictor.py"))
    np.testing.assert_array_equal(predictor.predict(X)[:, 0], model.predict(X))
    with pytest.raises(
        ValueError, match=r"row 0, column 1 is 30\.0, expected one of 0, 1, .*, and 10 mor"
    ):
        predictor.predict([[1.0, 30]])
    with pytest.raises(bp.SymbpError, match="row 1, column 1 is 30, expected a code from 0 to 29"):
        model.predict([[1.0, 2], [1.0, 30]])
    with pytest.raises(bp.SymbpError, match=r"row 0, column 1 is 0\.5, expected a code"):
        model.predict([[1.0, 0.5]])


def test_columns_are_named_counted_and_masked() -> None:
    table = np.array([[0.5, 3, 1], [0.25, 0, 0]])
    names = ["size", "city", "port"]
    expected = Categories((1, 2), (4, 2), (3, 2), ("column 1", "column 2"))
    for given in ([1, 2], [2, -2], [False, True, True], np.array([False, True, True])):
        assert category_columns(table, names, given, None) == expected
    found = category_columns(table, names, {"city": 9}, 5)
    assert (found.places, found.counts, found.sizes) == ((1,), (9,), (5,))
    assert [source.tolist() for source in found.sources(table)] == [
        [[0.5, 1], [0.25, 0]], [[3], [0]]
    ]  # fmt: skip
    assert found.sources(table)[1].dtype == np.int64
    assert category_columns(table, names, None, None).sources(table)[0] is table
    assert [size_of_embedding(count) for count in (1, 2, 10, 100, 100_000)] == [2, 2, 6, 21, 50]


@pytest.mark.parametrize(
    ("given", "size", "message"),
    [
        ("city", None, "expected a list of columns, or a dict"),
        (["town"], None, "no column 'town'; "),
        ([3], None, "expected a column from 0 to 1, got 3"),
        ([0.5], None, "expected a column from 0 to 1, got 0.5"),
        ([True], None, "expected 2 of True and False, got 1"),
        ({1: 0}, None, "column 1: expected a positive int, got 0"),
        ([1], 0, "embedding_size: expected a positive int, got 0"),
    ],
)
def test_what_is_no_column(given: Any, size: Any, message: str) -> None:
    with pytest.raises(bp.SymbpError, match=message):
        category_columns(np.zeros((2, 2)), ["size", "city"], given, size)


def test_codes_that_cannot_be_taken() -> None:
    with pytest.raises(bp.SymbpError, match="row 0, column 0 is -1, expected a code from 0 to 0"):
        SymbpClassifier((), categorical_features=[0]).fit([[-1], [-1]], [0, 1])
    with pytest.raises(ValueError, match="codes cannot be given back"):
        SymbpTransformer((2,), categorical_features=[0]).fit([[0], [1]])
    own = SymbpClassifier(lambda f, o: bp.mlp(f, o), categorical_features=[0])
    with pytest.raises(bp.SymbpError, match="says itself what it reads"):
        own.fit([[0], [1]], [0, 1])


class Read:
    """What `_as_read` asks of a fitted estimator."""

    scaler_ = None
    _categories = Categories((0,), (3,), (2,), ("column 0",))


def test_encoders_give_codes_and_gaps_one_more() -> None:
    rows = np.array([["a", 1.0], ["b", 2.0], [np.nan, 3.0]], dtype=object)
    start = _Table((Feature(0), Feature(1)), (), {})
    encoder = OrdinalEncoder(categories=[["a", "b", np.nan]], encoded_missing_value=2)
    columns = ColumnTransformer([("c", encoder, [0]), ("s", StandardScaler(), [1])]).fit(rows)
    table = _as_read(Read(), _after(columns, start))
    assert [feature.kind for feature in table.features] == ["number", "code"]
    assert table.features[1].detail == table.known[0] == ("a", "b", None)
    assert columns.transform(rows)[:, 0].tolist() == [0, 1, 2]
    kept = OrdinalEncoder().fit(rows[:, :1])
    with pytest.raises(bp.UnsupportedError, match="a code by encoded_missing_value=2"):
        _after(kept, _Table((Feature(0),), (), {}))
    scaled = _after(StandardScaler().fit(rows[:, 1:]), _Table((Feature(1),), (), {}))
    with pytest.raises(bp.UnsupportedError, match="categorical_features of what was changed"):
        _as_read(Read(), scaled)
    more = _after(OrdinalEncoder().fit([["a"], ["b"], ["c"], ["d"]]), _Table((Feature(0),), (), {}))
    with pytest.raises(bp.UnsupportedError, match=r"column 0 has 4 categories, 3 of which were"):
        _as_read(Read(), more)


def towns() -> pd.DataFrame:
    names = np.array([f"town {code:02}" for code in CODES], dtype=object)
    names[::7] = np.nan
    return pd.DataFrame({"size": NUMBERS[:, 0], "town": names, "y": Y}, index=range(1, 301))


def test_a_table_has_embeddings_above_a_threshold() -> None:
    source = Source(Path("towns.csv"), towns(), ())
    table = recognised(source, "y", None)
    told = {column.name: column.told for column in table.columns}
    assert told["town"].startswith("a vector of 11 learnt for each of 30 (town 00, town 01")
    assert told["town"].endswith(", 43 missing as one more")
    columns = prepared(table.columns)
    x = columns.fit_transform(table.frame)
    assert x.shape == (300, 2)
    assert codes(table.columns, 2) == {1: 31}
    assert set(x[:, 1]) == set(range(31))
    assert x[0, 1] == 30
    one_hot = recognised(source, "y", None, embed_above=31)
    assert one_hot.columns[1].told.startswith("one-hot of 30")
    assert prepared(one_hot.columns).fit_transform(one_hot.frame).shape == (300, 32)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:max_iter")
def test_a_pipeline_of_such_a_table_is_exported(tmp_path: Path) -> None:
    table = recognised(Source(Path("towns.csv"), towns(), ()), "y", None)
    columns = prepared(table.columns)
    model = make_pipeline(
        columns, SymbpRegressor(**SETTINGS, categorical_features={1: 31}, embedding_size=3)
    ).fit(table.frame, table.y)
    predictor = bp.load_module(export(model, tmp_path / "towns_predictor.py"))
    found = predictor.predict(table.frame)[:, 0]
    np.testing.assert_array_equal(found, model.predict(table.frame))
    with pytest.raises(ValueError, match=r"row 0, column 'town' is 'Rome', expected one of 'town"):
        predictor.predict([[1.0, "Rome"]])
