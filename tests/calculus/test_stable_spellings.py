"""Formulas of exponentials as people write them, against many digits, values and gradients.

The bound, for inputs up to 1000 in size: an error of 1e-13 times the condition number of the
result, if that is more than 1, plus the smallest normal number. The formulas are listed below, and
composed at random from a grammar (:mod:`tests.calculus.spellings`). ``python -m
tests.calculus.test_stable_spellings 0 1000`` reports on a range of those.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.calculus.normalise import normalise
from symbp.calculus.stabilise import stabilise
from tests.calculus.accuracy import faults, stable_results
from tests.calculus.spellings import Spelling, point

E, exp, log, sigmoid, tanh, Sum = bp.Equation, bp.exp, bp.log, bp.sigmoid, bp.tanh, bp.Sum
SIZE = 3

Formula = Callable[..., list[bp.Equation]]


class _Names:
    """A vector x, a vector z, a scalar u, data y and w, and new tensors; names carry a suffix."""

    def __init__(self, suffix: str = "") -> None:
        self.suffix = suffix
        self.j = bp.Index("j", SIZE)
        self.k, self.l = self.j.fresh(), self.j.fresh()
        j = self.j
        self.x, self.z = (bp.parameter(f"{n}{suffix}", j) for n in "xz")
        self.u = bp.parameter(f"u{suffix}")[()]
        self.y, self.w = bp.target(f"y{suffix}", j), bp.target(f"w{suffix}", j)
        self.f = bp.tensor(f"f{suffix}")

    def tensor(self, name: str, *indices: bp.Index) -> bp.Tensor:
        return bp.tensor(f"{name}{self.suffix}", *indices)

    def total(self, body: Callable[[bp.Index], Any], index: Any = None) -> Any:
        index = self.k if index is None else index
        return Sum(body(index), index)

    def softmax(self, x: bp.Tensor, j: bp.Index) -> Any:
        return exp(x[j]) / Sum(exp(x[self.l]), self.l)


def _one(formula: Callable[[_Names], Any]) -> Callable[[_Names], list[bp.Equation]]:
    return lambda n: [E(n.f, formula(n))]


def _product_with_reciprocal(n: _Names) -> list[bp.Equation]:
    j = n.j
    e, s, p = n.tensor("e", j), n.tensor("s"), n.tensor("p", j)
    return [
        E(e[j], exp(n.x[j])), E(s, 1 / Sum(e[j], j)), E(p[j], e[j] * s[()]),
        E(n.f, Sum(n.y[j] * log(p[j]), j)),
    ]  # fmt: skip


def _sum_in_two_terms(n: _Names) -> list[bp.Equation]:
    s = n.tensor("s")
    return [E(s, n.total(lambda k: exp(n.x[k])) + 1), E(n.f, log(s[()]))]


def _bernoulli(n: _Names) -> list[bp.Equation]:
    p, q = n.tensor("p"), n.tensor("q")
    return [
        E(p, sigmoid(n.u)), E(q, 1 - p[()]),
        E(n.f, -p[()] * log(p[()]) - q[()] * log(q[()])),
    ]  # fmt: skip


def _masked(n: _Names) -> list[bp.Equation]:
    j, k = n.j, n.k
    kept = exp(n.x[k] - 1e9 * (1 - n.w[k]))
    return [E(n.f, Sum(n.y[j] * n.w[j] * (n.x[j] - log(Sum(kept, k))), j))]


def _causal(n: _Names) -> list[bp.Equation]:
    j, k = n.j, n.k
    total = Sum(bp.where(sympy.Le(k, j), exp(n.x[k]), 0), k)
    return [E(n.f, Sum(n.y[j] * log(exp(n.x[j]) / total), j))]


def _mixture(n: _Names) -> list[bp.Equation]:
    k = n.k
    p = n.softmax(n.x, k) * exp(-((n.u - n.z[k]) ** 2) / 2000)
    return [E(n.f, -log(Sum(p, k)))]


def _logit_of_softmax(n: _Names) -> list[bp.Equation]:
    j = n.j
    p, q = n.tensor("p", j), n.tensor("q", j)
    return [
        E(p[j], n.softmax(n.x, j)), E(q[j], 1 - p[j]),
        E(n.f, Sum(n.y[j] * log(p[j] / q[j]), j)),
    ]  # fmt: skip


def _hazard(n: _Names) -> list[bp.Equation]:
    rate = n.tensor("rate")
    return [E(rate, exp(n.u)), E(n.f, -log(1 - exp(-rate[()])))]


def _one_against_the_rest(n: _Names) -> list[bp.Equation]:
    j = n.j
    p = n.tensor("p", j)
    return [
        E(p[j], n.softmax(n.x, j)),
        E(n.f, -Sum(n.w[j] * log(p[j]) + (1 - n.w[j]) * log(1 - p[j]), j)),
    ]  # fmt: skip


def _coin_of_a_logit(n: _Names) -> list[bp.Equation]:
    p = n.tensor("p")
    return [
        E(p, sigmoid(-(n.u**2) / 1000)),
        E(n.f, -p[()] * log(p[()]) - (1 - p[()]) * log(1 - p[()])),
    ]


def _divergence(n: _Names) -> list[bp.Equation]:
    j = n.j
    p, q = n.tensor("p", j), n.tensor("q", j)
    return [
        E(p[j], n.softmax(n.x, j)), E(q[j], n.softmax(n.z, j)),
        E(n.f, Sum(p[j] * (log(p[j]) - log(q[j])), j)),
    ]  # fmt: skip


LISTED: dict[str, Callable[[_Names], list[bp.Equation]]] = {
    "log Mean": _one(lambda n: log(bp.Mean(exp(n.x[n.k]), n.k))),
    "log of twice a sum": _one(lambda n: log(2 * n.total(lambda k: exp(n.x[k])))),
    "log of a weighted sum": _one(lambda n: log(n.total(lambda k: n.y[k] * exp(n.x[k])))),
    "log of a sum and 1": _one(lambda n: log(n.total(lambda k: exp(n.x[k])) + 1)),
    "log of a sum and 1, in two": _sum_in_two_terms,
    "log of a root": _one(lambda n: log(bp.sqrt(n.total(lambda k: exp(n.x[k]))))),
    "log of a nested root": _one(lambda n: log(1 + bp.sqrt(n.total(lambda k: exp(n.x[k]))))),
    "log-cosh": _one(lambda n: log(n.total(lambda k: exp(n.x[k]) + exp(-n.x[k])))),
    "log of two": _one(lambda n: log(exp(n.u) + exp(n.x[0]))),
    "softmax as a product": _product_with_reciprocal,
    "log of a power": _one(lambda n: n.total(lambda k: log(n.softmax(n.x, k) ** n.y[k]))),
    "log of a mean under softmax": _one(
        lambda n: log(n.total(lambda k: n.y[k] * n.softmax(n.x, k)))
    ),
    "log of a picked probability": _one(
        lambda n: log(n.total(lambda k: n.w[k] * n.softmax(n.x, k)))
    ),
    "logit": _one(lambda n: log(sigmoid(n.u) / (1 - sigmoid(n.u)))),
    "log of exp minus 1": _one(lambda n: log(exp(bp.softplus(n.u)) - 1)),
    "tanh by hand": _one(lambda n: (exp(n.u) - exp(-n.u)) / (exp(n.u) + exp(-n.u))),
    "log of sech": _one(lambda n: log(1 - tanh(n.u) ** 2)),
    "complement": _one(lambda n: 1 - sigmoid(n.u)),
    "softplus minus x": _one(lambda n: bp.softplus(n.u) - n.u),
    "entropy of a coin": _bernoulli,
    "entropy": _one(lambda n: n.total(lambda k: -n.softmax(n.x, k) * log(n.softmax(n.x, k)))),
    "log of softplus": _one(lambda n: log(bp.softplus(n.u))),
    # Others of the kind.
    "divergence": _divergence,
    "mixture": _mixture,
    "mask by a large number": _masked,
    "causal": _causal,
    "focal": _one(lambda n: -((1 - sigmoid(n.u)) ** 2) * log(sigmoid(n.u))),
    "focal with softmax": _one(
        lambda n: n.total(lambda k: -n.y[k] * (1 - n.softmax(n.x, k)) ** 2 * log(n.softmax(n.x, k)))
    ),
    "temperature": _one(
        lambda n: n.total(
            lambda k: n.y[k] * log(exp(n.x[k] / 3) / Sum(exp(n.x[n.l] / 3), n.l))
        )
    ),
    "generalised mean": _one(lambda n: bp.Mean(exp(n.x[n.k]), n.k) ** sympy.Rational(1, 3)),
    "product of logistics": _one(lambda n: 1 / ((1 + exp(-n.u)) * (1 + exp(n.u - 1)))),
    "mean under softmax": _one(
        lambda n: n.total(lambda k: n.y[k] * exp(n.x[k])) / n.total(lambda k: exp(n.x[k]))
    ),
    "swish by hand": _one(lambda n: n.u * exp(n.u) / (1 + exp(n.u))),
    "complement of a softmax": _one(
        lambda n: n.total(lambda k: n.y[k] * log(1 - n.softmax(n.x, k)))
    ),
    "logit of a softmax": _logit_of_softmax,
    "one against the rest": _one_against_the_rest,
    "root of a complement": _one(lambda n: log(bp.sqrt(1 - n.softmax(n.x, sympy.S.Zero)))),
    "density of Gumbel": _one(lambda n: exp(-(n.u + exp(-n.u)))),
    "hazard in discrete time": _one(lambda n: -log(1 - exp(-exp(n.u)))),
    "noisy or": _one(
        lambda n: log(1 - (1 - sigmoid(n.x[0])) * (1 - sigmoid(n.x[1])) * (1 - sigmoid(n.u)))
    ),
    "square of a complement": _one(lambda n: log(1 - (1 - sigmoid(n.u)) ** 2)),
    "softmax of powers of 10": _one(
        lambda n: n.total(lambda k: n.y[k] * log(10 ** n.x[k] / Sum(10 ** n.x[n.l], n.l)))
    ),
    "logistic of powers of 2": _one(lambda n: 2**n.u / (1 + 2**n.u)),
    "hazard in two equations": _hazard,
    "tanh of exp": _one(lambda n: tanh(exp(n.u))),
    "log1p of exp": _one(lambda n: bp.log1p(exp(n.u))),
    "gumbel": _one(
        lambda n: n.total(lambda k: n.y[k] * exp((n.x[k] + n.z[k]) / 2))
        / n.total(lambda k: exp((n.x[k] + n.z[k]) / 2))
    ),
    "complements as weights": _one(
        lambda n: log(n.total(lambda k: n.softmax(n.x, k) * (1 - n.softmax(n.x, k))))
    ),
    "complements and data as weights": _one(
        lambda n: log(n.total(lambda k: n.y[k] * n.softmax(n.x, k) * (1 - n.softmax(n.x, k))))
    ),
    "probability of another than what was picked": _one(
        lambda n: log(n.total(lambda k: n.y[k] * (1 - n.softmax(n.x, k))))
    ),
    "odds of a softmax": _one(
        lambda n: log(n.total(lambda k: n.softmax(n.x, k) / (1 - n.softmax(n.x, k))))
    ),
    "log of tanh of softplus": _one(lambda n: log(tanh(bp.softplus(n.u)))),
    "log of tanh of exp": _one(lambda n: log(tanh(exp(n.u)))),
    "log of tanh, squared": _one(lambda n: log(tanh(n.u) ** 2)),
    "log of a difference, squared": _one(lambda n: log((exp(n.u) - 1) ** 2)),
    "log of sinh of softplus": _one(
        lambda n: log((exp(bp.softplus(n.u)) - exp(-bp.softplus(n.u))) / 2)
    ),
    "sigmoid and about what it lacks": _one(lambda n: log(sigmoid(n.u) + exp(-n.u))),
    "root of 1 and a quotient": _one(
        lambda n: log(
            bp.sqrt(1 / (1 + sigmoid(n.u) / n.total(lambda k: n.y[k] * n.softmax(n.x, k))))
        )
    ),
    "entropy of a coin of a logit": _coin_of_a_logit,
    "hazard of several": _one(lambda n: -log(1 - exp(-n.total(lambda k: exp(n.x[k]))))),
    "contrastive": _one(
        lambda n: -log(exp(n.u) / (exp(n.u) + n.total(lambda k: exp(n.x[k]))))
    ),
}  # fmt: skip

# Values of x, z and u.
POINTS: dict[str, tuple[list[float], list[float], float]] = {
    "moderate": ([0.3, -1.2, 2.0], [0.5, 0.1, -0.7], 0.7),
    "far up": ([1000.0, 998.0, -1000.0], [-1000.0, 400.0, 1000.0], 1000.0),
    "far down": ([-1000.0, -999.0, -800.0], [800.0, -800.0, 0.0], -1000.0),
    "a gap of forty": ([40.0, 0.0, -40.0], [0.0, 38.0, -2.0], 40.0),
    "minus forty": ([-40.0, -80.0, 3.0], [-40.0, 1.0, 1.0], -40.0),
    "ties": ([700.0, 700.0, 0.0], [-3.0, -3.0, -3.0], 300.0),
    "wide": ([-250.0, 20.0, 371.0], [500.0, 499.0, -700.0], -345.0),
}


def _values(at: str, suffix: str = "") -> dict[str, Any]:
    x, z, u = POINTS[at]
    given = {
        "x": np.array(x), "z": np.array(z), "u": u,
        "y": np.array([0.3, 1.1, 0.6]), "w": np.array([0.0, 1.0, 1.0]),
    }  # fmt: skip
    return {f"{name}{suffix}": value for name, value in given.items()}


def _listed(name: str, suffix: str = "") -> bp.Program:
    names = _Names(suffix)
    return bp.Program(LISTED[name](names), cost=names.f)


def _read(program: bp.Program, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of what a program reads."""
    there = {tensor.name for tensor in program.tensors}
    return {name: value for name, value in values.items() if name in there}


