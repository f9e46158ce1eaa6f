"""What a trainer has for people: progress, a drawing, a display, snapshots, and clear lines."""

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.training import progress
from symbp.training.progress import Lines
from tests.emitted_text import load_as_python

generator = np.random.default_rng(0)
X, Y = generator.normal(size=(30, 2)), generator.integers(0, 2, 30)
NET = bp.mlp(2, 3, 2, loss="softmax_cross_entropy")


@pytest.fixture(scope="module")
def module() -> Any:
    return bp.compile(NET, bp.Momentum(0.1)).module


def test_silent_unless_asked(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    module.Trainer().fit(X, Y, epochs=2)
    assert capsys.readouterr() == ("", "")


def test_a_line_for_each_epoch_where_nobody_looks(
    module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = module.Trainer()
    for verbose in (1, 2, True):
        trainer.fit(X, Y, epochs=2, validation=(X, Y), verbose=verbose)
        first, second, end = capsys.readouterr().out.splitlines()
        assert re.fullmatch(
            r"epoch 1/2  cost \d\.\d{5}  validation cost \d\.\d{5}  validation accuracy \d+\.\d %",
            first,
        )
        assert second.startswith("epoch 2/2")
        assert re.fullmatch(r"2 epochs, \d+\.\d s(, .* s of compiling)?", end)


def test_a_line_is_written_over_on_a_terminal(
    module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_is_watched", lambda _: True)
    trainer = module.Trainer().fit(X, Y, epochs=40, verbose=1)
    written = capsys.readouterr().out
    assert written.count("\n") == 1
    assert written.endswith("\n")
    last = written.rstrip().split("\r")[-1]
    assert last.startswith(f"epoch 40/40  cost {trainer.history[-1]['cost']:.5f}  ")


def test_what_was_longer_is_written_over() -> None:
    stream = io.StringIO()
    lines = Lines(2, True, stream)
    lines.tell("gradient")
    lines.tell("")
    assert stream.getvalue() == "\rcompiling gradient\r" + " " * len("compiling gradient")


def test_a_function_is_called_and_a_callback_too(module: Any) -> None:
    seen: list[int] = []
    called: list[int] = []

    def stop(epoch: int, record: dict[str, Any]) -> bool:
        called.append(epoch)
        return epoch == 2

    trainer = module.Trainer()
    trainer.fit(X, Y, epochs=5, callback=stop, verbose=lambda epoch, _: seen.append(epoch) or True)
    assert seen == called == [1, 2]


@pytest.mark.parametrize("wrong", ["yes", 3, -1, 0.5, None])
def test_what_verbose_may_be(module: Any, wrong: Any) -> None:
    with pytest.raises(bp.SymbpError, match="verbose: expected 0, 1, 2 or a function"):
        module.Trainer().fit(X, Y, verbose=wrong)


def test_the_costs_are_drawn(module: Any, tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("svg")
    from matplotlib import pyplot

    trainer = module.Trainer()
    with pytest.raises(bp.SymbpError, match="plot: expected the history of a training"):
        trainer.plot()
    trainer.fit(X, Y, epochs=4, validation=(X, Y))
    axes = trainer.plot()
    costs = [record["cost"] for record in trainer.history]
    assert axes.lines[0].get_ydata().tolist() == costs
    assert [text.get_text() for text in axes.get_legend().texts] == ["training", "held out"]
    assert trainer.plot(axes) is axes
    assert len(axes.lines) == 4
    axes.figure.savefig(tmp_path / "curve.svg")
    pyplot.close(axes.figure)


def test_a_notebook_shows_what_is_trained_and_how_far(module: Any) -> None:
    trainer = module.Trainer(learning_rate=0.25)
    assert "not trained yet; momentum 0.9, learning_rate 0.25" in repr(trainer)
    assert "<svg" not in trainer._repr_mimebundle_()["text/html"]
    trainer.fit(X, Y, epochs=3)
    lines = repr(trainer).splitlines()
    assert lines[0].startswith("Trainer of <Network 2-3-2: sigmoid, identity; softmax_cross")
    assert lines[1] == "  parameters: W1 3×2, b1 3, W2 2×3, b2 2 (float64)"
    assert lines[2].startswith(f"  3 epochs: cost {trainer.history[-1]['cost']:.5f}; momentum")
    page = trainer._repr_mimebundle_()["text/html"]
    assert "&lt;Network 2-3-2" in page
    assert page.count("<polyline") == 1
    assert len(re.findall(r"\d,\d", page)) == 3
    assert set(trainer._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}


def test_a_snapshot_is_where_training_goes_on(module: Any) -> None:
    trainer = module.Trainer(seed=3).fit(X, Y, epochs=2)
    kept = trainer.snapshot()
    trainer.fit(X, Y, epochs=2)
    expected = [array.copy() for array in trainer.parameters]
    other = module.Trainer().restore(pickle.loads(pickle.dumps(kept)))
    assert other.epochs == 2
    other.fit(X, Y, epochs=2)
    for found, array in zip(other.parameters, expected, strict=True):
        np.testing.assert_array_equal(found, array)
    assert other.history == trainer.history
    assert kept["epochs"] == len(kept["history"]) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": None}, "restore: no 'epochs' in what was given, expected a snapshot"),
        ({"state": np.zeros(3)}, r"restore: state has shape \(3,\), expected \(17,\)"),
        ({"parameters": {"W1": np.zeros((3, 2))}}, "restore: no parameter 'b1'; got W1"),
        ({"hyperparameters": {"rate": 1.0}}, "restore: "),
        ({"generator": {"bit_generator": "MT19937"}}, "restore: "),
    ],
)
def test_a_wrong_snapshot_changes_nothing(module: Any, change: Any, message: str) -> None:
    trainer = module.Trainer(seed=1).fit(X, Y, epochs=1)
    before = pickle.dumps(trainer.snapshot())
    wrong = {**trainer.snapshot(), **change}
    with pytest.raises(bp.SymbpError, match=message):
        trainer.restore({key: value for key, value in wrong.items() if value is not None})
    assert pickle.dumps(trainer.snapshot()) == before


def test_a_module_by_itself_has_none_of_it(tmp_path: Path) -> None:
    path = bp.generate(NET, tmp_path / "alone.py")
    text = path.read_text(encoding="utf-8")
    assert not hasattr(load_as_python(text).Trainer, "plot")
    assert hasattr(bp.load_module(path).Trainer, "plot")


def test_weights_and_outputs_that_a_program_has_not_are_told_of(module: Any) -> None:
    trainer = module.Trainer()
    for method in (trainer.fit, trainer.minimise, trainer.loss, trainer.gradient):
        with pytest.raises(TypeError, match="sample_weight is for programs that weigh examples"):
            method(X, Y, sample_weight=np.ones(30))
    with pytest.raises(TypeError, match=r"no output 'a1'; bp\.compile\(…, outputs=\['a1'\]\)"):
        trainer.evaluate("a1", X)
