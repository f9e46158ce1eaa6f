"""Noise: the words of the generator, the laws, and equations in the place of what is drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

import symbp as bp
from symbp.calculus.contract import contract
from symbp.calculus.expand import expand
from symbp.calculus.fold import fold
from symbp.calculus.interpreter import interpret
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.noise import advanced, at_mean, drawn
from symbp.calculus.normalise import normalise
from symbp.calculus.precise import evaluate
from symbp.calculus.reverse import reverse
from symbp.calculus.share import share
from symbp.calculus.signature import signature
from symbp.calculus.stabilise import stabilise
from symbp.checking.check import random_values
from symbp.networks.optimizers import optimise
from symbp.notation.philox import KEY_NAMES, key_parts, philox
from tests import jax_oracle
from tests.comparison import assert_close
from tests.random_noise import noisy_example

# Random123's published answers (kat_vectors): counter, key, result.
PUBLISHED = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip
SEEDS = [*(f"equations {seed}" for seed in range(4)), *(f"recurrence {seed}" for seed in range(4))]


def words_of(text: str) -> Any:
    return tuple(np.uint64(int(word, 16)) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "result"), PUBLISHED)
def test_the_words_are_those_that_are_published(counter: str, key: str, result: str) -> None:
    assert philox(words_of(counter), words_of(key)) == words_of(result)


def one_tensor(**law: Any) -> bp.Program:
    """Return a program that reads a tensor of 200 by 50 draws."""
    n, j = bp.indices("n j", 200, 50)
    e, w, C = bp.noise("e", n, j, **law), bp.parameter("w", j), bp.tensor("C")
    return bp.Program([bp.Equation(C, bp.Sum(w[j] * e[n, j], n, j))], cost=C)


DISTRIBUTIONS: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "normal": ({}, scipy.stats.norm().cdf),
    "another normal": ({"mean": 3, "scale": 0.5}, scipy.stats.norm(3, 0.5).cdf),
    "uniform": ({"law": "uniform"}, scipy.stats.uniform().cdf),
    "another uniform": ({"law": "uniform", "low": -2, "high": 1}, scipy.stats.uniform(-2, 3).cdf),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_have_their_law(name: str) -> None:
    law, cumulated = DISTRIBUTIONS[name]
    program = one_tensor(**law)
    found = bp.replayed(program, seed=5, step=7)["e"].ravel()
    # Of 10 000 draws: the distance is below 0.0163 in 99 of 100 samples (Kolmogorov, Smirnov).
    assert scipy.stats.kstest(found, cumulated).statistic < 0.0163
    # What stands beside, below, in the next step and for the next seed is independent of it.
    others = [
        bp.replayed(program, seed=5, step=8)["e"].ravel(),
        bp.replayed(program, seed=6, step=7)["e"].ravel(),
        np.roll(found, 1),
        np.roll(found, 50),
    ]
    assert all(abs(np.corrcoef(found, other)[0, 1]) < 0.035 for other in others)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_a_bernoulli_law_draws_ones_with_its_probability(p: float) -> None:
    found = bp.replayed(one_tensor(law="bernoulli", probability=p), seed=3)["e"]
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert abs(found.mean() - p) <= 3 * np.sqrt(p * (1 - p) / found.size)


def test_tensors_of_other_names_are_independent_and_of_the_same_name_are_not() -> None:
    j = bp.Index("j", 1000)
    w, C = bp.parameter("w", j), bp.tensor("C")

    def program(*names: str) -> bp.Program:
        factors = [bp.noise(name, j)[j] for name in names]
        return bp.Program([bp.Equation(C, bp.Sum(w[j] * sum(factors), j))], cost=C)

    both, alone = bp.replayed(program("a", "b")), bp.replayed(program("b"))
    np.testing.assert_array_equal(both["b"], alone["b"])
    assert abs(np.corrcoef(both["a"], both["b"])[0, 1]) < 0.1


def test_a_short_batch_has_the_first_rows_of_a_long_one() -> None:
    n, j = bp.indices("n j", "N", 3)
    x, e, w, C = bp.input("x", n, j), bp.noise("e", n, j), bp.parameter("w"), bp.tensor("C")
    program = bp.Program([bp.Equation(C, bp.Mean(w * x[n, j] * e[n, j], n, j))], cost=C)
    long, short = bp.replayed(program, 10)["e"], bp.replayed(program, 4)["e"]
    np.testing.assert_array_equal(long[:4], short)
    with pytest.raises(bp.NotationError, match="noise e: say how many rows a batch has"):
        bp.replayed(program)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rows": -1}, "replayed: rows: expected an int >= 0, got -1"),
        ({"rows": 1.0}, "replayed: rows: expected an int >= 0, got 1.0"),
        ({"seed": -1}, "seed: expected an int >= 0, got -1"),
        ({"seed": 2**64}, f"seed: expected less than 2**64, got {2**64}"),
        ({"step": 2**44}, f"step: expected less than 2**44, got {2**44}"),
        ({"step": 1.5}, "step: expected an int >= 0, got 1.5"),
        ({"program": "e"}, "replayed: expected a program, got 'e'"),
    ],
)
def test_what_no_trainer_can_draw_is_not_replayed(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(bp.NotationError) as caught:
        bp.replayed(**{"program": one_tensor(), **asked})
    assert str(caught.value) == message


# Equations in the place of what is drawn ----------------------------------------------------------


def keyed(program: bp.Program, seed: int, step: int) -> dict[str, int]:
    """Return values for the key that a program reads."""
    return dict(zip(KEY_NAMES, key_parts(seed, step), strict=True))


@pytest.mark.parametrize("name", SEEDS)
def test_drawn_noise_is_what_is_replayed(name: str) -> None:
    program = noisy_example(name)
    rows, seed, step = 3, 2**63 + 12345, 2**40 + 6789
    values, noise = random_values(program, rows), bp.replayed(program, rows, seed, step)
    found = interpret(normalise(drawn(program).program), {**values, **keyed(program, seed, step)})
    for tensor in program.with_role("noise"):
        exact = tensor.law is not None and tensor.law.name != "normal"
        np.testing.assert_allclose(
            found[tensor.name], noise[tensor.name], rtol=0 if exact else 1e-14
        )
    given = interpret(normalise(program), {**values, **noise})
    assert program.cost is not None
    assert_close({"cost": found[program.cost.name]}, {"cost": given[program.cost.name]}, 1e-12)
    many = evaluate(program, {**values, **noise})[program.cost.name][()]
    assert_close({"cost": found[program.cost.name]}, {"cost": float(many)}, 1e-9)


@pytest.mark.parametrize("name", SEEDS)
def test_no_pass_changes_a_value(name: str) -> None:
    program = noisy_example(name)
    form = drawn(program)
    made = advanced(optimise(reverse(stabilise(normalise(form.program))), bp.SGD(0.25)), form.key)
    values = {**random_values(program, 3), **keyed(program, 77, 5)}
    wanted = [made.cost, *(new for _, new in made.updates)]

    def results(derived: bp.Program) -> dict[str, Any]:
        found = interpret(derived, values)
        return {tensor.name: found[tensor.name] for tensor in wanted if tensor is not None}

    expected = results(made)
    assert float(expected["step_low_next"]) == 6
    for change in (expand, share, fold, lower_logsumexp, contract, share):
        made = change(made)
        assert_close(results(made), expected)


@pytest.mark.parametrize("name", SEEDS)
def test_gradients_are_those_of_jax_for_the_same_noise(name: str) -> None:
    program = noisy_example(name)
    values = {**random_values(program, 3), **bp.replayed(program, 3)}
    made = reverse(normalise(drawn(program).program))
    found = interpret(made, values)
    gradients = {of.name: found[gradient.name] for of, gradient in made.gradients}
    assert_close(gradients, jax_oracle.gradients(program, values), 1e-11)


@pytest.mark.parametrize(
    ("step", "following"), [(0, 1), (2**22 - 2, 2**22 - 1), (2**22 - 1, 2**22), (2**40, 2**40 + 1)]
)
def test_a_step_counts_itself(step: int, following: int) -> None:
    e, w, C = bp.noise("e"), bp.parameter("w"), bp.tensor("C")
    form = drawn(bp.Program([bp.Equation(C, w * e)], cost=C))
    made = advanced(optimise(reverse(form.program), bp.SGD(0.1)), form.key)
    found = interpret(made, {"w": 1.0, **keyed(made, 3, step)})
    expected = key_parts(3, following)[-2:]
    assert (found["step_low_next"], found["step_high_next"]) == expected


def test_at_inference_noise_is_its_mean_or_drawn() -> None:
    w, C = bp.parameter("w"), bp.tensor("C")
    laws: dict[str, dict[str, Any]] = {
        "a": {"mean": 0.1},
        "b": {"law": "uniform", "low": 1, "high": 4},
        "c": {"law": "bernoulli", "probability": 0.3},
        "d": {"at_inference": "drawn"},
    }
    a, b, c, d = (bp.noise(name, **law) for name, law in laws.items())
    program = bp.Program([bp.Equation(C, w * a + w**2 * b + w**3 * c + d)], cost=C)
    assert str(at_mean(program)) == "C = w/10 + 5*w**2/2 + 3*w**3/10 + d"
    assert [t.name for t in at_mean(program).with_role("noise")] == ["d"]


def test_a_program_without_noise_stays_the_same_object() -> None:
    program = bp.mlp(2, 3, 1)
    assert drawn(program).program is program
    assert at_mean(program) is program
    assert advanced(program, ()) is program


def test_a_law_is_part_of_the_signature() -> None:
    laws: list[dict[str, Any]] = [{}, {"scale": 2}, {"at_inference": "drawn"}, {"law": "uniform"}]
    assert len({signature(one_tensor(**law)) for law in laws}) == len(laws)


# Mistakes -----------------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown law": ({"law": "normall"}, "noise e: law normall; did you mean 'normal' or "),
    "a law that is none": ({"law": 3}, "noise e: law 3; known: bernoulli, normal, uniform"),
    "a number of another law": (
        {"probability": 0.5}, "noise e: probability: a law 'normal' takes mean and scale only"
    ),
    "another number of another law": (
        {"law": "bernoulli", "scale": 1}, "scale: a law 'bernoulli' takes probability only"
    ),
    "a negative scale": ({"scale": -1}, "noise e: scale: expected 0 or more, got -1.0"),
    "an infinite mean": ({"mean": np.inf}, "noise e: mean: expected a finite number, got inf"),
    "a scale of text": ({"scale": "1"}, "noise e: scale: expected a finite number, got '1'"),
    "a probability above 1": (
        {"law": "bernoulli", "probability": 1.5},
        "noise e: probability: expected a number from 0 to 1, got 1.5",
    ),
    "ends in disorder": (
        {"law": "uniform", "low": 2}, "noise e: expected low below high, got 2.0 and 1.0"
    ),
    "an unknown form": (
        {"at_inference": "means"}, "noise e: at_inference means; did you mean 'mean'?"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_in_one_line(case: str) -> None:
    options, message = WRONG[case]
    with pytest.raises(bp.NotationError) as caught:
        bp.noise("e", **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_noise_is_not_defined_and_has_its_examples_first() -> None:
    n, j = bp.indices("n j", "N", 3)
    e, w, C = bp.noise("e", j), bp.parameter("w", j), bp.tensor("C")
    with pytest.raises(bp.NotationError, match="e is of role noise and cannot stand on the left"):
        bp.Program([bp.Equation(e[j], w[j]), bp.Equation(C, bp.Sum(e[j], j))], cost=C)
    x, e = bp.input("x", n, j), bp.noise("e", j, n)
    with pytest.raises(bp.NotationError, match="e: axis 1 has the run-time extent N"):
        bp.Program([bp.Equation(C, bp.Sum(w[j] * x[n, j] * e[j, n], n, j))], cost=C)


def test_names_that_would_be_drawn_alike_are_refused() -> None:
    # Two names of one checksum.
    a, b, w, C = bp.noise("e27430670"), bp.noise("e843248015"), bp.parameter("w"), bp.tensor("C")
    with pytest.raises(bp.NotationError, match="would be drawn like e27430670: give it another"):
        bp.Program([bp.Equation(C, w * a + b)], cost=C)
