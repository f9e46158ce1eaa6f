"""Settings, folds and the plan of a sweep: what is combined, and which module it needs."""

import numpy as np
import pytest

import symbp as bp
from symbp.entries.model import Model
from symbp.networks.optimizers import optimise
from symbp.sweeps.folds import folds_of
from symbp.sweeps.plan import Planner, equations_of_step
from symbp.sweeps.settings import as_text, settings_of

GRID = [{"b": [1, 2], "a": ["x", "y", "z"]}, {"c": [0.5]}]


def test_the_order_of_a_grid_is_that_of_scikit_learn() -> None:
    search = pytest.importorskip("sklearn.model_selection")
    assert settings_of(GRID) == list(search.ParameterGrid(GRID))


def test_draws_are_those_of_scikit_learn() -> None:
    search = pytest.importorskip("sklearn.model_selection")
    stats = pytest.importorskip("scipy.stats")
    grid = {"rate": stats.loguniform(1e-4, 1e-1), "units": [4, 8, 16], "n": stats.randint(1, 9)}
    drawn = settings_of(grid, draws=7, seed=3)
    assert drawn == [
        {name: float(v) if name == "rate" else v for name, v in each.items()}
        for each in search.ParameterSampler(grid, 7, random_state=3)
    ]
    assert all(type(each["n"]) is int for each in drawn)


def test_draws_from_lists_do_not_repeat() -> None:
    grid = {"a": [1, 2, 3], "b": [1, 2]}
    drawn = settings_of(grid, draws=5, seed=1)
    assert len({as_text(each) for each in drawn}) == 5
    assert all(each in settings_of(grid) for each in drawn)
    assert len(settings_of(grid, draws=50)) == 6


def test_equal_settings_are_one() -> None:
    assert settings_of({"a": [1, 1, np.int64(1)], "b": None}) == [{"a": 1, "b": None}]


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (3, "grid: expected a dict of lists, or a list of dicts, got 3"),
        ([], "grid: expected a dict of lists, or a list of dicts"),
        ([3], "grid: expected a dict of lists, got 3"),
        ({"a": []}, "grid a: no values"),
        ({3: [1]}, "expected names as keys"),
        ({"a": [object()]}, "cannot be told from others"),
        ({"a": [float("nan")]}, "grid a: expected a finite number"),
    ],
)
def test_grids_that_are_none(grid: object, said: str) -> None:
    with pytest.raises(bp.SymbpError, match=said) as caught:
        settings_of(grid)
    assert "\n" not in str(caught.value)


def test_a_distribution_needs_draws() -> None:
    stats = pytest.importorskip("scipy.stats")
    with pytest.raises(bp.SymbpError, match="grid a: a distribution; say draws="):
        settings_of({"a": stats.uniform()})


def test_text_of_settings_says_what_objects_are() -> None:
    settings = {"b": bp.Adam(0.1), "a": np.float64(0.5)}
    assert as_text(settings).startswith('{"a": 0.5, "b": "Adam(learning_rate=0.1')


@pytest.mark.parametrize("count", [2, 3, 7])
def test_folds_hold_out_each_example_once_and_keep_the_classes(count: int) -> None:
    labels = np.repeat([0, 1, 2], [21, 14, 7])
    folds = folds_of(count, None, np.zeros((42, 1)), labels)
    held = np.concatenate([rows for _, rows in folds])
    assert sorted(held) == list(range(42))
    for train, rows in folds:
        assert sorted([*train, *rows]) == list(range(42))
        for label, total in enumerate((21, 14, 7)):
            assert abs((labels[rows] == label).sum() - total / count) < 1


def test_a_splitter_and_pairs_of_rows_are_folds() -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    x = np.zeros((10, 1))
    pairs = list(selection.KFold(5).split(x))
    for cv in (selection.KFold(5), pairs):
        found = folds_of(cv, None, x, x)
        assert all(
            (a == c).all() and (b == d).all() for (a, b), (c, d) in zip(found, pairs, strict=True)
        )


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        (1, "cv: expected an int >= 2"),
        (11, "cv: 11 folds of 10 examples"),
        ("ten", "cv: expected an int, a splitter, or pairs"),
        ([], "has no folds"),
        ([3], "fold 0 is no pair"),
        ([([0, 1], [10])], "fold 0: expected rows from 0 to 9"),
        ([([0, 1], [])], "fold 0: expected rows from 0 to 9"),
    ],
)
def test_folds_that_are_none(cv: object, said: str) -> None:
    with pytest.raises(bp.SymbpError, match=said):
        folds_of(cv, None, np.zeros((10, 1)), np.zeros((10, 1)))


NET = bp.mlp(2, 3, 1, loss="mean_squared_error")
OPTIMIZERS = [
    bp.SGD(0.3),
    bp.Momentum(0.3, momentum=0.5),
    bp.Adam(0.2, beta1=0.8),
    bp.LAMB(0.01, weight_decay=0.1),
    bp.Clip(bp.Adam(0.1), max_norm=2.0),
    bp.Clip(bp.SGD(0.1), max_value=2.0),
    bp.Accumulate(bp.Adam(0.1), batches=3),
    bp.SGD(bp.CosineDecay(0.1, steps=50, final=0.01)),
]


def test_the_numbers_apart_are_those_of_the_whole_program() -> None:
    for optimizer in OPTIMIZERS:
        model = Model(NET, lambda program, optimizer=optimizer: optimise(program, optimizer))
        constants = {t.name: t.value for t in model.updated.with_role("constant")}
        _, numbers = equations_of_step(NET, optimizer)
        assert numbers == constants, optimizer


def test_equations_are_equal_if_numbers_alone_differ() -> None:
    forms = [equations_of_step(NET, optimizer)[0] for optimizer in OPTIMIZERS]
    assert len(set(forms)) == len(forms)
    assert equations_of_step(NET, bp.LAMB(0.7, beta1=0.3, weight_decay=0.0))[0] == forms[3]
    assert equations_of_step(NET, bp.Clip(bp.Adam(0.7), max_norm=0.5))[0] == forms[4]
    assert equations_of_step(NET, bp.Clip(bp.Adam(0.7), 0.5, 0.5))[0] not in forms


def test_equal_programs_have_one_module() -> None:
    def make(units: int, rate: float) -> object:
        return bp.mlp(2, units, 1), bp.Adam(rate)

    planner = Planner(make, None, "float64", "fast")
    pairs = [(3, 0.1), (3, 0.2), (4, 0.1)]
    first, second, other = (planner.made({"units": n, "rate": rate}) for n, rate in pairs)
    assert first.key == second.key != other.key
    assert (first.hyperparameters["learning_rate"], second.hyperparameters["learning_rate"]) == (
        0.1,
        0.2,
    )
    assert planner.made({"units": 3, "rate": -1}).failure.startswith("Adam learning_rate")
    assert planner.made({}).failure.startswith("TypeError: ")
    # The module does not depend on which numbers came first.
    again = Planner(make, None, "float64", "fast")
    again.made({"units": 3, "rate": 0.7})
    assert again.module(first.key) == planner.module(first.key)
