"""Estimators: what they learn, keep and refuse, and when a module is compiled anew."""

import copy
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import symbp as bp
import symbp.sklearn.programs as programs
from symbp.sklearn import SymbpClassifier, SymbpRegressor, SymbpTransformer

X, LABELS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[LABELS]
# One shape for most tests, as each shape is compiled.
SMALL: dict[str, Any] = {"layers": (8,), "random_state": 0, "learning_rate": 0.02}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.fixture(scope="module")
def fitted() -> SymbpClassifier:
    return SymbpClassifier(**SMALL, standardise=True).fit(X, NAMES)


def test_a_classifier_learns_names(fitted: SymbpClassifier) -> None:
    assert fitted.score(X, NAMES) > 0.95
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities))
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(X)).all()
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] / 3
    assert fitted.n_iter_ == len(fitted.loss_curve_)
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    assert fitted.parameters_.W1.shape == (8, 4)
    assert "BP1" in fitted.derivation_.text()


def test_a_module_is_compiled_for_a_shape_and_not_for_an_estimator(
    fitted: SymbpClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it was compiled again")

    monkeypatch.setattr(programs, "_made", refuse)
    other = SymbpClassifier((8,), alpha=0.3, learning_rate=0.1, random_state=5, max_iter=2)
    other.fit(X[::2], LABELS[::2])
    assert other.trainer_.module is fitted.trainer_.module
    with pytest.raises(AssertionError, match="again"):
        SymbpClassifier((7,)).fit(X, LABELS)


def test_the_loss_is_that_of_scikit_learns_networks() -> None:
    alpha = 0.7
    model = SymbpClassifier((8,), alpha=alpha, random_state=3, max_iter=1).fit(X, LABELS)
    seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max)
    start = model.trainer_.module.initial_parameters(seed)
    hidden = np.maximum(X @ start.W1.T + start.b1, 0)
    logits = hidden @ start.W2.T + start.b2
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    squares = sum(float((w**2).sum()) for w in (start.W1, start.W2))
    expected = -logs[np.arange(len(X)), LABELS].mean() + alpha / 2 * squares / len(X)
    np.testing.assert_allclose(model.loss_curve_[0], expected, rtol=1e-12)


@pytest.mark.slow
def test_weights_are_repeated_rows_in_a_full_batch() -> None:
    weight = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
    chosen = np.arange(0, 150, 3)
    repeated = np.repeat(chosen, weight[chosen].astype(int))
    one = SymbpClassifier(**SMALL, max_iter=20).fit(X[repeated], LABELS[repeated])
    two = SymbpClassifier(**SMALL, max_iter=20).fit(X[chosen], LABELS[chosen], weight[chosen])
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), rtol=1e-9)
    by_class = SymbpClassifier(**SMALL, max_iter=20, class_weight={0: 2, 1: 1, 2: 1})
    doubled = np.where(LABELS == 0, 2.0, 1.0)
    by_hand = SymbpClassifier(**SMALL, max_iter=20).fit(X, LABELS, doubled)
    assert (by_class.fit(X, LABELS).predict_proba(X) == by_hand.predict_proba(X)).all()
    with pytest.raises(ValueError, match="all weights are zero"):
        by_hand.fit(X, LABELS, np.zeros(len(X)))


def test_pickles_copies_and_mapped_files_predict_the_same(
    fitted: SymbpClassifier, tmp_path: Path
) -> None:
    expected = fitted.predict_proba(X)
    joblib.dump(fitted, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), mapped):
        assert (other.predict_proba(X) == expected).all()
    assert not hasattr(clone(fitted), "trainer_")


def test_training_goes_on_where_it_was() -> None:
    classes = np.unique(LABELS)
    parts = SymbpClassifier(**SMALL, shuffle=False)
    for _ in range(3):
        parts.partial_fit(X, LABELS, classes=classes)
    whole = SymbpClassifier(**SMALL, shuffle=False, max_iter=3).fit(X, LABELS)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == whole.n_iter_ == 3
    warm = SymbpClassifier(**SMALL, shuffle=False, max_iter=1, warm_start=True)
    for _ in range(3):
        warm.fit(X, LABELS)
    assert warm.loss_curve_ == whole.loss_curve_
    with pytest.raises(ValueError, match="first call to partial_fit needs all classes"):
        SymbpClassifier().partial_fit(X, LABELS)
    with pytest.raises(ValueError, match="warm_start: expected the classes"):
        warm.fit(X[:100], LABELS[:100])