MORE_POINTS = ("minus forty", "ties", "wide")


@pytest.mark.parametrize(
    "at", [pytest.param(p, marks=[pytest.mark.slow] if p in MORE_POINTS else []) for p in POINTS]
)
@pytest.mark.parametrize("name", LISTED)
def test_a_formula_by_hand_is_right(name: str, at: str) -> None:
    program = _listed(name)
    assert faults(program, _read(program, _values(at))) == []


@pytest.mark.parametrize(
    "name",
    ["logit of a softmax", "one against the rest", "root of a complement",
     "complement of a softmax", "density of Gumbel", "hazard in discrete time", "tanh of exp",
     "hazard in two equations", "noisy or", "square of a complement", "softmax of powers of 10",
     "complements as weights", "complements and data as weights", "odds of a softmax",
     "log of tanh of softplus", "log of tanh of exp", "log of sinh of softplus",
     "hazard of several"],
)  # fmt: skip
@pytest.mark.parametrize("x", [[900.0, -900.0, 3.0], [3.0, 900.0, -900.0], [-900.0, 3.0, 900.0]])
def test_the_complement_of_what_is_1_to_the_last_digit(name: str, x: list[float]) -> None:
    """Here ``1 - p`` itself is below the range, and a factor of a slope beyond it."""
    program = _listed(name)
    assert faults(program, _read(program, _values("wide") | {"x": np.array(x), "u": x[1]})) == []


