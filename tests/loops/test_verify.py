"""The verifier proves what is sound for all sizes, and finds every fault that a run can show."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.loops.build import build
from symbp.loops.expand_products import expand_products
from symbp.loops.interpret import interpret
from symbp.loops.nodes import (
    MEMBER,
    Accumulate,
    Allocate,
    AllReduce,
    Argument,
    Assign,
    Barrier,
    Call,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Span,
    Statement,
    View,
)
from symbp.loops.traverse import elements_in
from symbp.loops.verify import verify
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index, batch_extent
from symbp.notation.tensor import Tensor
from symbp.notation.whole_numbers import Limit
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.loops.faults import error_of, faults
from tests.loops.running import ENTRIES, EXAMPLES, contracted, example, model_of, sampled
from tests.loops.team_programs import team_program
from tests.loops.test_passes import PASSES
from tests.random_networks import random_network

N = batch_extent("N")
B, E = batch_extent("batch_size"), batch_extent("examples")
n, m = Index("n", N), Index("m", N)
k, l = Index("k", 3), Index("l", 3)
t = Index("t", 4, sequential=True)
x, y = Tensor("x", (n,)), Tensor("y", (n,))
z, h = Tensor("z", (n,)), Tensor("h", (t,))
r, s = Tensor("r")[()], Tensor("s")[()]
FIRST, LAST = (sympy.Symbol(name, integer=True, nonnegative=True) for name in ("first", "last"))
FIRST_3, LAST_3 = (sympy.Symbol(f"{name}_3", integer=True, nonnegative=True) for name in "fl")
DIVIDE = Divide(FIRST, LAST, 0, N)


def of(*body: Statement, team: bool = False, out: Any = None, limits: Any = None) -> Function:
    """Return a function of `x` with some statements; `y` goes out, or `out`."""
    arguments = (Argument(x, "in"), Argument(y if out is None else out, "out"))
    return Function("f", arguments, (N,), body, limits or {}, team=team)


def over(index: Index, *body: Statement, start: Any = 0, end: Any = None, step: Any = 1) -> For:
    """Return a loop over all of an index, or a part."""
    return For(index, start, index.extent if end is None else end, body, step)


COPY = over(n, Assign(y[n], x[n]))
MINE = over(n, Assign(y[n], x[n]), start=FIRST, end=LAST)
HEAP = Allocate(z, (N,))
REGISTER = Allocate(r.tensor, (), "register")
SUM = (REGISTER, Assign(r, sympy.S.Zero))
PART = over(n, Accumulate(r, x[n]), start=FIRST, end=LAST)
w = Tensor("w", (Index("i", 3), Index("j", 3)))
U = Allocate(w, (3, 3))

# What is wrong with each, and the kind and the text of the finding.
UNSOUND: dict[str, tuple[Function, str, str]] = {
    "a subscript after the end": (
        of(over(n, Assign(y[n], x[n + 1]))), "bounds", "x[n + 1]"),
    "a subscript before the start": (
        of(over(n, Assign(y[n], x[n - 1]))), "bounds", "x[n - 1]"),
    "a guard that is too wide": (
        of(over(n, Assign(y[n], bp.where(sympy.Ge(n, 0), x[n - 1], 0)))), "bounds", "x[n - 1]"),
    "a loop that goes too far": (
        of(over(n, Assign(y[n], x[n]), end=N + 1)), "bounds", "y[n]"),
    "memory that is too small": (
        of(Allocate(z, (N - 1,)), over(n, Assign(z[n], x[n])), COPY), "bounds", "z[n]"),
    "a view that is too long": (
        of(View(z, x, 1, (N,)), COPY), "bounds", "view z"),
    "a read before any write": (
        of(HEAP, over(n, Assign(y[n], z[n]))), "unwritten", "z[n]"),
    "a write that misses an element": (
        of(HEAP, over(n, Assign(z[n], x[n]), start=1), over(m, Assign(y[m], z[m]))),
        "unwritten", "z[m]"),
    "an argument with a gap": (
        of(over(n, Assign(y[n], x[n]), end=N - 1)), "unwritten", "y[n]"),
    "a step that nothing came before": (
        of(Allocate(h, (4,)), over(t, Assign(h[t], h[t - 1]), start=1), COPY),
        "unwritten", "h[t - 1]"),
    "a register that is new in each turn": (
        of(over(n, REGISTER, If(sympy.Eq(n, 0), (Assign(r, x[n]),)), Assign(y[n], r))),
        "unwritten", "r"),
    "a sum that starts from nothing": (
        of(REGISTER, over(n, Accumulate(r, x[n])), COPY), "unwritten", "r"),
    "an argument that is written": (
        of(over(n, Assign(x[n], sympy.S.One)), COPY), "argument", "x[n]"),
    "an argument that is written by another name": (
        of(View(z, x), over(n, Assign(z[n], sympy.S.One)), COPY), "argument", "z[n]"),
    "an index outside of its loop": (
        of(COPY, REGISTER, Assign(r, x[n])), "name", "n"),
    "an index that counts twice": (
        of(over(n, over(n, Assign(y[n], x[n])))), "name", "n"),
    "a symbol before it has a value": (
        of(over(n, Assign(y[n], x[n]), end=LAST), Let(LAST, N)), "name", "last"),
    "an array without memory": (
        of(COPY, over(n, Assign(z[n], x[n]))), "name", "z"),
    "a return on the way": (
        of(Return(), COPY), "name", "a return"),
    "a product that reads what it writes": (
        of(U, over(k, over(l, Assign(w[k, l], sympy.S.One))),
           Product(w[k, l], w[k, m], w[m, l], *((Span(i, 0, 3),) for i in (k, l, m))), COPY),
        "overlap", "w[k, m]"),
    "rows that need each other": (
        of(HEAP, over(m, Assign(z[m], sympy.S.Zero)),
           For(n, 1, N, (Assign(z[n], z[n - 1]),), 1, "rows"), COPY),
        "loop kind", "z[n - 1]"),
    "members that write the same": (
        of(COPY, team=True), "race", "y[n]"),
    "a barrier that is missing": (
        of(HEAP, DIVIDE, over(n, Assign(z[n], x[n]), start=FIRST, end=LAST),
           over(m, Assign(y[m], z[m]), start=0, end=LAST), team=True),
        "race", "z[m]"),
    "a barrier that is missing between turns": (
        of(HEAP, DIVIDE, over(n, Assign(z[n], x[n]), start=FIRST, end=LAST), Barrier(),
           over(t, REGISTER, Assign(r, z[0]), Barrier(),
                over(m, Assign(z[m], r), start=FIRST, end=LAST)), MINE, team=True),
        "race", "z[0]"),
    "a sum of which each member returns a part": (
        of(DIVIDE, MINE, *SUM, PART, Return(r), team=True), "uniformity", "r"),
    "a condition around a barrier that differs": (
        of(DIVIDE, MINE, If(sympy.Eq(MEMBER, 0), (Barrier(),)), team=True),
        "uniformity", "meeting"),
    "a loop around a barrier that differs": (
        of(DIVIDE, MINE, over(m, Barrier(), start=FIRST, end=LAST), team=True),
        "uniformity", "meeting"),
    "a sum over what is shared": (
        of(HEAP, DIVIDE, over(n, Assign(z[n], x[n]), start=FIRST, end=LAST), Barrier(),
           AllReduce(z), MINE, team=True),
        "uniformity", "z"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_what_is_wrong_is_found_and_named(name: str) -> None:
    function, kind, what = UNSOUND[name]
    found = [finding for finding in verify(function).findings if finding.kind == kind]
    assert any(what in str(finding) for finding in found), verify(function)


rows = Tensor("rows", (Index("i", B), Index("j", 3)))
label = Tensor("label", (n,), kind="integer")
start = Index("start", E)
all_x, all_y = Tensor("all_x", (Index("i", E),)), Tensor("all_y", (Index("i", E),))
batch = Tensor("batch", (n,))
q, tile = Index("q", N), sympy.Symbol("tile_end", integer=True)
flat = Tensor("flat", (Index("i", 3 * 3),))

SOUND: dict[str, Function] = {
    "guarded reads": of(
        over(n, Assign(y[n], bp.where(n > 0, x[n - 1], 0) + bp.where(n + 1 < N, x[n + 1], 0)))),
    "an array in two parts": of(
        over(n, Assign(y[n], x[n]), end=1), over(m, Assign(y[m], x[m]), start=1)),
    "an array in four corners": of(
        U, over(k, over(l, Assign(w[k, l], sympy.S.One), end=2), end=1),
        over(k, over(l, Assign(w[k, l], sympy.S.One), start=2), end=1),
        over(k, over(l, Assign(w[k, l], sympy.S.One), end=1), start=1),
        over(k, over(l, Assign(w[k, l], sympy.S.One), start=1), start=1),
        REGISTER, Assign(r, w[k.extent - 1, 0] + w[0, 2]), COPY),
    "an array in strips": of(
        over(q, Let(tile, sympy.Min(q + 7, N)), over(n, Assign(y[n], x[n]), start=q, end=tile),
             step=7)),
    "a step from the one before": of(
        Allocate(h, (4,)), Assign(h[0], sympy.S.Zero),
        over(t, Assign(h[t], h[t - 1]), start=1), REGISTER, Assign(r, h[3]), COPY),
    "steps that go down": of(
        Allocate(h, (4,)),
        over(t, Assign(h[t], bp.where(t < 3, h[t + 1], 1)), start=3, end=-1, step=-1), COPY),
    "data in a subscript": Function(
        "f", (Argument(label, "in"), Argument(y, "out"), Argument(w, "in")), (N,),
        (over(n, Assign(y[n], w[label[n], 0])),), {label: Limit(0, 3)}),
    "another shape of the same memory": of(
        U, View(flat, w), over(k, over(l, Assign(w[k, l], sympy.S.One))),
        REGISTER, Assign(r, flat[7]), COPY),
    "both branches write": of(
        over(n, If(x[n] > 0, (Assign(y[n], x[n]),), (Assign(y[n], -x[n]),)))),
    "batches of all examples": Function(
        "f", (Argument(all_x, "in"), Argument(all_y, "out")), (B, E),
        (Allocate(batch, (B,)),
         For(start, 0, E, (
             Let(N, sympy.Min(B, E - start)), over(n, Assign(batch[n], all_x[start + n])),
             over(m, Assign(all_y[start + m], batch[m]))), B))),
    "parts that are summed over the team": of(
        DIVIDE, MINE, *SUM, PART, AllReduce(r.tensor), Return(r), team=True),
    "one member writes": of(
        Allocate(s.tensor, (), "heap"), DIVIDE,
        If(sympy.Eq(MEMBER, 0), (Assign(s, sympy.S.One),)), Barrier(),
        over(n, Assign(y[n], s), start=FIRST, end=LAST), team=True),
    "what others wrote before a barrier": of(
        HEAP, DIVIDE, over(n, Assign(z[n], x[n]), start=FIRST, end=LAST), Barrier(),
        over(m, Assign(y[m], z[0]), start=FIRST, end=LAST), team=True),
    "a division of a division of columns": of(
        U, DIVIDE, Divide(FIRST_3, LAST_3, 0, 3),
        over(k, over(l, Assign(w[l, k], sympy.S.One)), start=FIRST_3, end=LAST_3), Barrier(),
        over(n, Assign(y[n], w[2, 2]), start=FIRST, end=LAST), team=True),
}  # fmt: skip
CALLED = Function(
    "g", (Argument(batch, "in"), Argument(z, "out")), (N,), (over(n, Assign(z[n], batch[n])),)
)
SOUND["a function that another calls"] = of(Call(CALLED, (x, y)))


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_proved(name: str) -> None:
    assert str(verify(SOUND[name])) == "sound"


def test_a_call_of_a_function_with_a_fault_has_the_fault() -> None:
    broken = CALLED.replace(body=(over(n, Assign(z[n], batch[n]), start=1),))
    assert [f.kind for f in verify(of(Call(broken, (x, y)))).findings] == ["unwritten"]


def test_a_finding_comes_with_numbers_for_which_it_is_so() -> None:
    (finding,) = verify(of(over(n, Assign(y[n], x[n]), end=N - 1))).findings
    assert finding.example == "N = 1, n = 0"
    assert str(finding).startswith("unwritten: y[n] in the end: expected that all of")


NEITHER = {
    "it depends on the data": over(n, If(x[n] > 0, (Assign(y[n], x[n]),))),
    "every other element": over(n, Assign(y[n], x[n]), step=2),
}


@pytest.mark.parametrize("why", NEITHER)
def test_what_can_neither_be_proved_nor_refuted_is_said(why: str) -> None:
    report = verify(of(NEITHER[why]))
    assert not report.findings
    assert [remark.kind for remark in report.unproved] == ["unwritten"]
    assert not report.sound


# Programs of the project --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "entry_name"), sampled(EXAMPLES, ENTRIES))
def test_what_is_built_is_proved(name: str, entry_name: str) -> None:
    model, _ = example(name)
    if entry_name == "predict" and model.given.output is None:
        pytest.skip("nothing to predict")
    function = build(contracted(ENTRIES[entry_name](model)))
    assert str(verify(function)) == "sound"
    assert str(verify(expand_products(function))) == "sound"


@pytest.mark.parametrize(
    ("name", "pass_name"),
    sampled(["convolution", "attention", "recurrence 3", "equations 1"], PASSES),
)
def test_what_a_pass_returns_is_proved(name: str, pass_name: str) -> None:
    function = build(contracted(ENTRIES["step"](example(name)[0])))
    earlier, last = PASSES[pass_name]
    for change in (*earlier, last):
        function = change(function)
    assert str(verify(function)) == "sound"


LIMITS = {
    "numba": Limits(),
    "one thread": Limits(team=False, strip=2),
    "strips of a team": Limits(strip=3, most_operations=0),
    "single precision": Limits(itemsize=4),
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("name", ["convolution", "attention", "embedding", "lstm"])
def test_a_scheduled_epoch_is_proved(name: str, limits: Limits) -> None:
    assert str(verify(lower(epoch(example(name)[0]), limits).function)) == "sound"


def test_an_update_before_the_last_read_of_what_it_replaces_is_found() -> None:
    """W2 is updated, then the gradient of the first layer reads it."""
    function = build(contracted(ENTRIES["step"](model_of(bp.mlp(3, 4, 2), bp.SGD(0.1)))))
    body = list(function.body)
    (update,) = (s for s in body if _writes(s, "W2"))
    reader = next(s for s in body if _writes(s, "a1_adjoint") and _reads(s, "W2"))
    body.remove(update)
    body.insert(body.index(reader), update)
    (finding,) = verify(function.replace(body=tuple(body))).findings
    assert finding.kind == "update"
    assert str(finding).startswith("update: W2[j, k] in a1_adjoint[n, k] += ")


def _writes(statement: Statement, name: str) -> bool:
    found = elements_in((statement,))
    return any(element.tensor.name == name for element, writes in found if writes)


def _reads(statement: Statement, name: str) -> bool:
    found = elements_in((statement,))
    return any(element.tensor.name == name for element, writes in found if not writes)


# Teams --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(25))
def test_random_sound_programs_of_teams_are_proved(seed: int) -> None:
    assert str(verify(team_program(seed))) == "sound"


@pytest.mark.parametrize("seed", range(5))
def test_the_interpreter_agrees_that_they_are_sound(seed: int) -> None:
    assert error_of(team_program(seed)) is None


def test_the_interpreter_finds_a_race() -> None:
    function, _, _ = UNSOUND["members that write the same"]
    arrays = {"x": np.ones(3), "y": np.ones(3)}
    interpret(function, arrays, members=2)
    with pytest.raises(SymbpError, match=r"y\[n\]: members race at \(0,\)"):
        interpret(function, arrays, members=2, check_races=True)


# Faults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_faults_are_found(seed: int) -> None:
    for fault in itertools.islice(faults(seed), 5):
        assert not verify(fault.function).sound, f"{fault.change}; {fault.error}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_hundred_faults_are_found(seed: int) -> None:
    for fault in itertools.islice(faults(seed), 10):
        assert not verify(fault.function).sound, f"{fault.change}; {fault.error}"


def programs(part: int) -> Iterator[tuple[str, Function]]:
    """Yield a tenth of a thousand sound programs."""
    for seed in range(20 * part, 20 * part + 20):
        yield f"team {seed}", team_program(1000 + seed)
    for seed in range(4 * part, 4 * part + 4):
        kinds = {
            f"network {seed}": model_of(random_network(seed).program),
            f"equations {seed}": example(f"equations {seed}")[0],
            f"recurrence {seed}": example(f"recurrence {seed}")[0],
        }
        for name, model in kinds.items():
            for entry_name, entry in ENTRIES.items():
                if entry_name == "predict" and model.given.output is None:
                    continue
                made = entry(model)
                function = build(contracted(made))
                yield f"{name} {entry_name}", function
                yield f"{name} {entry_name} in loops", expand_products(function)
                limits = list(LIMITS.values())[part % 2]
                yield f"{name} {entry_name} lowered", lower(made, limits).function


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_a_thousand_sound_programs_are_proved(part: int) -> None:
    for name, function in programs(part):
        assert str(verify(function)) == "sound", name