def test_training_ends_early_and_keeps_the_best() -> None:
    model = SymbpClassifier(
        **SMALL, standardise=True, early_stopping=True, n_iter_no_change=3, max_iter=500
    ).fit(X, LABELS)
    assert model.n_iter_ < 500
    assert model.best_validation_loss_ == min(model.validation_loss_curve_)
    flat = SymbpClassifier(**SMALL, standardise=True, tol=0.5, max_iter=100).fit(X, LABELS)
    assert flat.n_iter_ < 30
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        SymbpClassifier(**SMALL, max_iter=2).fit(X, LABELS)


@pytest.mark.parametrize("kind", [SymbpClassifier, SymbpRegressor])
def test_training_ends_by_the_score_and_keeps_the_best(kind: Any) -> None:
    settings = {**SMALL, "standardise": True, "early_stopping": "score", "max_iter": 300}
    model = kind(**settings, n_iter_no_change=4, tol=1e-3).fit(X, LABELS)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ == len(model.loss_curve_) < 300
    assert model.best_validation_score_ == max(scores)
    # Those held out are drawn after the seed of the trainer is.
    random = np.random.RandomState(0)
    random.randint(np.iinfo(np.int32).max)
    strata = LABELS if kind is SymbpClassifier else None
    _, rows = train_test_split(
        np.arange(len(X)), test_size=0.1, random_state=random, stratify=strata
    )
    np.testing.assert_allclose(model.score(X[rows], LABELS[rows]), max(scores), rtol=1e-12)
    with pytest.raises(ValueError, match="early_stopping: expected True, False or 'score'"):
        kind(early_stopping="loss").fit(X, LABELS)


@pytest.mark.slow
def test_sparse_tables_and_single_precision(fitted: SymbpClassifier) -> None:
    one = SymbpClassifier(**SMALL, max_iter=5).fit(X, LABELS)
    two = SymbpClassifier(**SMALL, max_iter=5).fit(scipy.sparse.csr_matrix(X), LABELS)
    assert (one.predict_proba(X) == two.predict_proba(scipy.sparse.csc_array(X))).all()
    assert SymbpRegressor((8,), max_iter=1).fit(X.astype("float32"), LABELS).dtype_ == "float32"


@pytest.mark.slow
def test_labels_and_several_numbers() -> None:
    several = np.c_[LABELS == 1, LABELS > 0].astype(int)
    model = SymbpClassifier(**SMALL, standardise=True).fit(X, several)
    assert (model.predict(X) == several).mean() > 0.9
    assert model.predict_proba(X).shape == (150, 2)
    numbers = np.c_[X[:, 0] * 100 + 7, X[:, 1]]
    regressor = SymbpRegressor(**SMALL, standardise=True).fit(X, numbers)
    assert regressor.score(X, numbers) > 0.95
    assert regressor.predict(X).shape == (150, 2)
    with pytest.raises(ValueError, match="MultiOutputClassifier"):
        model.fit(X, np.c_[LABELS, LABELS])


@pytest.mark.slow
def test_a_loss_and_a_program_of_ones_own() -> None:
    def absolute(a: Any, y: Any) -> Any:
        return bp.Mean(bp.sqrt((a.element - y.element) ** 2 + 0.01), *a.indices)

    def network(features: int, outputs: int) -> bp.Program:
        hidden = [bp.Dense(4, "tanh"), bp.LayerNorm()]
        return bp.Network([*hidden, bp.Dense(outputs)], input=features, loss="huber")

    y = X[:, 2]
    kept = SymbpRegressor((8,), loss=absolute, optimizer=bp.Adam(0.05), random_state=0)
    kept.fit(X[:, :2], y)
    assert kept.score(X[:, :2], y) > 0.8
    own = SymbpRegressor(network, standardise=True, learning_rate=0.05, random_state=0).fit(X, y)
    assert own.score(X, y) > 0.8
    with pytest.raises(bp.SymbpError, match="sample_weight: the program takes none"):
        own.fit(X, y, np.ones(len(X)))


