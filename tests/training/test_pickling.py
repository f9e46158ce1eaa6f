"""Trainers go through pickle, copies and joblib's workers, with their state and history."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).normal(size=(8, 2))
Y = np.array([0, 1] * 4)


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def network(units: int = 3) -> bp.Network:
    return bp.mlp(2, units, 2, loss="softmax_cross_entropy")


@pytest.fixture(scope="module")
def trained() -> Any:
    return bp.compile(network(), bp.Momentum(0.1)).fit(X, Y, epochs=2, batch_size=4)


def bits(trainer: Any) -> tuple[Any, ...]:
    return (
        trainer._flat.tobytes(), trainer._state.tobytes(), trainer.history, trainer.epochs,
        trainer.hyperparameters, trainer._generator.bit_generator.state,
    )  # fmt: skip


def test_every_copy_continues_alone_and_alike(trained: Any) -> None:
    straight = copy.deepcopy(trained).fit(X, Y, epochs=2, batch_size=4)
    before = bits(trained)
    for copied in (again, copy.copy, copy.deepcopy):
        twin = copied(trained)
        assert bits(twin) == before
        assert type(twin) is type(trained)
        assert twin.module is trained.module
        assert bits(twin.fit(X, Y, epochs=2, batch_size=4)) == bits(straight)
        assert bits(trained) == before


def test_parameters_and_methods_can_be_sent(trained: Any) -> None:
    parameters = again(trained.parameters)
    assert type(parameters) is trained.module.Parameters
    np.testing.assert_array_equal(parameters.W1, trained.parameters.W1)
    np.testing.assert_array_equal(again(trained.predict)(X), trained.predict(X))
    cost, gradient = again(trained.gradient(X, Y))
    np.testing.assert_array_equal(gradient.W2, trained.gradient(X, Y)[1].W2)
    assert cost == trained.gradient(X, Y)[0]
    assert again(trained.module.loss) is trained.module.loss


ELSEWHERE = """
import pickle, sys
trainer, x, y = pickle.load(sys.stdin.buffer)
trainer.fit(x, y, epochs=2, batch_size=4)
sys.stdout.buffer.write(pickle.dumps((trainer, trainer.parameters, trainer.history)))
"""


def elsewhere(trainer: Any, **environment: str) -> Any:
    process = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=pickle.dumps((trainer, X, Y)),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()
    return pickle.loads(process.stdout)


@pytest.mark.optimised  # as the other process is
def test_another_process_needs_nothing_but_symbp(trained: Any, tmp_path: Path) -> None:
    straight = copy.deepcopy(trained).fit(X, Y, epochs=2, batch_size=4)
    # Another cache folder, as on another machine.
    found, parameters, history = elsewhere(trained, SYMBP_CACHE=str(tmp_path))
    assert bits(found) == bits(straight)
    assert type(found) is type(trained)
    np.testing.assert_array_equal(parameters.W1, straight.parameters.W1)
    assert history == straight.history


def test_a_trainer_of_a_file_can_be_sent_too(tmp_path: Path) -> None:
    module = bp.load_module(bp.generate(network(4), tmp_path / "mine.py"))
    trainer = module.Trainer(seed=1)
    assert type(again(trainer)) is module.Trainer
    found, _, _ = elsewhere(trainer)
    assert type(found) is module.Trainer
    assert found.epochs == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_of_joblib_train_and_derive(trained: Any) -> None:
    joblib = pytest.importorskip("joblib")
    straight = copy.deepcopy(trained).fit(X, Y, epochs=2, batch_size=4)
    own = bp.mlp(2, 2, activation=bp.function("quartic", lambda u: u**4, latex="q"))

    def work(trainer: Any, program: Any) -> Any:
        import symbp as bp

        trainer.fit(X, Y, epochs=2, batch_size=4)
        return trainer, trainer.parameters, program, bp.derive(program).text()

    with joblib.parallel_backend("loky", n_jobs=2):
        results = joblib.Parallel()(joblib.delayed(work)(trained, p) for p in (network(), own))
    for trainer, parameters, _, _ in results:
        assert bits(trainer) == bits(straight)
        assert type(trainer) is type(trained)
        np.testing.assert_array_equal(parameters.b2, straight.parameters.b2)
    assert results[1][2].tensors == own.tensors
    assert results[1][3] == bp.derive(own).text()


def test_a_pickle_of_another_program_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    """As a user pickles a trainer of a module of theirs, and generates the module anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    path = bp.generate(network(), tmp_path / "generated_anew.py")
    import generated_anew  # type: ignore[import-not-found]

    content = pickle.dumps(generated_anew.Trainer())
    assert type(pickle.loads(content)) is generated_anew.Trainer
    bp.generate(network(4), path)
    del sys.modules["generated_anew"]
    with pytest.raises(ValueError, match=r"^pickled by program \w+, this is \w+$"):
        pickle.loads(content)


# Collecting


def test_a_module_is_collected_when_nothing_refers_to_it() -> None:
    trainer = bp.compile(network(5), bp.SGD(0.1)).fit(X, Y)
    name, module = trainer.module.__name__, weakref.ref(trainer.module)
    assert sys.modules[name].Trainer is type(trainer)
    loss = trainer.module.loss
    parameters = trainer.parameters
    del trainer
    gc.collect()
    # A function of it is enough to keep all of it.
    assert loss(parameters, X, Y) > 0
    assert module() is not None
    assert again(loss) is loss
    del loss, parameters
    gc.collect()
    assert module() is None
    assert name not in sys.modules
    # It comes back, and finds its machine code.
    trainer = bp.compile(network(5), bp.SGD(0.1)).fit(X, Y)
    assert trainer.module.__name__ == name
    assert sum(trainer.module._loss_kernel.stats.cache_hits.values()) == 0
    assert sum(kernel_hits(trainer.module)) > 0


def kernel_hits(module: Any) -> list[int]:
    kernels = [value for value in vars(module).values() if hasattr(value, "stats")]
    return [sum(kernel.stats.cache_hits.values()) for kernel in kernels]


def test_a_program_has_one_module_while_it_lives() -> None:
    first, second = bp.compile(network(), bp.SGD(0.2)), bp.compile(network(), bp.SGD(0.2))
    assert first.module is second.module
    assert first is not second


def test_many_modules_leave_little_behind() -> None:
    def compiled(units: int) -> weakref.ref[Any]:
        trainer = bp.compile(bp.mlp(1, units), bp.SGD(0.1))
        return weakref.ref(trainer.module)

    modules = [compiled(units) for units in range(1, 6)]
    gc.collect()
    assert [module() for module in modules] == [None] * 5