# Some of each kind, a module for each. Those after the first line are compiled when there is time.
COMPILED = (
    "softmax as a product", "causal", "tanh by hand", "hazard in discrete time",
    "log of a mean under softmax", "log-cosh", "entropy of a coin", "entropy",
    "one against the rest", "odds of a softmax", "log of tanh of softplus",
    "log of a difference, squared", "entropy of a coin of a logit",
)  # fmt: skip


@pytest.mark.parametrize("form", [pytest.param("fast", marks=pytest.mark.slow), "accurate"])
@pytest.mark.parametrize(
    "name",
    [*COMPILED[:4], *(pytest.param(name, marks=pytest.mark.slow) for name in COMPILED[4:])],
)
def test_the_module_computes_what_the_interpreter_does(name: str, form: Any) -> None:
    program = _listed(name)
    trainer = bp.compile(program, derivatives=form)
    for at in POINTS:
        values = _read(program, _values(at))
        given = {t.name: np.array(values[t.name]) for t in program.parameters}
        cost, gradient = trainer.module.gradient(
            trainer.parameters._replace(**given), *(values[t.name] for t in program.targets)
        )
        right = stable_results(program, values)
        np.testing.assert_allclose(cost, right["f"], rtol=1e-13, err_msg=at)
        for parameter in program.parameters:
            np.testing.assert_allclose(
                getattr(gradient, parameter.name),
                right[f"{parameter.name}_adjoint"],
                rtol=1e-11 if form == "accurate" else 1e-9,
                atol=1e-30 if form == "accurate" else 1e-14,
                err_msg=at,
            )


