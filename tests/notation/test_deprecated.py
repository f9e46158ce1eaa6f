"""Names that changed work for a version, and one line says what to write instead."""

import warnings

import pytest

import symbp as bp
from symbp.notation.deprecated import RENAMED, Renamed, renamed_arguments

CHANGE = Renamed("Dense", "0.2", "0.3")


def test_an_old_name_is_the_new_one_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RENAMED, "Linear", CHANGE)
    with pytest.warns(FutureWarning) as told:
        found = bp.Linear
    assert found is bp.Dense
    assert str(told[0].message) == "bp.Linear is called bp.Dense since 0.2, and goes in 0.3"
    assert told[0].filename == __file__
    with pytest.raises(AttributeError, match="no attribute 'Linear2'"):
        _ = bp.Linear2


def test_names_that_are_there_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in dir(bp):
            getattr(bp, name)
    for old, change in RENAMED.items():
        assert old not in dir(bp)
        assert change.new in dir(bp)
        # What should be gone by now is not carried along.
        assert tuple(map(int, change.gone.split("."))) > tuple(
            map(int, bp.__version__.split(".")[:2])
        ), old


@renamed_arguments(rate=Renamed("learning_rate", "0.2", "0.3"))
def step(learning_rate: float, momentum: float = 0.0) -> tuple[float, float]:
    """Return what came."""
    return learning_rate, momentum


def test_an_old_argument_is_the_new_one_with_a_warning() -> None:
    with pytest.warns(FutureWarning) as told:
        assert step(rate=0.1, momentum=0.9) == (0.1, 0.9)
    assert str(told[0].message) == (
        "step: rate= is called learning_rate= since 0.2, and goes in 0.3"
    )
    assert told[0].filename == __file__
    with pytest.raises(TypeError, match="both learning_rate= and rate="), pytest.warns():
        step(rate=0.1, learning_rate=0.2)
    assert step(0.3) == (0.3, 0.0)
    assert step.__doc__ == "Return what came."


def test_an_argument_that_is_not_there_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="step has no argument 'rte'"):
        renamed_arguments(rate=Renamed("rte", "0.2", "0.3"))(step)
