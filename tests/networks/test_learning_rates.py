"""Schedules: their equations give the learning rate of each step that their formulas say."""

import math
from collections.abc import Callable

import numpy as np
import pytest

import symbp as bp
from symbp.networks.learning_rates import Schedule
from tests.optimizers import EVERY

ETA, STEPS, WARMUP, FINAL, GAMMA = 0.4, 12, 3, 0.01, 0.7


def cosine(s: int) -> float:
    p = min(s / (STEPS - WARMUP), 1)
    return FINAL + (ETA - FINAL) * (1 + math.cos(math.pi * p)) / 2


def linear(s: int) -> float:
    return ETA + (FINAL - ETA) * min(s / (STEPS - WARMUP), 1)


def one_cycle(s: int) -> float:
    top, first = 0.3 * STEPS - 1, ETA / 25
    if s <= top:
        return ETA + (first - ETA) * (1 + math.cos(math.pi * s / top)) / 2
    p = min((s - top) / (STEPS - 1 - top), 1)
    return first / 1e4 + (ETA - first / 1e4) * (1 + math.cos(math.pi * p)) / 2


FORMULAS: dict[str, tuple[Schedule, int, Callable[[int], float]]] = {
    "cosine": (bp.CosineDecay(ETA, STEPS, WARMUP, FINAL), WARMUP, cosine),
    "linear": (bp.LinearDecay(ETA, STEPS, WARMUP, FINAL), WARMUP, linear),
    "exponential": (
        bp.ExponentialDecay(ETA, GAMMA, 4, WARMUP), WARMUP, lambda s: ETA * GAMMA ** (s / 4)
    ),
    "step": (bp.StepDecay(ETA, 4, GAMMA, WARMUP), WARMUP, lambda s: ETA * GAMMA ** (s // 4)),
    "step without warm-up": (bp.StepDecay(ETA, 4, GAMMA), 0, lambda s: ETA * GAMMA ** (s // 4)),
    "one cycle": (bp.OneCycle(ETA, STEPS), 0, one_cycle),
    "warm-up": (bp.Warmup(ETA, WARMUP), WARMUP, lambda s: ETA),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_the_rates_are_those_of_the_formula(name: str) -> None:
    schedule, warmup, formula = FORMULAS[name]
    expected = [
        ETA * step / warmup if step < warmup else formula(step - warmup) for step in range(20)
    ]
    np.testing.assert_allclose(schedule.rates(20), expected, rtol=1e-14)


def test_rates_agree_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    kinds = torch.optim.lr_scheduler
    pairs = {
        "cosine": (bp.CosineDecay(ETA, STEPS, final=FINAL), kinds.CosineAnnealingLR,
                   {"T_max": STEPS, "eta_min": FINAL}),
        "linear": (bp.LinearDecay(ETA, STEPS, final=ETA / 8), kinds.LinearLR,
                   {"start_factor": 1.0, "end_factor": 1 / 8, "total_iters": STEPS}),
        "exponential": (bp.ExponentialDecay(ETA, GAMMA), kinds.ExponentialLR, {"gamma": GAMMA}),
        "step": (bp.StepDecay(ETA, 4, GAMMA), kinds.StepLR, {"step_size": 4, "gamma": GAMMA}),
        "one cycle": (bp.OneCycle(ETA, STEPS), kinds.OneCycleLR,
                      {"max_lr": ETA, "total_steps": STEPS, "cycle_momentum": False}),
    }  # fmt: skip
    for schedule, kind, options in pairs.values():
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=ETA)
        theirs = kind(optimizer, **options)
        expected = []
        for _ in range(STEPS):
            expected.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            theirs.step()
        np.testing.assert_allclose(schedule.rates(STEPS), expected, rtol=1e-12, atol=1e-15)


def test_rates_agree_with_optax() -> None:
    optax = pytest.importorskip("optax")
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        cosine = optax.warmup_cosine_decay_schedule(0.0, ETA, WARMUP, STEPS, FINAL)
        decay = optax.exponential_decay(ETA, 4, GAMMA)
        for schedule, theirs in (
            (bp.CosineDecay(ETA, STEPS, WARMUP, FINAL), cosine),
            (bp.ExponentialDecay(ETA, GAMMA, 4), decay),
        ):
            steps = np.arange(20.0)
            expected = [float(theirs(step)) for step in steps]
            np.testing.assert_allclose(schedule.rates(20), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["cosine", "step", "one cycle"])
def test_a_rule_takes_the_scheduled_rate(name: str) -> None:
    schedule = FORMULAS[name][0]
    w, C = bp.parameter("w"), bp.tensor("C")
    trainer = bp.Program([bp.Equation(C, 3 * w)], cost=C)
    from symbp.calculus.interpreter import interpret
    from symbp.calculus.reverse import reverse
    from symbp.networks.optimizers import optimise

    program = optimise(reverse(trainer), bp.SGD(schedule))
    values = {t.name: 0.0 for t, _ in program.updates}
    for rate in schedule.rates(6):
        found = interpret(program, values)
        assert found["w_next"] == pytest.approx(values["w"] - 3 * rate, rel=1e-14)
        values = {old.name: found[new.name] for old, new in program.updates}


def test_every_schedule_is_among_the_optimizers_of_the_other_tests() -> None:
    used = repr(EVERY)
    kinds = {type(schedule).__name__ for schedule, _, _ in FORMULAS.values()} - {"Warmup"}
    assert {kind for kind in kinds if kind in used} == kinds


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bp.CosineDecay(0.1, steps=10, warmup=10), "steps: expected more than the warm-up"),
        (lambda: bp.LinearDecay(0, steps=10), "LinearDecay learning_rate: expected a number > 0"),
        (lambda: bp.CosineDecay(0.1, 10, final=-1), "CosineDecay final: expected a number >= 0"),
        (lambda: bp.CosineDecay(0.1), "missing a required argument: 'steps'"),
        (lambda: bp.CosineDecay(0.1, total=5), "no option 'total'"),
        (lambda: bp.StepDecay(0.1, steps=0), "StepDecay steps: expected a number > 0, got 0"),
        (lambda: bp.OneCycle(0.1, steps=3), "OneCycle steps: expected more than 3.33"),
        (lambda: bp.Warmup(0.1, -1), "Warmup warmup: expected a number > 0, got -1"),
        (lambda: bp.SGD(bp.CosineDecay), "SGD learning_rate: expected a number > 0"),
        (lambda: bp.Schedule().rates(3), "a schedule needs a method after"),
        (lambda: bp.Warmup(0.1, 3).rates(0), "steps: expected a positive int, got 0"),
    ],
)
def test_bad_use_is_refused_in_one_line(make: Callable[[], object], message: str) -> None:
    with pytest.raises(bp.SymbpError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