def _faults_of_spelling(seed: int) -> tuple[list[str], bool]:
    """Return what is wrong with a random spelling, and whether it was rewritten."""
    program = Spelling(seed).program
    values = _read(program, point(seed + 10**6))
    plain = normalise(program)
    return faults(program, values), str(stabilise(plain)) != str(plain)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_random_spellings_are_right(first: int) -> None:
    wrong = {seed: _faults_of_spelling(seed)[0] for seed in range(first, first + 10)}
    assert {seed: found for seed, found in wrong.items() if found} == {}


@pytest.mark.parametrize("seed", [5020, 5302, 7289])
def test_a_random_spelling_that_was_off_is_right(seed: int) -> None:
    """A root of 1 and a quotient, a sigmoid and what it lacks, a coin near a half."""
    assert _faults_of_spelling(seed)[0] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [("-log(1 - exp(-exp(u)))", "hazard in discrete time"),
     ("log(tanh(softplus(u)))", "log of tanh of softplus")],
)  # fmt: skip
@pytest.mark.parametrize("u", [-900.0, -3.0, 2.0])
def test_a_trace_is_as_stable(text: str, name: str, u: float) -> None:
    traced = bp.trace(text, {"u": u})
    results = {"f": traced.value, "u_adjoint": traced.gradient["u"]}
    assert faults(_listed(name), {"u": u}, results) == []


@pytest.mark.slow
def test_a_thousand_random_spellings_are_right() -> None:
    wrong, rewritten = _report(range(1000))
    assert wrong == {}
    assert rewritten > 500


def _report(seeds: range) -> tuple[dict[int, list[str]], int]:
    wrong, rewritten = {}, 0
    for seed in seeds:
        found, changed = _faults_of_spelling(seed)
        rewritten += changed
        if found:
            wrong[seed] = found
    return wrong, rewritten


if __name__ == "__main__":
    _seeds = range(int(sys.argv[1]), int(sys.argv[2]))
    _wrong, _rewritten = _report(_seeds)
    for _seed, _found in _wrong.items():
        print(_seed, Spelling(_seed).program, *_found, sep="\n  ")
    print(f"{len(_wrong)} of {len(_seeds)} are off, {_rewritten} were rewritten")
