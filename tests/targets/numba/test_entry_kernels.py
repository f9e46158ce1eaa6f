"""The entry points that a module is asked for compute what their equations say."""

import functools
import inspect
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.entries.entry import Entry
from symbp.entries.registry import ALWAYS, ENTRIES
from tests.comparison import assert_close
from tests.emitted_text import load_as_python
from tests.loops.running import all_values, expected, model_of
from tests.programs import PROGRAMS

QUICK = ["bilinear", "embedding", "gram", "scalar_graph"]
FURTHER = [name for name in ENTRIES if name not in ALWAYS]
SMALL = bp.mlp(3, 4, 2, activation="tanh")


@functools.cache
def program_of(name: str) -> tuple[bp.Program, dict[str, Any]]:
    if name in PROGRAMS:
        return PROGRAMS[name]()
    generator = np.random.default_rng(5)
    shapes = {"x": (5, 3), "y": (5, 2), "W1": (4, 3), "b1": (4,), "W2": (2, 4), "b2": (2,)}
    return SMALL, {name: generator.normal(size=shape) for name, shape in shapes.items()}


@functools.cache
def entries_of(name: str) -> dict[str, Entry]:
    """Return the entry points that a program has, by name."""
    model, found = model_of(program_of(name)[0]), {}
    for entry_name in FURTHER:
        try:
            found[entry_name] = ENTRIES[entry_name](model)
        except bp.SymbpError:
            continue
    return found


@functools.cache
def as_python(name: str) -> ModuleType:
    program, entries = program_of(name)[0], tuple(entries_of(name))
    return load_as_python(module_source(program, entries=entries))


