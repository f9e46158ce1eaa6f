"""Many networks at once: each is what it is alone, and all that is asked of them together."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.networks.many_values import of_one_network
from symbp.notation.errors import SymbpError
from symbp.targets.target import Many
from tests.emitted_text import load_as_python

RNG = np.random.default_rng(7)
X = RNG.normal(size=(9, 2))
Y = RNG.uniform(0.1, 0.9, size=(9, 1))
TINY = bp.mlp(2, 2, 1, activation="tanh")
# Not written out by element: each is trained by the epoch of one network.
DEALT = bp.Network([bp.Dense(2, "tanh"), bp.BatchNorm1d(), bp.Dense(1)], input=2)
RATES = [0.5, 0.1, 0.02]


def made(program: bp.Program, optimizer: bp.Optimizer | None = None) -> Any:
    """Return a module whose kernels are run as Python."""
    chosen = bp.SGD(0.1) if optimizer is None else optimizer
    return load_as_python(module_source(program, chosen, "float64", replicas=Many()))


@pytest.fixture(scope="module")
def tiny() -> Any:
    return made(TINY)


@pytest.fixture(scope="module")
def dealt() -> Any:
    return made(DEALT)


def flat(trainer: Any) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in trainer.parameters])


def test_a_schedule_for_each_size(tiny: Any, dealt: Any) -> None:
    assert tiny.Replicas.lanes is not None
    assert dealt.Replicas.lanes is None


@pytest.mark.parametrize("threads", [1, 2])
def test_dealt_out_each_gives_the_bits_of_its_trainer(dealt: Any, threads: int) -> None:
    many = dealt.Replicas(3, seed=4, learning_rate=RATES)
    options = {"epochs": 2, "batch_size": 4, "validation": (X, Y)}
    many.fit(X, Y, threads=threads, **options)
    for replica, rate in enumerate(RATES):
        alone = dealt.Trainer(seed=4 + replica, learning_rate=rate).fit(X, Y, **options)
        found = many[replica]
        np.testing.assert_array_equal(flat(found), flat(alone))
        for mine, theirs in zip(found.state, alone.state, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert found.history == alone.history
        assert found.epochs == alone.epochs
        # It goes on as the other does, by itself.
        np.testing.assert_array_equal(flat(found.fit(X, Y)), flat(alone.fit(X, Y)))
    assert not np.array_equal(flat(found), many.parameters[0][2].ravel())


def test_along_lanes_each_gives_the_bits_that_it_gives_alone(tiny: Any) -> None:
    many = tiny.Replicas(3, seed=4, learning_rate=RATES)
    options = [{"epochs": 2, "batch_size": 4}, {"batch_size": 2, "shuffle": False}, {}]
    for each in options:
        many.fit(X, Y, **each)
    for replica, rate in enumerate(RATES):
        one = tiny.Replicas(1, seed=4 + replica, learning_rate=rate)
        trainer = tiny.Trainer(seed=4 + replica, learning_rate=rate)
        for each in options:
            one.fit(X, Y, **each)
            trainer.fit(X, Y, **each)
        np.testing.assert_array_equal(flat(one[0]), flat(many[replica]))
        np.testing.assert_allclose(flat(many[replica]), flat(trainer), rtol=1e-12)
        costs = [record["cost"] for record in many[replica].history]
        np.testing.assert_allclose(costs, [r["cost"] for r in trainer.history], rtol=1e-12)


@pytest.mark.parametrize("kind", ["tiny", "dealt"])
def test_each_on_rows_of_its_own(kind: str, request: pytest.FixtureRequest) -> None:
    module = request.getfixturevalue(kind)
    # Of other lengths, and with an example twice.
    rows = [[0, 1, 2, 3], [4, 4, 5, 6], [7, 8, 0]]
    held_out = [[8], [0, 1], [2, 3]]
    many = module.Replicas(3).fit(X, Y, rows=rows, validation_rows=held_out, epochs=2, batch_size=2)
    for replica, (own, other) in enumerate(zip(rows, held_out, strict=True)):
        alone = module.Trainer(seed=replica).fit(X[own], Y[own], epochs=2, batch_size=2)
        np.testing.assert_allclose(flat(many[replica]), flat(alone), rtol=1e-11)
        cost = alone.loss(X[other], Y[other])
        assert many.latest("validation_cost")[replica] == pytest.approx(cost, rel=1e-11)


@pytest.mark.parametrize("kind", ["tiny", "dealt"])
def test_each_stops_by_itself(kind: str, request: pytest.FixtureRequest) -> None:
    module = request.getfixturevalue(kind)
    options: dict[str, Any] = {
        "epochs": 12, "batch_size": 3, "validation": (X[:3], 1 - Y[:3]), "patience": 2,
    }  # fmt: skip
    many = module.Replicas(3, seed=1, learning_rate=[0.9, 0.3, 0.01]).fit(X, Y, **options)
    ends = set()
    for replica, rate in enumerate([0.9, 0.3, 0.01]):
        alone = module.Trainer(seed=1 + replica, learning_rate=rate).fit(X, Y, **options)
        np.testing.assert_allclose(flat(many[replica]), flat(alone), rtol=1e-11)
        assert many[replica].epochs == alone.epochs
        best = min(record["validation_cost"] for record in alone.history)
        assert many.latest("validation_cost")[replica] == pytest.approx(best, rel=1e-11)
        ends.add(alone.epochs)
    assert len(ends) > 1  # some were trained while others had stopped
    assert (
        flat(many.best()).tolist()
        == flat(many[int(np.argmin(many.latest("validation_cost")))]).tolist()
    )


def test_a_callback_stops_some_and_changes_rates(tiny: Any) -> None:
    many = tiny.Replicas(3)

    def callback(epoch: int, record: dict[str, Any]) -> Any:
        many.hyperparameters["learning_rate"][1] = 0.01 * epoch
        return np.array([epoch >= 2, False, False])

    many.fit(X, Y, epochs=4, batch_size=9, callback=callback)
    assert [trainer.epochs for trainer in many] == [2, 4, 4]
    first = tiny.Trainer(seed=0).fit(X, Y, epochs=2, batch_size=9)
    np.testing.assert_allclose(flat(many[0]), flat(first), rtol=1e-12)
    second = tiny.Trainer(seed=1)
    for epoch in range(4):
        second.hyperparameters["learning_rate"] = 0.01 * epoch if epoch else 0.1
        second.fit(X, Y, batch_size=9)
    np.testing.assert_allclose(flat(many[1]), flat(second), rtol=1e-12)
    assert np.isnan(many.history[-1]["cost"][0])
    assert many.history[-1]["trained"].tolist() == [False, True, True]


def test_what_a_trainer_does_all_do(tiny: Any) -> None:
    many = tiny.Replicas(seed=[3, 1], replicas=2).fit(X, Y)
    outputs = many.predict(X)
    assert outputs.shape == (2, 9, 1)
    np.testing.assert_array_equal(outputs[1], many[1].predict(X))
    mean, spread = many.mean_and_spread(X)
    np.testing.assert_allclose(mean, outputs.mean(axis=0))
    np.testing.assert_allclose(spread, outputs.std(axis=0))
    assert many.loss(X, Y).tolist() == [trainer.loss(X, Y) for trainer in many]
    assert flat(many.best(X, Y)).tolist() == flat(many[int(np.argmin(many.loss(X, Y)))]).tolist()
    assert "<table>" in many._repr_html_()
    assert "2 replicas" in repr(many)
    np.testing.assert_array_equal(flat(many[-1]), flat(many[1]))


def test_they_go_on_as_if_they_had_never_stopped(tmp_path: Path, dealt: Any) -> None:
    many = dealt.Replicas(2, learning_rate=[0.1, 0.2]).fit(X, Y, epochs=2)
    many.save(tmp_path / "many.npz")
    others = [dealt.Replicas.load(tmp_path / "many.npz"), copy.copy(many)]
    state = pickle.loads(pickle.dumps(many.__getstate__()))
    others.append(dealt.Replicas.__new__(dealt.Replicas))
    others[-1].__setstate__(state)
    many.fit(X, Y)
    for other in others:
        other.fit(X, Y)
        for mine, theirs in zip(many.parameters, other.parameters, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert len(other.history) == 3
    (tmp_path / "cut.npz").write_bytes((tmp_path / "many.npz").read_bytes()[:300])
    with pytest.raises(ValueError, match="not saved replicas of this program"):
        dealt.Replicas.load(tmp_path / "cut.npz")


def test_noise_is_drawn_by_the_seed_of_each() -> None:
    program = bp.Network([bp.Dense(3, "tanh"), bp.Dropout(0.5), bp.Dense(1)], input=2)
    module = made(program)
    assert module.Replicas.lanes is None
    many = module.Replicas(2, seed=5).fit(X, Y, epochs=2, batch_size=4)
    for replica in range(2):
        alone = module.Trainer(seed=5 + replica).fit(X, Y, epochs=2, batch_size=4)
        np.testing.assert_array_equal(flat(many[replica]), flat(alone))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"replicas": 0}, "replicas: expected at least 1"),
        ({"replicas": 2, "seed": [1, 2, 3]}, "seed: expected an integer, or 2"),
        ({"replicas": 2, "learning_rate": [0.1]}, "learning_rate: expected a number, or 2"),
        ({"replicas": 2, "learning_rate": [0.1, -1]}, "learning_rate: expected a number > 0"),
        ({"replicas": 2, "lerning_rate": 0.1}, "did you mean learning_rate"),
    ],
)
def test_what_they_cannot_be_made_of(tiny: Any, options: Any, line: str) -> None:
    with pytest.raises((TypeError, ValueError), match=line):
        tiny.Replicas(**options)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"rows": [[0]]}, "rows: expected 2 arrays"),
        ({"rows": [[0], [9]]}, r"rows\[1\]\[0\] is 9"),
        ({"rows": [[0], []]}, r"rows\[1\]: expected"),
        ({"patience": 2}, "patience: expected validation"),
        ({"validation": (X, Y), "validation_rows": [[0], [1]]}, "not both"),
        ({"callback": lambda *_: np.array([True])}, "callback: expected True, None or 2 booleans"),
        ({"threads": 0}, "threads: expected at least 1"),
        ({"sample_weight": np.ones(9)}, "no target of this program holds weights"),
    ],
)
def test_what_they_cannot_be_trained_with(tiny: Any, options: Any, line: str) -> None:
    with pytest.raises((TypeError, ValueError), match=line):
        tiny.Replicas(2).fit(X, Y, **options)


def test_values_for_each_in_an_optimizer() -> None:
    nested = bp.Clip(bp.Adam([0.1, 0.2], beta1=[0.8, 0.9]), max_norm=1.0)
    one, values = of_one_network(nested, 2)
    assert one == bp.Clip(bp.Adam(0.1, beta1=0.8), max_norm=1.0)
    assert values == {"learning_rate": (0.1, 0.2), "beta1": (0.8, 0.9)}
    decay = of_one_network(bp.SGD(bp.CosineDecay([0.1, 0.3], steps=5)), 2)
    assert decay[1] == {"learning_rate": (0.1, 0.3)}
    with pytest.raises(SymbpError, match="expected one value, or 3"):
        of_one_network(bp.SGD([0.1, 0.2]), 3)
    with pytest.raises(SymbpError, match="pass replicas=2"):
        bp.compile(TINY, bp.SGD([0.1, 0.2]))
    with pytest.raises(SymbpError, match="learning_rate: expected a number > 0"):
        bp.SGD([0.1, 0.0])
    with pytest.raises(SymbpError, match="seed: expected an int, or 2"):
        bp.compile(TINY, bp.SGD([0.1, 0.2]), replicas=2, seed=[1])


@pytest.mark.slow
@pytest.mark.optimised
def test_compiled_they_are_what_jax_maps(tmp_path: Path) -> None:
    """Against vmap in float64; a generated module has them too, with runtime beside it."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    path = bp.generate(TINY, tmp_path / "net.py", bp.SGD(RATES), replicas=3, runtime="beside")
    assert "import symbp\n" not in path.read_text() + (tmp_path / "symbp_runtime.py").read_text()
    many = bp.load_module(path).Replicas(seed=2)
    again = bp.compile(TINY, bp.SGD(RATES), replicas=3, seed=2)
    start = [jax.numpy.asarray(array.copy()) for array in many.parameters]
    many.fit(X, Y, epochs=3, batch_size=9)
    again.fit(X, Y, epochs=3, batch_size=9, threads=2)

    def cost(parameters: Any) -> Any:
        a = X
        for weights, biases in zip(parameters[::2], parameters[1::2], strict=True):
            a = jax.numpy.tanh(a @ weights.T + biases)
        return ((a - Y) ** 2).sum() / (2 * len(X))

    def train(parameters: Any, rate: Any) -> Any:
        for _ in range(3):
            slopes = jax.grad(cost)(parameters)
            parameters = [p - rate * g for p, g in zip(parameters, slopes, strict=True)]
        return parameters

    expected = jax.vmap(train)(start, np.array(RATES))
    for mine, same, theirs in zip(many.parameters, again.parameters, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-14)
        np.testing.assert_array_equal(mine, same)
    found = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(found.predict(X), again.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        bp.Network([bp.LSTM(3), bp.Dense(1)], input=(4, 4)),
        bp.Network(
            [bp.Conv1d(2, 2), bp.Activation("tanh"), bp.Flatten(), bp.Dense(1)], input=(4, 4)
        ),
    ],
    ids=["LSTM", "convolution"],
)
def test_networks_beyond_dense_ones(program: bp.Program) -> None:
    x = RNG.normal(size=(6, 4, 4))
    y = RNG.normal(size=(6, *program.targets[0].shape[1:]))
    module = made(program, bp.Adam(0.01))
    many = module.Replicas(2, seed=3, learning_rate=[0.01, 0.1]).fit(x, y, batch_size=4)
    for replica, rate in enumerate([0.01, 0.1]):
        alone = module.Trainer(seed=3 + replica, learning_rate=rate).fit(x, y, batch_size=4)
        np.testing.assert_array_equal(flat(many[replica]), flat(alone))