@pytest.mark.slow
def test_minimised_by_lbfgs() -> None:
    model = SymbpRegressor((8,), optimizer="lbfgs", standardise=True, random_state=0)
    assert model.fit(X[:, :3], X[:, 3]).score(X[:, :3], X[:, 3]) > 0.93
    assert 1 <= model.n_iter_ <= 200


@pytest.mark.slow
def test_learned_features() -> None:
    model = make_pipeline(StandardScaler(), SymbpTransformer((8, 2), learning_rate=0.02))
    features = model.fit_transform(X, NAMES)
    assert features.shape == (150, 2)
    assert model.get_feature_names_out().tolist() == ["symbptransformer0", "symbptransformer1"]
    again = SymbpTransformer((8, 2), max_iter=3, random_state=0).fit(X)
    assert again.task_ == "reconstruction"
    hidden = np.maximum(X @ again.parameters_.W1.T + again.parameters_.b1, 0)
    read = np.maximum(hidden @ again.parameters_.W2.T + again.parameters_.b2, 0)
    np.testing.assert_allclose(again.transform(X), read, rtol=1e-12)


@pytest.mark.slow
def test_weights_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = SymbpClassifier(**SMALL, max_iter=3)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        found = cross_validate(
            make_pipeline(scaler, model), X, LABELS, cv=2,
            params={"sample_weight": np.ones(len(X))}, return_estimator=True, error_score="raise",
        )  # fmt: skip
    names = [t.name for t in found["estimator"][0][-1].program_.targets]
    assert "sample_weight" in names


@pytest.mark.slow
def test_a_search_in_two_processes() -> None:
    model = make_pipeline(StandardScaler(), SymbpClassifier(**SMALL, max_iter=30))
    grid = {"symbpclassifier__alpha": [1e-4, 1.0], "symbpclassifier__layers": [(8,), (4,)]}
    search = GridSearchCV(model, grid, n_jobs=2, cv=2, error_score="raise").fit(X, NAMES)
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": "64"}, "layers: expected units such as"),
        ({"layers": (0,)}, "layers: units: expected a positive int, got 0"),
        ({"alpha": -1}, "alpha: expected a number >= 0, got -1"),
        ({"batch_size": 0}, "batch_size: expected 'auto' or an int >= 1, got 0"),
        ({"max_iter": 0}, "max_iter: expected an int >= 1, got 0"),
        ({"optimizer": "adm"}, "optimizer 'adm'"),
        ({"loss": "squares"}, "loss 'squares'"),
        ({"dropout": 1.0}, "dropout: expected a number"),
        ({"optimizer": bp.Adam(0.1), "learning_rate": 0.1}, "learning_rate: it stands in"),
        ({"optimizer": "lbfgs", "early_stopping": True}, "early_stopping: expected an optimizer"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_fitted(
    arguments: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=message):
        SymbpClassifier(**{"layers": (8,), **arguments}).fit(X, LABELS)


def test_probabilities_are_offered_where_the_loss_knows_them() -> None:
    assert hasattr(SymbpClassifier(), "predict_proba")
    assert hasattr(SymbpClassifier(loss="focal"), "predict_proba")
    assert not hasattr(SymbpClassifier(loss="hinge"), "predict_proba")
    assert not hasattr(SymbpClassifier(loss=own_margin), "predict_proba")
    assert hasattr(SymbpClassifier(loss="quadratic", output="sigmoid"), "predict_proba")


def own_margin(output: bp.Tensor, target: bp.Tensor) -> Any:
    missed = bp.softplus(-target.element * output.element)
    return bp.Mean(missed, *output.indices)


own_margin.threshold, own_margin.signed = 0.0, True  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["hinge", own_margin])
def test_margins(loss: Any) -> None:
    margins = SymbpClassifier(**SMALL, loss=loss, standardise=True)
    assert margins.fit(X, LABELS == 0).score(X, LABELS == 0) > 0.95


def test_one_line_says_that_scikit_learn_is_missing() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import symbp.sklearn"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last == ("ImportError: symbp.sklearn needs scikit-learn: pip install 'symbp[sklearn]'")
