"""check: what is wrong is found at any scale, what is right passes, and what is open is said."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import mpmath
import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.checking import check as checking
from symbp.checking.check_report import CheckReport, ModuleCheck
from symbp.checking.draws import draws
from tests.programs import PROGRAMS
from tests.random_equations import random_equations, random_recurrence
from tests.stand_in_module import stand_in

E, C = bp.Equation, bp.tensor("C")
BOTH = ("float64", "float32")


def seeds(quick: int, count: int) -> list[Any]:
    """Return so many seeds, of which the first are tried in every run."""
    return [pytest.param(s, marks=[pytest.mark.slow] if s >= quick else []) for s in range(count)]


@pytest.fixture
def interpreted() -> Iterator[None]:
    """Let nothing be compiled: most of a check is no matter of the module."""
    with patch("symbp.checking.module_comparison.compile", stand_in):
        yield


def total(body: Callable[[Any], Any], size: int = 3) -> tuple[bp.Program, str]:
    """Return a program that sums a function of the entries of a parameter, and its name."""
    j = bp.Index("j", size)
    u = bp.parameter("u", j)
    return bp.Program([E(C, bp.Sum(body(u[j]), j))], cost=C), "u"


def checked(body: Callable[[Any], Any], *values: float, **options: Any) -> CheckReport:
    program, name = total(body, len(values))
    return bp.check(program, {name: list(values)}, **options)


CONSTANT: dict[str, Callable[[Any], Any]] = {
    "one": lambda v: bp.sin(v / 3) ** 2 + bp.cos(v / 3) ** 2,
}


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", CONSTANT)
def test_a_gradient_of_zero_to_rounding_is_not_printed_as_quite_off(name: str) -> None:
    report = checked(CONSTANT[name], 0.1, 0.2, 0.3)
    assert report.passed
    assert report.differences["u"] < 1e-50


# Planted derivatives --------------------------------------------------------------------------

SHAPES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "exp": (lambda v: sympy.exp(-v), lambda v: -sympy.exp(-v)),
    "sin": (sympy.sin, sympy.cos),
    "cube": (lambda v: v**3, lambda v: 3 * v**2),
    "tanh": (sympy.tanh, lambda v: 1 - sympy.tanh(v) ** 2),
    "bump": (lambda v: v * sympy.exp(-(v**2)), lambda v: (1 - 2 * v**2) * sympy.exp(-(v**2))),
    "log": (lambda v: sympy.log(1 + v**2), lambda v: 2 * v / (1 + v**2)),
    "root": (lambda v: sympy.sqrt(1 + v**2), lambda v: v / sympy.sqrt(1 + v**2)),
    "one branch": (
        lambda v: bp.where(v > 0, v**2, sympy.sin(v)),
        lambda v: bp.where(v > 0, 2 * v, sympy.cos(v)),
    ),
    "decimals": (lambda v: 0.1 * v**3 + v / 7, lambda v: 0.3 * v**2 + 0.14285714285714285),
}


def planted(seed: int, error: float) -> tuple[bp.Program, dict[str, Any]]:
    """Return a program with a function whose derivative is off by a relative error, and a point."""
    drawn = random.Random(seed)
    value, slope = SHAPES[drawn.choice(sorted(SHAPES))]
    scale, width = 10.0 ** drawn.uniform(-12, 12), 10.0 ** drawn.uniform(-12, 12)
    made = bp.function(
        "made",
        lambda u: scale * value(u / width),
        lambda u: scale * slope(u / width) / width * (1 + error),
    )
    n, j = bp.indices("n j", "N", 3)
    x, u, s = bp.input("x", n), bp.parameter("u", j), bp.tensor("s", n, j)
    uses: list[Callable[[Any], Any]] = [
        lambda v: made(v) + x[n],
        lambda v: made(v) * (2 + x[n]),
        lambda v: made(v * (1 + x[n] ** 2)),
        lambda v: bp.where(x[n] > 5, 0, made(v)),
    ]
    body = drawn.choice(uses)(u[j])
    program = bp.Program([E(s[n, j], body), E(C, bp.Mean(s[n, j] * (1 + j), n, j))], cost=C)
    point = [drawn.uniform(0.3, 1.5) * drawn.choice((-1, 1)) * width for _ in range(3)]
    return program, {"u": point, "x": [drawn.uniform(-1, 1) for _ in range(2)]}


@pytest.mark.parametrize("seed", seeds(20, 60))
def test_a_derivative_wrong_by_a_millionth_is_found_and_a_right_one_passes(
    seed: int, interpreted: None
) -> None:
    sign = 1 if seed % 2 else -1
    report = bp.check(*planted(seed, sign * 1e-6))
    assert not report.passed
    assert any(line.startswith(("u[", "3 entries of u")) for line in report.wrong), str(report)
    assert report.differences["u"] == pytest.approx(1e-6, rel=1)
    right = bp.check(*planted(seed, 0))
    assert right.passed, str(right)
    assert right.differences["u"] < 1e-12


def test_a_function_that_is_flat_at_a_point_passes_there(interpreted: None) -> None:
    # The difference quotients of u³ at 0 are small and not 0.
    assert checked(lambda u: u**3, 0.0, 0.0).passed
    assert checked(lambda u: u**3 * bp.exp(u) + 1, 0.0, 0.0).passed
    wrong = bp.function("flat", lambda u: 1e-9 * u * bp.cos(u), lambda u: 1e-9 * u**2)
    assert not checked(wrong, 0.0, 0.0).passed


def test_a_steep_function_is_compared_and_no_kink(interpreted: None) -> None:
    def steep(slope: int) -> Any:
        return bp.function("f", lambda u: bp.exp(-10000 * u), lambda u: -slope * bp.exp(-10000 * u))

    wrong = checked(steep(11000), 1e-5, 2e-5, 0)
    assert len(wrong.wrong) == 3
    assert not wrong.passed
    assert not wrong.kinks
    assert "u[0]: the gradient is -9953.2116, differences give -9048.37418" in str(wrong)
    assert checked(steep(10000), 1e-5, 2e-5, 0).passed


def test_a_small_gradient_is_compared_relative_to_itself(interpreted: None) -> None:
    wrong = bp.function("f", lambda u: u**2, lambda u: 3 * u)
    report = bp.check(total(lambda u: 1e-9 * wrong(u))[0])
    assert not report.passed
    assert report.differences["u"] > 0.3
    # An entry that is far below the others, too.
    assert not checked(lambda u: bp.where(u > 0, u, 1e-30 * wrong(u)), 1, 2, -1).passed


def test_an_error_that_one_entry_of_many_has_is_found_there(interpreted: None) -> None:
    late = bp.function("f", lambda u: u**3, lambda u: 3 * u**2 + bp.where(u > 9, 1e-4, 0))
    report = checked(late, *([0.5] * 40), 10.0, *([0.25] * 20))
    assert len(report.wrong) == 1
    assert report.wrong[0].startswith("u[40]: the gradient is 300.0001, differences give 300 ")


# Points where formulas break ------------------------------------------------------------------


def test_a_gradient_that_is_nan_is_wrong_and_reads_so(interpreted: None) -> None:
    def nothing(u: Any) -> Any:
        return sympy.log(bp.Abs(u)) * bp.relu(-bp.Abs(u))

    broken = bp.function("f", lambda u: u**3, lambda u: 3 * u**2 + nothing(u))
    report = checked(broken, 0, 1, 2)
    assert not report.passed
    assert math.isnan(report.differences["u"])
    assert "u[0]: the gradient is nan, differences give 0 " in str(report)
    assert "0.0e+00" not in str(report).splitlines()[2].split()[1]


def test_drawn_numbers_hold_zeros_ones_ties_and_negative_numbers() -> None:
    program = bp.mlp(5, 4, 3)
    found = draws(program, 4, 0)
    assert not found[0].special
    special = [draw.values for draw in found[1:]]
    data = np.concatenate([v["x"].ravel() for v in special])
    parameters = np.concatenate([found[-1].values[p.name].ravel() for p in program.parameters])
    for numbers in (data, parameters):
        assert {-1.0, 0.0, 1.0} <= set(numbers.tolist())
        others = [v for v in numbers.tolist() if v not in (-1, 0, 1)]
        assert len(set(others)) < len(others)
    assert any((v["x"] >= 0).all() and (v["x"] == 0).any() for v in special)
    plain = found[0].values["x"]
    assert len(set(plain.ravel().tolist())) == plain.size


@pytest.mark.parametrize("seed", range(4))
def test_a_zero_under_a_power_is_drawn(seed: int, interpreted: None) -> None:
    # Whatever the derivative of 0**p by p is in the formulas: here, it is log(0)·0.
    n, j = bp.indices("n j", "N", 3)
    x, p, y = bp.input("x", n, j), bp.parameter("p"), bp.tensor("y", n)
    power = bp.function(
        "power", lambda a, b: a**b, lambda a, b: (b * a ** (b - 1), a**b * sympy.log(a)),
        arguments=2,
    )  # fmt: skip
    program = bp.Program(
        [
            E(y[n], bp.Mean(power(x[n, j], p[()]), j) ** (1 / p[()])),
            E(C, bp.Mean(y[n], n)),
        ],
        cost=C,
    )
    report = bp.check(program, seed=seed)
    assert not report.passed
    assert any("the gradient is nan" in line for line in report.wrong), str(report)
    assert any("outside of the domain" in line for line in report.draws)


def test_a_kink_has_one_sided_derivatives_and_the_gradient_lies_between(
    interpreted: None,
) -> None:
    report = checked(lambda u: bp.relu(u) + 3 * bp.Abs(u), 0, 1)
    assert report.passed
    assert report.skipped == 1
    (kink,) = report.kinks
    assert (kink.place, kink.left, kink.right, kink.gradient) == ("u[0]", -3, 4, 0)
    assert "u[0]: derivative -3 from the left, 4 from the right; the gradient is 0" in str(report)


def test_a_wrong_derivative_beside_a_kink_is_found(interpreted: None) -> None:
    late = bp.function(
        "f", lambda u: bp.Abs(u) * 3, lambda u: bp.where(u > 0, 3.00001, bp.where(u < 0, -3, 0))
    )
    report = checked(late, 0)
    assert report.wrong[0].startswith("u[0]: beside a kink, the gradient is -3 to the left and 3.0")
    assert checked(lambda u: 3 * bp.Abs(u), 0).passed


def test_a_tie_is_a_kink(interpreted: None) -> None:
    j = bp.Index("j", 3)
    u = bp.parameter("u", j)
    report = bp.check(bp.Program([E(C, bp.Max(u[j], j))], cost=C), {"u": [1, 1, 0]})
    assert report.passed
    assert [(k.left, k.right, k.gradient) for k in report.kinks] == [(0, 1, 0.5)] * 2


def test_a_gradient_beside_its_one_sided_derivatives_is_said(interpreted: None) -> None:
    odd = bp.function("f", sympy.Abs, lambda u: 5 + 0 * u + bp.where(u > 0, -4, -6))
    at_zero = bp.function("f", sympy.Abs, lambda u: bp.where(u > 0, 1, bp.where(u < 0, -1, 7)))
    assert checked(odd, 1, -1).passed
    report = checked(at_zero, 0, 1)
    assert not report.passed
    assert "not between the one-sided derivatives -1 and 1" in report.left_out[0]


def test_what_has_no_kink_is_wrong_where_the_formulas_have_one(interpreted: None) -> None:
    # u, in two halves: relu'(0) = 0 twice.
    report = checked(lambda u: bp.relu(u) - bp.relu(-u), 0, 1)
    assert report.wrong == ("u[0]: the gradient is 0, differences give 1 (the given values)",)


@pytest.mark.parametrize("body", [sympy.sqrt, lambda u: sympy.sign(u) + u], ids=["root", "jump"])
def test_what_cannot_be_compared_is_said_and_does_not_pass(
    body: Callable[[Any], Any], interpreted: None
) -> None:
    report = checked(body, 0, 1)
    assert not report.passed
    assert not report.wrong
    assert report.left_out[0].startswith("u[0]: no finite derivative by differences")
    assert "NOT PASSED: not everything could be compared" in str(report)


def test_a_draw_that_leaves_the_domain_says_so_and_others_decide(interpreted: None) -> None:
    n = bp.Index("n", "N")
    x, w = bp.input("x", n), bp.parameter("w")
    program = bp.Program([E(C, bp.Mean(sympy.log(1e-3 + x[n]) * w[()], n))], cost=C)
    report = bp.check(program)
    assert report.passed, str(report)
    assert report.draws[0].startswith("random numbers: outside of the domain, the cost is nan")


def test_parameters_that_must_be_positive_are_drawn_so(interpreted: None) -> None:
    report = bp.check(total(lambda u: u * sympy.log(u))[0])
    assert report.passed, str(report)
    assert [line.endswith("compared") for line in report.draws] == [False, True, False]


# What is right passes -------------------------------------------------------------------------


@pytest.mark.parametrize("z", [30.0, 1000.0])
def test_a_program_that_overflows_as_written_is_right(z: float, interpreted: None) -> None:
    i, j = bp.indices("i j", 3)
    b, q = bp.parameter("b", j), bp.tensor("q", j)
    softmax = sympy.exp(b[j]) / bp.Sum(sympy.exp(b[i]), i)
    program = bp.Program([E(q[j], softmax), E(C, -bp.Sum(sympy.log(q[j]) * (1 + j), j))], cost=C)
    report = bp.check(program, {"b": [z, -z, 0]})
    assert report.passed, str(report)
    assert report.digits is not None


def test_digits_are_added_until_the_result_settles(interpreted: None) -> None:
    # 1 - σ(300) is 1e-130: in 60 digits, its logarithm is that of 0.
    report = checked(lambda u: sympy.log(1 - bp.sigmoid(u)), 300, -1)
    assert report.passed, str(report)
    assert report.digits is not None
    assert report.digits > 130


@pytest.mark.parametrize("seed", seeds(2, 6))
def test_right_programs_pass_at_every_draw(seed: int, interpreted: None) -> None:
    for make in (random_equations, random_recurrence):
        report = bp.check(make(seed).program, seed=seed, dtype=BOTH, examples=2)
        assert report.passed, str(report)
        assert [module.dtype for module in report.modules] == ["float64", "float32"]


@pytest.mark.parametrize("name", ["attention", "embedding", "gram", "scalar_graph"])
def test_layers_of_every_kind_pass(name: str, interpreted: None) -> None:
    program, values = PROGRAMS[name]()
    report = bp.check(program, values)
    assert report.passed, str(report)
    assert max(report.differences.values()) < 1e-20


def test_what_stop_gradient_holds_is_held(interpreted: None) -> None:
    def held(u: Any) -> Any:
        return bp.stop_gradient(u**2) * u

    assert checked(held, 2, -1).differences["u"] < 1e-20
    assert not checked(lambda u: u**3, 2, dtype="float64").wrong
    wrong = bp.function("f", lambda u: u**3, lambda u: u**2)  # as if u² were held
    assert checked(wrong, 2, -1).wrong


def test_the_precision_of_the_caller_is_left_alone(interpreted: None) -> None:
    before = mpmath.mp.dps
    mpmath.mp.dps = 7
    try:
        assert checked(sympy.sin, 0.3, 1).passed
        assert mpmath.mp.dps == 7
    finally:
        mpmath.mp.dps = before


# The module -----------------------------------------------------------------------------------


def altered(factor: float, what: str = "u") -> Callable[..., Any]:
    """Return a stand-in whose gradient is off by a factor."""

    def make(program: bp.Program, optimizer: Any, dtype: str = "float64") -> Any:
        made = stand_in(program, optimizer, dtype)
        right = made.module.gradient

        def gradient(parameters: Any, *arrays: Any) -> Any:
            cost, gradients = right(parameters, *arrays)
            setattr(gradients, what, getattr(gradients, what) * factor)
            return cost, gradients

        made.module.gradient = gradient
        return made

    return make


@pytest.mark.parametrize(
    ("dtype", "factor", "passes"),
    [
        ("float64", 1 + 1e-16, True),
        ("float64", 1 + 1e-12, False),
        ("float64", 0.0, False),
        ("float64", math.nan, False),
        ("float32", 1 + 1e-7, True),
        ("float32", 1 + 1e-4, False),
        ("float32", -1.0, False),
    ],
)
def test_a_module_is_held_to_its_rounding(dtype: str, factor: float, passes: bool) -> None:
    with patch("symbp.checking.module_comparison.compile", altered(factor)):
        report = checked(lambda u: sympy.sin(u) * u, 0.5, -1, 2, dtype=dtype)
    assert report.passed is passes, str(report)
    assert passes or f"the {dtype} module gives" in report.wrong[0]
    assert report.differences["u"] < 1e-20


def test_a_module_may_lose_what_rounding_takes(interpreted: None) -> None:
    # u + 1e8 - 1e8, in stored steps: half of the digits are gone in any double.
    j = bp.Index("j", 3)
    u, s, t = bp.parameter("u", j), bp.tensor("s", j), bp.tensor("t", j)
    program = bp.Program(
        [E(s[j], u[j] + 1e8), E(t[j], s[j] - 1e8), E(C, bp.Sum(t[j] ** 3, j))], cost=C
    )
    report = bp.check(program, {"u": [0.1, 0.2, 0.3]})
    assert report.passed, str(report)
    assert report.module["u"] > 1e-10
    assert report.modules[0].bounds["u"] > report.module["u"]


def test_a_compiled_module_is_compared_in_both_precisions() -> None:
    report = bp.check(bp.mlp(4, 8, 3, activation="tanh"), dtype=BOTH, examples=2)
    assert report.passed, str(report)
    assert 0 < report.modules[1].errors["W1"] < 1e-5
    assert report.module["W1"] < 1e-13


# Size, text and arguments ---------------------------------------------------------------------


def test_a_program_that_is_too_large_is_compared_in_doubles(
    interpreted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "PRECISE_OPERATIONS", 10)
    report = bp.check(bp.mlp(3, 4, 2, activation="tanh"))
    assert report.passed, str(report)
    assert report.digits is None
    assert "in double precision" in str(report)
    wrong = bp.function("f", lambda u: u**2, lambda u: 2.00001 * u)
    found = bp.check(total(lambda u: 1e-9 * wrong(u), 4)[0])
    assert not found.passed
    assert found.wrong
    # 1e-9 beside 1: doubles cannot tell, and the report says so.
    hidden = bp.check(total(lambda u: 1 + 1e-13 * sympy.sin(u), 4)[0])
    assert not hidden.passed
    assert "do not resolve" in hidden.left_out[0]


def test_fewer_examples_are_drawn_where_there_are_many_operations(
    interpreted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_MANY_OPERATIONS", 1000)
    report = bp.check(bp.mlp(4, 5, 3), examples=32)
    assert report.passed, str(report)
    assert report.examples is not None
    assert report.examples < 32
    assert report.digits == 60


def test_what_takes_long_says_what_it_does(
    interpreted: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checked(sympy.sin, 0.3)
    assert not capsys.readouterr().err
    monkeypatch.setattr(checking, "_SILENT", -1.0)
    checked(sympy.sin, 0.3)
    assert capsys.readouterr().err.splitlines() == [
        "check: formulas against differences at the given values …",
        "check: the float64 module against the formulas …",
    ]


def test_a_report_of_old_still_works() -> None:
    report = CheckReport({"w": 1e-9}, {"w": 1e-16}, 0.0)
    assert report.passed
    assert not CheckReport({"w": 1e-5}, {"w": 1e-16}, 0.0).passed
    assert not CheckReport({"w": math.nan}, {"w": 1e-16}, 0.0).passed
    broken = ModuleCheck("float64", {"w": math.nan}, {"w": 1e-15}, 0.0, 0.0)
    assert not CheckReport({"w": 0.0}, broken.errors, 0.0, modules=(broken,)).passed


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: bp.check(p, dtype="float16"), "dtype: expected 'float64', 'float32' or both"),
        (lambda p: bp.check(p, dtype=()), "dtype: expected 'float64', 'float32' or both"),
        (lambda p: bp.check(p, {"v": 1}), "no array 'v' in this program"),
        (lambda p: bp.check(p, {"u": [1.0]}), "u: expected"),
        (lambda p: bp.check(bp.Program([E(C, 3)], cost=C)), "the program has no parameters"),
        (lambda p: bp.check(p.prune([])), "nothing to check: the program has no"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    call: Callable[[bp.Program], Any], message: str, interpreted: None
) -> None:
    with pytest.raises(bp.SymbpError) as caught:
        call(total(sympy.sin)[0])
    assert message in str(caught.value)