def called(module: ModuleType, entry: Entry, values: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry point of a module gives, by the names of the tensors."""
    fields = module.Parameters._fields
    arguments: list[Any] = []
    written = []
    for slot in entry.slots:
        if slot.role == "out":
            written.append(slot)
        elif slot.packed:
            named = dict(zip(fields, (values[t.name] for t in slot.tensors), strict=True))
            arguments.append(module.as_vector(named) if entry.flat else named)
        else:
            arguments.append(values[slot.tensors[0].name])
    found = getattr(module, entry.name)(*arguments)
    results = [found] if len(written) + (entry.returns is not None) == 1 else list(found)
    got = {"returned": results.pop(0)} if entry.returns is not None else {}
    for slot, result in zip(written, results, strict=True):
        if not slot.packed:
            got[slot.tensors[0].name] = result
            continue
        fields_of = module.as_parameters(result) if entry.flat else result
        got |= {t.name: array for t, array in zip(slot.tensors, fields_of, strict=True)}
    return got


@pytest.mark.parametrize("entry_name", FURTHER)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in PROGRAMS]
)
def test_the_text_of_an_entry_point_computes_what_its_equations_say(
    name: str, entry_name: str
) -> None:
    entries = entries_of(name)
    if entry_name not in entries:
        pytest.skip("not for this program")
    program, given = program_of(name)
    size = sum(int(np.size(given[p.name])) for p in program.parameters)
    if size > 100 and entry_name in ("hessian", "jacobian"):
        pytest.skip(f"{size} directions")
    entry = entries[entry_name]
    if any(slot.name in ("noise", "state") for slot in entry.slots):
        pytest.skip("a module's takes a seed and a step, or a State: see test_noise, test_states")
    values = all_values(entry, given)
    assert_close(called(as_python(name), entry, values), expected(entry, values), 1e-11)


# What Numba compiles for long: those whose kernels are least like each other.
@pytest.mark.parametrize(
    ("dtype", "entry_names"),
    [
        ("float64", ("hvp", "per_example_gradients")),
        pytest.param("float64", tuple(FURTHER), marks=pytest.mark.slow),
        pytest.param("float32", tuple(FURTHER), marks=pytest.mark.slow),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_compiled_entry_points_compute_what_their_equations_say(
    dtype: str, entry_names: tuple[str, ...]
) -> None:
    module = bp.compile(SMALL, dtype=dtype, entries=entry_names).module
    for entry_name in entry_names:
        entry = entries_of("small")[entry_name]
        values = all_values(entry, program_of("small")[1])
        tolerance = 1e-12 if dtype == "float64" else 1e-5
        assert_close(called(module, entry, values), expected(entry, values), tolerance)


def test_arguments_have_the_names_of_the_program() -> None:
    module = as_python("embedding")
    assert list(inspect.signature(module.predict).parameters) == ["parameters", "token"]
    assert list(inspect.signature(module.hvp).parameters) == ["parameters", "v", "token", "label"]
    assert "token : array_like of integers, of shape (N, 5)" in module.predict.__doc__
    assert "output : ndarray of float64, of shape (N, 3)" in module.predict.__doc__
    assert set(module.__all__) >= {"predict", "loss", "gradient", "Trainer", "hvp", "as_vector"}
    assert all(hasattr(module, name) for name in module.__all__)


def test_a_module_has_no_entry_points_that_nobody_asked_for() -> None:
    plain = module_source(SMALL)
    assert module_source(SMALL, entries=("loss", "predict", "gradient")) == plain
    module = load_as_python(plain)
    assert not {*FURTHER, "as_vector", "EntryPoint"} & set(vars(module))
    assert set(module.__all__) == {
        "DTYPE", "EQUATIONS", "SIGNATURE", "Parameters", "Trainer", "check_gradient", "gradient",
        "initial_parameters", "loss", "predict",
    }  # fmt: skip


def test_the_order_in_which_names_are_given_does_not_matter() -> None:
    one = module_source(SMALL, entries=("hvp", "jvp"))
    assert module_source(SMALL, entries=["jvp", "predict", "hvp"]) == one


def test_parameters_and_vectors_are_the_same_numbers() -> None:
    module, values = as_python("small"), program_of("small")[1]
    parameters = {name: values[name] for name in module.Parameters._fields}
    vector = module.as_vector(parameters)
    np.testing.assert_array_equal(module.as_parameters(vector).W2, values["W2"])
    rows = np.stack([vector, 2 * vector])
    assert module.as_parameters(rows).W1.shape == (2, 4, 3)
    np.testing.assert_array_equal(module.as_parameters(rows).b2[1], 2 * values["b2"])
    flat = module.hvp(vector, vector, values["x"], values["y"])
    named = module.hvp(parameters, module.as_parameters(vector), values["x"], values["y"])
    for one, other in zip(flat, named, strict=True):
        np.testing.assert_array_equal(one, other)
    x, y = values["x"], values["y"]
    assert module.loss(vector, x, y) == module.loss(parameters, x, y)
    np.testing.assert_array_equal(module.predict(vector, x), module.predict(parameters, x))


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("hvp", {"v": np.ones(3)}, "v: expected shape (26,), got (3,)"),
    ("hvp", {"v": {"W1": 1}}, "v: expected W1, b1, W2, b2, got W1"),
    (
        "hvp",
        {"v": 3.0},
        "v: expected Parameters, a tuple or a dict of arrays, or a vector of 26, got float",
    ),
    ("hvp", {"v": np.ones(26, complex)}, "v: expected real numbers, got dtype complex128"),
    ("hvp", {"x": np.ones((5, 4))}, "x: expected shape (N, 3), got (5, 4)"),
    ("vjp", {"a2_adjoint": np.ones((4, 2))}, "a2_adjoint has 4 rows, x has 5"),
    ("jvp", {"parameters": np.ones(3)}, "parameters: expected shape (26,), got (3,)"),
]


@pytest.mark.parametrize(("name", "wrong", "message"), REFUSED, ids=lambda v: str(v)[:20])
def test_a_wrong_argument_ends_in_one_line(name: str, wrong: dict[str, Any], message: str) -> None:
    module, values = as_python("small"), program_of("small")[1]
    given = {"parameters": np.ones(26), "v": np.ones(26), **values, "a2_adjoint": np.ones((5, 2))}
    function = getattr(module, name)
    names = list(inspect.signature(function).parameters)
    with pytest.raises((TypeError, ValueError)) as error:
        function(**{n: {**given, **wrong}[n] for n in names})
    assert str(error.value) == message


def test_an_array_of_another_size_is_no_parameters() -> None:
    with pytest.raises(ValueError, match=r"a last axis of 26 parameters, got shape \(3, 25\)"):
        as_python("small").as_parameters(np.ones((3, 25)))


@pytest.mark.parametrize("entries", [("hpv",), "hvp", ("hvp", "hvp")])
def test_names_are_checked_before_anything_is_derived(entries: Any) -> None:
    with pytest.raises(bp.SymbpError, match=r"^entries"):
        bp.compile(SMALL, entries=entries)


@pytest.mark.parametrize("name", ["v", "parameters", "lambda", "σ", "product", "real", "N"])
def test_a_hostile_name_takes_nothing_from_an_entry_point(name: str) -> None:
    n, j, k = bp.Index("n", "N"), bp.Index("j", 3), bp.Index("k", 2)
    x, W, a = bp.input(name, n, k), bp.parameter("W", j, k), bp.tensor("a", n, j)
    C = bp.tensor("cost")
    program = bp.Program(
        [
            bp.Equation(a[n, j], bp.sigmoid(bp.Sum(W[j, k] * x[n, k], k))),
            bp.Equation(C, bp.Mean(a[n, j] ** 2, n, j)),
        ],
        cost=C,
    )
    module = load_as_python(module_source(program, entries=("hvp", "jvp", "input_gradient")))
    generator = np.random.default_rng(0)
    W_value, v_value, x_value = (generator.normal(size=s) for s in ((3, 2), (3, 2), (5, 2)))
    plus, minus = (module.gradient((W_value + h * v_value,), x_value)[1].W for h in (1e-5, -1e-5))
    product = module.hvp((W_value,), (v_value,), x_value).W
    np.testing.assert_allclose(product, (plus - minus) / 2e-5, rtol=1e-6, atol=1e-9)
