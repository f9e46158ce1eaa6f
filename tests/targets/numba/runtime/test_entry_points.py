"""The entry points of a generated module, on the stand-in and on modules like emitted ones."""

import ast
import builtins
import copy
import importlib.util
import itertools
import json
import subprocess
import sys
import tempfile
import textwrap
import threading
import warnings
import weakref
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp
from symbp.targets.numba.paste import Imports, paste
from symbp.targets.numba.runtime import stand_in
from symbp.targets.numba.sections import RUNTIME as SECTIONS

# The files are pasted here by the same function as in the generator, so that this is tested too.
# What compiles is tested by compiling.
COMPILATION = {
    "cache.py",
    "emitted_values.py",
    "emitted_expressions.py",
    "emitted_repeats.py",
    "emitter.py",
    "hosting.py",
}
RUNTIME = [file for file in SECTIONS if file not in COMPILATION]
PASTED_FILES = {file: paste(file) for file in RUNTIME}
STAND_IN = paste("stand_in.py")
PASTED = "\n\n".join(pasted.text for pasted in PASTED_FILES.values())
merged = Imports()
for pasted in (STAND_IN, *PASTED_FILES.values()):
    merged.add(pasted.imports)
IMPORTS = merged.text()
X = np.random.default_rng(1).normal(size=(12, 3))
Y = X @ np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]]).T + np.array([0.5, -1.0])

# These kernels keep what they were given, so that a test sees what compiled code would see.
RECORDING = """
SEEN = []
def _predict_kernel(flat, output, *inputs):
    SEEN[:] = [flat, *inputs]
    output[...] = 0.0
def _loss_kernel(flat, *arrays):
    SEEN[:] = [flat, *arrays]
    return sum(float(a.sum()) for a in arrays)
def _gradient_kernel(flat, gradients, *arrays):
    gradients[:] = 0.0
    return _loss_kernel(flat, *arrays)
def _epoch_kernel(flat, state, hyperparameters, order, batch_size, *arrays):
    SEEN[:] = [flat, state, hyperparameters, order, batch_size, *arrays]
    return 0.0
"""
# Softmax cross-entropy of the logits x W^T, and plain gradient descent.
CLASSIFIER = """
def _predict_kernel(flat, z, x):
    z[...] = x @ flat.reshape(3, 4).T
def _log_softmax(flat, x):
    z = x @ flat.reshape(3, 4).T
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))
def _loss_kernel(flat, x, y):
    return -float((y * _log_softmax(flat, x)).sum(axis=1).mean())
def _gradient_kernel(flat, gradients, x, y):
    gradients[:] = ((np.exp(_log_softmax(flat, x)) - y).T @ x / len(x)).ravel()
    return _loss_kernel(flat, x, y)
def _epoch_kernel(flat, state, hyperparameters, order, batch_size, x, y):
    total, gradients = 0.0, np.empty_like(flat)
    for rows in np.split(order, range(batch_size, len(order), batch_size)):
        total += len(rows) * _gradient_kernel(flat, gradients, x[rows], y[rows])
        flat -= hyperparameters[0] * gradients
    return total / len(order)
"""

# What a module says of its kernels, for any number of arrays.
FUNCTIONS = """
_NETWORK = Network(
    DTYPE, SIGNATURE, Parameters, _PARAMETERS, _ARGUMENTS, _HYPERPARAMETERS, _RANGES,
    output=_OUTPUT, threshold=_THRESHOLD, state_size=_STATE_SIZE,
    kernels={
        name: globals().get(f"_{name}_kernel") for name in ("predict", "loss", "gradient", "epoch")
    },
)
initial_parameters = _NETWORK.initial_parameters
check_gradient = _NETWORK.check_gradient
def predict(parameters, *inputs):
    return _NETWORK.predict(_NETWORK.flatten(parameters), inputs)
def loss(parameters, *arrays):
    return _NETWORK.loss(_NETWORK.flatten(parameters), arrays)
def gradient(parameters, *arrays):
    return _NETWORK.gradient(_NETWORK.flatten(parameters), arrays)
class Trainer(NetworkTrainer):
    network = _NETWORK
if __name__ == "__main__":
    sys.exit(run_check(_NETWORK, __doc__))
"""


def emitted_text(
    kernels: str = RECORDING,
    arguments: tuple = (("x", "input", (None, 3), "real", None),),
    parameters: tuple = (("W", (2, 2), ("normal", 1.0)), ("b", (2,), ("constant", 0.0))),
    dtype: str = "float64",
    state_size: int = 0,
    hyperparameters: dict | None = None,
    output: tuple | None = (None, 2),
    threshold: float = 0.5,
    signature: str = "test",
) -> str:
    fields = "".join(f"    {name}: NDArray[Any]\n" for name, _, _ in parameters)
    generated = f"""
DTYPE = np.dtype("{dtype}")
SIGNATURE = "{signature}"
class Parameters(NamedTuple):
{fields}
_PARAMETERS = {parameters!r}
_ARGUMENTS = {arguments!r}
_STATE_SIZE = {state_size}
_HYPERPARAMETERS = {hyperparameters or {}!r}
_RANGES = {{}}
_OUTPUT = {output!r}
_THRESHOLD = {threshold!r}
"""
    header = '"""A small network.\n\nIts equations."""\n'
    return "\n".join([header, IMPORTS, "import sys", generated, kernels, PASTED, FUNCTIONS])


counter = itertools.count()


def imported(text: str, folder: Path) -> ModuleType:
    path = folder / f"emitted_{next(counter)}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STAND_IN_TEXT = STAND_IN.text[: STAND_IN.text.index("NETWORK = ")]
with tempfile.TemporaryDirectory() as folder:
    regression = imported("\n".join([IMPORTS, STAND_IN_TEXT, PASTED, FUNCTIONS]), Path(folder))


@pytest.fixture
def emit(tmp_path):
    return lambda **options: imported(emitted_text(**options), tmp_path)


@pytest.fixture(scope="module")
def recording_modules(tmp_path_factory) -> dict[str, ModuleType]:
    folder = tmp_path_factory.mktemp("emitted")
    return {dtype: imported(emitted_text(dtype=dtype), folder) for dtype in ("float64", "float32")}


def classifier_options(kind: str = "classes") -> dict:
    return {
        "kernels": CLASSIFIER,
        "arguments": (
            ("x", "input", (None, 4), "real", None),
            ("y", "target", (None, 3), kind, None),
        ),
        "parameters": (("W", (3, 4), ("uniform", 0.5)),),
        "hyperparameters": {"learning_rate": 0.5},
        "output": (None, 3),
    }


def refusal(error: type[Exception], call, *arguments, **options) -> str:
    """Return the message, which must be one line."""
    with pytest.raises(error) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


# The pasted text


def test_the_pasted_part_uses_nothing_of_the_module():
    promised = {"__name__"}
    imported = {
        (alias.asname or alias.name)
        for node in ast.walk(ast.parse(IMPORTS))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    tree = ast.parse(PASTED)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    defined |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    defined |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    defined |= {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    assert used - defined - imported - set(dir(builtins)) <= promised
    assert not {"eval", "exec", "pickle"} & used


def test_the_imports_are_numpy_and_the_standard_library():
    for node in ast.walk(ast.parse(IMPORTS)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            assert module.split(".")[0] in {"numpy", *sys.stdlib_module_names}


def test_the_pasted_files_define_different_names():
    files = {"stand_in.py": STAND_IN, **PASTED_FILES}
    definitions = {file: top_level_names(pasted.text) for file, pasted in files.items()}
    for (one, names), (other, others) in itertools.combinations(definitions.items(), 2):
        assert not names & others, (one, other)


def top_level_names(text: str) -> set[str]:
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if "id" in n._fields}
    return names


def test_nothing_but_docstrings_and_imports_is_left_out():
    for file in ("stand_in.py", *RUNTIME):
        start = symbp.__file__ if "/" in file else stand_in.__file__
        source = (Path(start).parent / file).read_text(encoding="utf-8")
        body = [n for n in ast.parse(source).body if not isinstance(n, ast.Import | ast.ImportFrom)]
        pasted = ast.parse(paste(file).text).body
        assert [ast.dump(node) for node in pasted] == [ast.dump(node) for node in body[1:]]


def test_the_files_work_as_modules_of_the_project_too():
    assert stand_in.NETWORK.check_gradient() < 1e-8


# Parameters


def test_initial_parameters_are_deterministic_views_over_one_buffer():
    first, again, other = (regression.initial_parameters(seed) for seed in (3, 3, 4))
    assert first.W.base is first.b.base
    assert first.W.base.shape == (8,)
    assert first.W.base.dtype == regression.DTYPE
    np.testing.assert_array_equal(first.W, again.W)
    assert not np.array_equal(first.W, other.W)
    np.testing.assert_array_equal(first.b, 0.0)


def test_each_initialiser_draws_from_its_law(emit):
    module = emit(
        parameters=(
            ("A", (200, 50), ("normal", 0.3)),
            ("B", (200, 50), ("uniform", 0.3)),
            ("c", (), ("constant", 1.5)),
        ),
        dtype="float32",
    )
    parameters = module.initial_parameters(0)
    assert all(array.dtype == np.float32 for array in parameters)
    assert np.std(parameters.A) == pytest.approx(0.3, rel=0.05)
    assert np.abs(parameters.A).max() > 0.6
    assert 0.29 < np.abs(parameters.B).max() <= 0.3
    assert parameters.c.shape == ()
    assert parameters.c == 1.5


def test_parameters_over_one_buffer_are_not_copied(emit):
    module = emit()
    parameters = module.initial_parameters(0)
    module.predict(parameters, np.ones((1, 3)))
    assert module.SEEN[0] is parameters.W.base


def test_tuples_dicts_and_named_tuples_are_packed(emit):
    module = emit()
    W, b = np.arange(4.0).reshape(2, 2), np.array([4, 5])
    other = module.Parameters(W, b)
    for given_as in ((W, b), [W, b], {"b": b, "W": W}, other, (W.tolist(), b.tolist())):
        module.predict(given_as, np.ones((1, 3)))
        np.testing.assert_array_equal(module.SEEN[0], np.arange(6.0))


def test_a_named_tuple_of_another_order_is_matched_by_name(emit):
    module = emit()
    other = emit(parameters=(("b", (2,), ("constant", 1.0)), ("W", (2, 2), ("constant", 2.0))))
    module.predict(other.initial_parameters(), np.ones((1, 3)))
    np.testing.assert_array_equal(module.SEEN[0], [2, 2, 2, 2, 1, 1])


def test_views_that_are_not_the_buffer_in_order_are_packed(emit):
    module = emit()
    parameters = module.initial_parameters(0)
    parameters.b[:] = 7.0, 8.0
    read_only = parameters.W.base.copy()
    read_only.flags.writeable = False
    strided = np.zeros(12)[::2]
    for changed in (
        parameters._replace(W=parameters.W.T),  # address, shape and base of W, but not its strides
        parameters._replace(b=parameters.W.base[1:3]),
        module._NETWORK.views(read_only),
        module.Parameters(*[strided[:4].reshape(2, 2), strided[4:]]),
    ):
        module.predict(changed, np.ones((1, 3)))
        flat = module.SEEN[0]
        np.testing.assert_array_equal(flat, np.concatenate([changed.W.ravel(), changed.b]))
        assert flat.flags.carray


@pytest.mark.parametrize("parameters", [
    (("W", (2, 3), ("constant", 1)), ("c", (), ("constant", 2)), ("b", (3,), ("constant", 0))),
    (("W", (3, 2), ("constant", 1)),),
])  # fmt: skip
def test_views_lie_in_the_buffer_in_order(emit, parameters):
    module = emit(parameters=parameters)
    flat = np.arange(float(module._NETWORK.count))
    views = module._NETWORK.views(flat)
    # A buffer of 2 GiB or more has no record.
    module._NETWORK.fields = None
    for found, other, (name, shape, _) in zip(
        views, module._NETWORK.views(flat), parameters, strict=True
    ):
        assert (found.shape, found.strides, found.dtype) == (shape, other.strides, flat.dtype), name
        assert found.base is flat
        assert other.base is flat
        assert found.__array_interface__ == other.__array_interface__


def test_parameters_seen_before_are_looked_at_again_when_they_changed(emit):
    module, x = emit(), np.ones((1, 3))
    parameters = module.initial_parameters(0)
    for _ in range(2):
        module.predict(parameters, x)
        assert module.SEEN[0] is parameters.W.base
    del module.SEEN[:]
    kept = parameters.W
    parameters = parameters._replace(b=None)  # the array b is gone, its identity free for another
    parameters = parameters._replace(b=kept.base[:2])
    module.predict(parameters, x)
    np.testing.assert_array_equal(module.SEEN[0], np.concatenate([kept.ravel(), kept[0]]))

    parameters = module.initial_parameters(0)
    module.predict(parameters, x)
    parameters.b.base.flags.writeable = False
    module.predict(parameters, x)
    assert module.SEEN[0] is not parameters.b.base
    parameters.b.base.flags.writeable = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parameters.W.shape = (4,)
    message = refusal(ValueError, module.predict, parameters, x)
    assert message == "parameters.W: expected shape (2, 2), got (4,)"


def test_parameters_are_not_kept_alive(emit):
    module = emit()
    parameters = module.initial_parameters(0)
    module.predict(parameters, np.ones((1, 3)))
    buffer = weakref.ref(parameters.W.base)
    del parameters, module.SEEN[:]
    assert buffer() is None


def test_threads_with_parameters_of_their_own_do_not_mix_them_up():
    x = np.ones((1, 3))
    wrong = []

    def predict(seed):
        parameters = regression.initial_parameters(seed)
        expected = x @ parameters.W.T
        for _ in range(500):
            if not np.array_equal(regression.predict(parameters, x), expected):
                wrong.append(seed)

    threads = [threading.Thread(target=predict, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_wrong_parameters_are_refused_in_one_line(emit):
    predict, W, b, x = emit().predict, np.ones((2, 2)), np.ones(2), np.ones((1, 3))
    message = refusal(ValueError, predict, (W, np.ones(3)), x)
    assert message == "parameters.b: expected shape (2,), got (3,)"
    assert refusal(ValueError, predict, (W,), x).endswith("expected 2 arrays (W, b), got 1")
    assert refusal(ValueError, predict, {"W": W, "c": b}, x).endswith("expected W, b, got W, c")
    assert refusal(TypeError, predict, W, x).endswith("got ndarray")
    assert "dtype complex128" in refusal(TypeError, predict, (W, b * 1j), x)


# Arguments


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(
    source=st.sampled_from(["?", "i1", "u1", "i8", "u8", "f2", "f4", "f8", ">f8", "g"]),
    layout=st.sampled_from(["C", "F", "strided", "reversed", "read-only", "list", "unaligned"]),
)
@settings(max_examples=40, deadline=None)
def test_real_arrays_of_any_dtype_and_layout_arrive_as_kernels_want_them(
    recording_modules, dtype, source, layout
):
    module = recording_modules[dtype]
    x = np.arange(12).reshape(4, 3).astype(source)
    given_as = {
        "C": lambda: x,
        "F": lambda: np.asfortranarray(x),
        "strided": lambda: np.repeat(x, 2, axis=1)[:, ::2],
        "reversed": lambda: x[::-1][::-1],
        "read-only": lambda: np.broadcast_to(x, x.shape),
        "list": lambda: x.tolist(),
        "unaligned": lambda: np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(4, 3),
    }[layout]()
    module.predict(module.initial_parameters(), given_as)
    array = module.SEEN[1]
    assert array.flags.carray
    assert array.dtype == dtype
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, x.astype(dtype))


def test_a_suitable_array_is_not_copied(emit):
    module = emit()
    x = np.ones((4, 3))
    module.predict(module.initial_parameters(), x)
    assert module.SEEN[1] is x


@pytest.mark.parametrize(
    "x", [X * 1j, X.astype(object), X.astype(str), "text", None, X.astype("M8[s]")]
)
def test_what_is_not_real_is_a_type_error(x):
    message = refusal(TypeError, regression.predict, regression.initial_parameters(), x)
    assert message.startswith("x: expected real numbers, got dtype ")


def test_ragged_lists_are_refused_in_one_line():
    ragged = [[1, 2, 3], [1, 2]]
    message = refusal(ValueError, regression.predict, regression.initial_parameters(), ragged)
    assert message == "x: expected an array, got rows of unequal lengths"


@pytest.mark.parametrize("shape", [(3,), (), (5, 4), (5, 3, 1)])
def test_a_wrong_shape_names_what_was_expected(shape):
    message = refusal(
        ValueError, regression.predict, regression.initial_parameters(), np.ones(shape)
    )
    assert message == f"x: expected shape (N, 3), got {shape}"


def test_batches_must_agree_and_not_be_empty():
    parameters = regression.initial_parameters()
    message = refusal(ValueError, regression.loss, parameters, X, Y[:10])
    assert message == "y has 10 rows, x has 12"
    message = refusal(ValueError, regression.loss, parameters, X[:0], Y[:0])
    assert message == "x: expected at least one row, got shape (0, 3)"
    message = refusal(TypeError, regression.loss, parameters, X)
    assert message == "loss: expected 2 arrays (x, y), got 1"


def test_a_target_of_one_column_may_be_a_vector_but_an_input_may_not(emit):
    module = emit(
        arguments=(
            ("x", "input", (None, 1), "real", None),
            ("y", "target", (None, 1), "real", None),
        )
    )
    parameters, column = module.initial_parameters(), np.ones((4, 1))
    module.loss(parameters, column, [1, 2, 3, 4])
    np.testing.assert_array_equal(module.SEEN[2], [[1.0], [2.0], [3.0], [4.0]])
    refusal(ValueError, module.loss, parameters, np.ones(4), column)


def test_integers_must_be_integers_in_range(emit):
    module = emit(arguments=(("tokens", "input", (None, 2), "integer", 5),))
    parameters = module.initial_parameters()
    module.predict(parameters, np.array([[0, 4]], np.uint8))
    assert module.SEEN[1].dtype == np.int64
    message = refusal(TypeError, module.predict, parameters, [[0.0, 4.0]])
    assert message == "tokens: expected an integer dtype, got dtype float64"
    refusal(TypeError, module.predict, parameters, [[True, False]])
    message = refusal(ValueError, module.predict, parameters, [[0, 1], [2, 5], [-1, 0]])
    assert message == "tokens[1, 1] is 5, expected an integer from 0 to 4"
    assert "is -1," in refusal(ValueError, module.predict, parameters, [[0, -1]])
    huge = np.array([[0, 2**64 - 1]], np.uint64)
    assert "is 18446744073709551615," in refusal(ValueError, module.predict, parameters, huge)


def test_integers_that_are_no_subscripts_are_limited_by_int64_only(emit):
    module = emit(arguments=(("k", "input", (None,), "integer", None),))
    parameters = module.initial_parameters()
    for fine in ([-(2**63), 2**63 - 1], np.array([0, 9], np.uint64), np.array([-3, 3], np.int8)):
        module.predict(parameters, fine)
        assert module.SEEN[1].dtype == np.int64
        np.testing.assert_array_equal(module.SEEN[1], fine)
    message = refusal(ValueError, module.predict, parameters, np.array([0, 2**63], np.uint64))
    assert message.startswith("k[1] is 9223372036854775808, expected an integer from -9223372")
    module.check_gradient()


@pytest.mark.parametrize("kind", ["classes", "distribution"])
def test_integer_labels_are_one_hot_encoded(emit, kind):
    module = emit(**{**classifier_options(kind), "kernels": RECORDING})
    parameters, x = module.initial_parameters(), np.ones((3, 4))
    module.loss(parameters, x, np.array([2, 0, 1], np.int8))
    np.testing.assert_array_equal(module.SEEN[2], [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert module.SEEN[2].dtype == np.float64
    message = refusal(ValueError, module.loss, parameters, x, [0, 3, -1])
    assert message == "y[1] is 3, expected a label from 0 to 2"
    message = refusal(ValueError, module.loss, parameters, x, [0.0, 1.0, 2.0])
    expected = "y: expected shape (N, 3) or integer labels (N,), got (3,) of float64"
    assert message == expected
    assert refusal(ValueError, module.loss, parameters, x, [0, 1]) == "y has 2 rows, x has 3"


def test_labels_of_sequences_are_encoded_over_the_last_axis(emit):
    module = emit(arguments=(("y", "target", (None, 2, 3), "classes", None),))
    module.loss(module.initial_parameters(), [[0, 1], [2, 2]])
    np.testing.assert_array_equal(module.SEEN[1].argmax(axis=-1), [[0, 1], [2, 2]])
    message = refusal(ValueError, module.loss, module.initial_parameters(), [[0, 1, 2]])
    assert message.startswith("y: expected shape (N, 2, 3) or integer labels (N, 2), got (1, 3)")


def test_labels_for_one_output_are_reshaped_and_not_encoded(emit):
    module = emit(arguments=(("y", "target", (None, 1), "classes", None),))
    module.loss(module.initial_parameters(), [0, 1, 1])
    np.testing.assert_array_equal(module.SEEN[1], [[0.0], [1.0], [1.0]])


def test_a_distribution_must_be_nonnegative_and_sum_to_one(emit):
    module = emit(**classifier_options("distribution"))
    parameters, x = module.initial_parameters(), np.ones((2, 4))
    fine = [[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]]
    module.loss(parameters, x, fine)
    module.loss(parameters, x, np.array(fine, np.float32) + np.float32(1e-5))
    message = refusal(ValueError, module.loss, parameters, x, [[0.2, 0.3, 0.5], [0.5, 0.25, 0.0]])
    assert message == "the sum of y[1] is 0.75, expected 1, as of probabilities"
    refusal(ValueError, module.loss, parameters, x, np.array(fine) + 1e-5)
    message = refusal(ValueError, module.loss, parameters, x, [[-0.5, 1.0, 0.5], [0, 1, 0]])
    assert message == "y[0, 0] is -0.5, expected a probability"
    # As the kernel takes it, where most is not looked at one by one; large, and small.
    for rows in (2, 4000):
        x, right = np.ones((rows, 4)), np.array([fine[i % 2] for i in range(rows)])
        assert np.isfinite(module.loss(parameters, x, right))
        assert np.isfinite(module.loss(parameters, x, right + 0.9e-6 / 3))
        for wrong, expected in [
            ([0.2, 0.3, 0.6], "the sum of y[1] is 1.1, expected 1, as of probabilities"),
            ([-0.5, 1.0, 0.5], "y[1, 0] is -0.5, expected a probability"),
            ([0.5, 0.5, 2e-6], "the sum of y[1] is 1.000002, expected 1, as of probabilities"),
            ([-1e-30, 1.0, 0.0], "y[1, 0] is -1e-30, expected a probability"),
        ]:
            given_as = right.copy()
            given_as[1] = wrong
            assert refusal(ValueError, module.loss, parameters, x, given_as) == expected
        right[1] = np.nan
        assert np.isnan(module.loss(parameters, x, right))
    x = np.ones((2, 4))
    single = emit(**{**classifier_options("distribution"), "dtype": "float32"})
    single.loss(single.initial_parameters(), x, np.array(fine) + 1e-5)


def test_nan_propagates_but_is_refused_by_fit():
    x = X.copy()
    x[7, 2] = np.nan
    trainer = regression.Trainer()
    assert np.isnan(trainer.predict(x)[7]).all()
    assert np.isfinite(trainer.predict(x)[:7]).all()
    assert np.isnan(trainer.loss(x, Y))
    cost, gradients = trainer.gradient(x, Y)
    assert np.isnan(cost)
    assert np.isnan(gradients.W).any()
    assert refusal(ValueError, trainer.fit, x, Y) == "x[7, 2] is nan, expected a finite number"
    y = Y.copy()
    y[3, 0] = np.inf
    message = refusal(ValueError, trainer.fit, X, Y, validation=(X, y))
    assert message == "validation y[3, 0] is inf, expected a finite number"
    assert trainer.epochs == 0


def test_a_distribution_with_nan_propagates_too(emit):
    module = emit(**classifier_options("distribution"))
    assert np.isnan(module.loss(module.initial_parameters(), np.ones((1, 4)), [[np.nan, 0, 1]]))


def test_a_program_without_batch_axis_takes_scalars(emit):
    module = emit(
        arguments=(("t", "input", (), "real", None), ("v", "input", (2,), "real", None)),
        hyperparameters={"rate": 1.0},
    )
    module.loss(module.initial_parameters(), 2, [1, 2])
    assert module.SEEN[1].shape == ()
    assert module.SEEN[1].dtype == np.float64
    assert module.SEEN[1].flags.carray
    assert "expected shape (2,)" in refusal(
        ValueError, module.loss, module.initial_parameters(), 2, 3
    )
    assert refusal(ValueError, module.Trainer().fit, np.inf, [1, 2]).startswith("t is inf")
    module.Trainer().fit(2.0, [1, 2], epochs=2, batch_size=5)
    _, _, values, order, batch_size, *_ = module.SEEN
    np.testing.assert_array_equal(values, [1.0])
    np.testing.assert_array_equal(order, [0])
    assert batch_size == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_scalar_output_is_an_array_without_axes(emit, dtype):
    kernels = RECORDING.replace("output[...] = 0.0", "output[...] = 0.1")
    module = emit(kernels=kernels, dtype=dtype, output=())
    trainer = module.Trainer()
    for output in (trainer.predict(X), module.predict(trainer.parameters, X)):
        assert type(output) is np.ndarray
        assert (output.shape, output.dtype) == ((), dtype)
        assert output == np.dtype(dtype).type(0.1)


@pytest.mark.parametrize("rows", [1, 4])
def test_predictions_are_arrays_of_their_own(rows):
    trainer = regression.Trainer()
    x = X[:rows].copy()
    first = trainer.predict(x)
    kept = first.copy()
    second = trainer.predict(x + 1)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(x, X[:rows])
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, x)
    assert first.base is None
    assert first.flags.carray


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "seed: expected at least 0, got -1"),
        (1.5, TypeError, "seed: expected an integer, got 1.5"),
        (None, TypeError, "seed: expected an integer, got None"),
    ],
)
def test_a_seed_is_a_number_that_can_be_saved(seed, error, message):
    assert refusal(error, regression.Trainer, seed=seed) == message


def test_one_example_is_predicted_alike_in_every_form():
    trainer = regression.Trainer(seed=2)
    x = np.array([[1.0, -2.0, 3.0]])
    expected = trainer.predict(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(1, 3)
    strided = np.repeat(x, 2, axis=1)[:, ::2]
    swapped = x.astype(x.dtype.newbyteorder())
    forms = [x.tolist(), x.astype(np.int8), x.astype(np.float32), swapped, strided, unaligned]
    for form in (*forms, read_only, np.ma.array(x), x.view(np.matrix)):
        np.testing.assert_array_equal(trainer.predict(form), expected)
        np.testing.assert_array_equal(regression.predict(trainer.parameters, form), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_propagate_through_one_example(value):
    trainer = regression.Trainer(seed=2)
    output = trainer.predict(np.array([[1.0, value, 3.0]]))
    np.testing.assert_array_equal(output, value * trainer.parameters.W[:, 1][None])


def test_one_example_of_another_form_is_refused_as_a_batch_is():
    trainer = regression.Trainer()
    for x in (np.ones((1, 4)), np.ones((1, 3, 1)), np.ones((0, 3)), np.ones((1, 3)) * 1j):
        refusal((TypeError, ValueError), trainer.predict, x)
    masked = np.ma.array(np.ones((1, 3)), mask=[[True, False, False]])
    assert "masked" in refusal(ValueError, trainer.predict, masked)
    message = refusal(TypeError, trainer.predict, np.ones((1, 3)), np.ones((1, 3)))
    assert message == "predict: expected 1 arrays (x), got 2"


def test_threads_predict_with_one_trainer():
    trainer = regression.Trainer(seed=1)
    wrong = []

    def predict(number):
        x = np.full((1, 3), float(number))
        expected = x @ trainer.parameters.W.T + trainer.parameters.b
        for _ in range(500):
            if not np.allclose(trainer.predict(x), expected, rtol=1e-12):
                wrong.append(number)

    threads = [threading.Thread(target=predict, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_example_of_a_wide_network_is_predicted_as_in_a_batch():
    """The compiled code for one row sums in another order."""
    network = symbp.mlp(48, 256, 10, activation="relu", loss="softmax_cross_entropy")
    trainer = symbp.compile(network, symbp.SGD(0.1), "float32")
    x = np.random.default_rng(0).normal(size=(70, 48)).astype(np.float32)
    W1, b1, W2, b2 = (array.astype(float) for array in trainer.parameters)
    exact = np.maximum(x @ W1.T + b1, 0) @ W2.T + b2
    batch = trainer.predict(x)
    np.testing.assert_allclose(batch, exact, atol=1e-5)
    for row in (0, 69):
        np.testing.assert_allclose(trainer.predict(x[row : row + 1])[0], exact[row], atol=1e-5)
    x[3, 5] = np.nan
    assert np.isnan(trainer.predict(x[3:4])).all()


def test_a_program_without_output_says_so(emit):
    module = emit(output=None)
    message = refusal(TypeError, module.predict, module.initial_parameters(), np.ones((1, 3)))
    assert "no output" in message


# Loss and gradient


def test_gradient_gives_the_cost_and_new_parameters_over_one_buffer():
    parameters = regression.initial_parameters(2)
    before = copy.deepcopy(parameters)
    cost, gradients = regression.gradient(parameters, X, Y)
    assert type(cost) is float
    assert cost == regression.loss(parameters, X, Y)
    assert isinstance(gradients, regression.Parameters)
    assert gradients.W.base is gradients.b.base
    residual = 2 * (X @ parameters.W.T + parameters.b - Y) / Y.size
    np.testing.assert_allclose(gradients.W, residual.T @ X)
    np.testing.assert_allclose(gradients.b, residual.sum(axis=0))
    np.testing.assert_array_equal(parameters.W, before.W)


# Training


def test_training_learns_and_records():
    trainer = regression.Trainer(seed=1)
    assert trainer.fit(X, Y, epochs=200, batch_size=5, validation=(X, Y)) is trainer
    assert [record["epoch"] for record in trainer.history] == list(range(1, 201))
    assert set(trainer.history[0]) == {"epoch", "cost", "validation_cost"}
    assert trainer.history[-1]["cost"] < 1e-3 * trainer.history[0]["cost"]
    assert trainer.history[-1]["validation_cost"] == trainer.loss(X, Y)
    np.testing.assert_allclose(trainer.parameters.b, [0.5, -1.0], atol=0.05)


def test_training_is_reproducible_and_its_seed_matters():
    def trained(seed, **options):
        start = regression.initial_parameters(0)
        trainer = regression.Trainer(start, seed=seed).fit(X, Y, epochs=3, batch_size=5, **options)
        return trainer.parameters.W.tobytes()

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)
    assert trained(1, shuffle=False) == trained(2, shuffle=False)


def test_the_trainer_copies_the_parameters_it_starts_from():
    start = regression.initial_parameters(0)
    before = copy.deepcopy(start)
    trainer = regression.Trainer(start).fit(X, Y)
    np.testing.assert_array_equal(start.W, before.W)
    assert not np.array_equal(trainer.parameters.W, before.W)
    trainer.parameters.W[...] = 0.0
    np.testing.assert_array_equal(trainer.parameters.W, 0.0)


def test_a_copied_trainer_trains_alone_and_alike():
    trainer = regression.Trainer().fit(X, Y)
    twin = copy.deepcopy(trainer)
    trainer.fit(X, Y, batch_size=5)
    assert not np.array_equal(trainer.parameters.W, twin.parameters.W)
    twin.fit(X, Y, batch_size=5)
    np.testing.assert_array_equal(trainer.parameters.W, twin.parameters.W)


def test_hyperparameters_are_checked_by_name_and_value():
    trainer = regression.Trainer(learning_rate=1, momentum=np.float32(0.5))
    assert trainer.hyperparameters == {"learning_rate": 1, "momentum": 0.5}
    message = refusal(TypeError, regression.Trainer, learning_rat=1.0)
    assert "did you mean learning_rate?" in message
    assert message.endswith("This program has: learning_rate, momentum")
    assert "did you mean" not in refusal(TypeError, regression.Trainer, zzz=1.0)
    for value in (np.nan, np.inf, -np.inf, 10**400):
        assert "finite" in refusal(ValueError, regression.Trainer, momentum=value)
    for value in ("0.1", None, True, 1j, [0.1]):
        assert "number" in refusal(TypeError, regression.Trainer, momentum=value)


def test_a_value_must_be_finite_in_the_dtype_of_the_module(emit):
    module = emit(dtype="float32", hyperparameters={"rate": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refusal(ValueError, module.Trainer, rate=1e300)


def test_hyperparameters_may_change_during_training(emit):
    module = emit(hyperparameters={"rate": 1.0, "decay": 0.5}, dtype="float32")
    trainer = module.Trainer()

    def halve(epoch, record):
        trainer.hyperparameters["rate"] /= 2

    trainer.fit(np.ones((4, 3)), epochs=3, callback=halve)
    np.testing.assert_array_equal(module.SEEN[2], [0.25, 0.5])
    assert module.SEEN[2].dtype == np.float32
    trainer.hyperparameters["rats"] = 1.0
    assert "did you mean rate?" in refusal(TypeError, trainer.fit, np.ones((4, 3)))
    trainer.hyperparameters = {"rate": 1.0}
    assert refusal(TypeError, trainer.fit, np.ones((4, 3))) == "decay: expected a number, got None"


def test_each_epoch_visits_every_row_once(emit):
    module = emit()
    trainer, x = module.Trainer(), np.ones((10, 3))
    orders = []
    trainer.fit(x, epochs=3, callback=lambda epoch, record: orders.append(module.SEEN[3]))
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0].tolist() != orders[1].tolist()
    assert orders[0].dtype == np.int64
    trainer.fit(x, shuffle=False, batch_size=100)
    np.testing.assert_array_equal(module.SEEN[3], np.arange(10))
    assert module.SEEN[4] == 10


def test_counts_are_checked():
    fit = regression.Trainer().fit
    assert refusal(ValueError, fit, X, Y, batch_size=0) == "batch_size: expected at least 1, got 0"
    assert refusal(ValueError, fit, X, Y, epochs=-1) == "epochs: expected at least 0, got -1"
    for wrong in (2.0, "3", None, True):
        assert refusal(TypeError, fit, X, Y, batch_size=wrong).startswith("batch_size: expected an")
        assert refusal(TypeError, fit, X, Y, epochs=wrong).startswith("epochs: expected an integer")
    assert fit(X, Y, epochs=np.int64(0)).history == []


def test_validation_is_checked_before_training():
    trainer = regression.Trainer()
    message = refusal(TypeError, trainer.fit, X, Y, validation=(X,))
    assert message == "validation: expected 2 arrays (x, y), got 1"
    message = refusal(ValueError, trainer.fit, X, Y, validation=(X, Y[:3]))
    assert message == "validation y has 3 rows, validation x has 12"
    assert trainer.history == []


@pytest.mark.parametrize("kind", ["classes", "distribution"])
def test_accuracy_is_recorded_for_classes(emit, kind):
    module = emit(**classifier_options(kind))
    x = np.random.default_rng(0).normal(size=(60, 4))
    labels = x[:, :3].argmax(axis=1)
    trainer = module.Trainer().fit(x, labels, epochs=60, validation=(x, labels))
    accuracy = np.mean(trainer.predict(x).argmax(axis=1) == labels)
    assert trainer.history[-1]["validation_accuracy"] == accuracy
    assert trainer.accuracy(x, labels) == accuracy == trainer.accuracy(x, np.eye(3)[labels])
    assert accuracy > 0.9


def test_accuracy_without_classes_is_refused(emit):
    assert "classes" in refusal(TypeError, regression.Trainer().accuracy, X, Y)
    trainer = regression.Trainer().fit(X, Y, validation=(X, Y))
    assert "validation_accuracy" not in trainer.history[0]
    one = emit(arguments=(("y", "target", (None, 1), "distribution", None),), output=(None, 1))
    assert "classes" in refusal(TypeError, one.Trainer().accuracy, [1, 1])


@pytest.mark.parametrize("shape", [(None, 1), (None,)])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_a_single_output_tells_two_classes_apart_by_the_threshold(emit, shape, threshold):
    module = emit(
        kernels=RECORDING.replace("output[...] = 0.0", "output[...] = inputs[0]"),
        arguments=(("x", "input", shape, "real", None), ("y", "target", shape, "classes", None)),
        output=shape,
        threshold=threshold,
    )
    x, labels = np.array([-1.0, 0.25, 0.75, 2.0]), np.array([0, 1, 1, 0])
    x = x.reshape(4, *shape[1:])
    right = 0.75 if threshold == 0 else 0.5
    trainer = module.Trainer().fit(x, labels, validation=(x, labels))
    assert trainer.accuracy(x, labels) == right
    assert trainer.history[0]["validation_accuracy"] == right
    message = refusal(ValueError, trainer.accuracy, x, [0, 1, 2, 0])
    assert message.startswith("y[2")
    assert message.endswith("is 2.0, expected class 0 or 1")
    trainer.fit(x, [-1, 1, 1, -1], validation=(x, [-1, 1, 1, -1]))
    assert "validation_accuracy" not in trainer.history[1]


def test_a_callback_sees_each_epoch_and_can_stop():
    seen = []

    def callback(epoch, record):
        seen.append((epoch, record))
        return epoch == 3

    trainer = regression.Trainer().fit(X, Y, epochs=10, callback=callback)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert [record for _, record in seen] == trainer.history
    trainer.fit(X, Y)
    assert trainer.history[-1]["epoch"] == 4


def test_divergence_warns_once_and_names_epoch_and_settings():
    trainer = regression.Trainer(learning_rate=1e200)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        trainer.fit(X, Y, epochs=5)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "in epoch 2" in message
    assert "learning_rate=1e+200" in message
    assert caught[0].filename == __file__


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_trainer_remains_usable(interruption, tmp_path):
    def interrupt(epoch, record):
        if epoch == 2:
            raise interruption

    trainer = regression.Trainer(seed=5)
    with pytest.raises(interruption):
        trainer.fit(X, Y, epochs=9, batch_size=5, callback=interrupt)
    assert len(trainer.history) == 2
    trainer.save(tmp_path / "saved")
    trainer.fit(X, Y, epochs=2, batch_size=5)
    straight = regression.Trainer(seed=5).fit(X, Y, epochs=4, batch_size=5)
    np.testing.assert_array_equal(trainer.parameters.W, straight.parameters.W)


# Saving and loading


@given(
    seed=st.integers(0, 9),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    batch_size=st.integers(1, 15),
)
@settings(max_examples=25, deadline=None)
def test_training_continues_bit_for_bit_after_load(
    tmp_path_factory, seed, before, after, batch_size
):
    path = tmp_path_factory.getbasetemp() / "continued.npz"
    options = {"batch_size": batch_size, "validation": (X, Y)}
    trainer = regression.Trainer(seed=seed, learning_rate=0.07)
    trainer.fit(X, Y, epochs=before, **options).save(path)
    resumed = regression.Trainer.load(path).fit(X, Y, epochs=after, **options)
    straight = regression.Trainer(seed=seed, learning_rate=0.07)
    straight.fit(X, Y, epochs=before + after, **options)
    assert resumed._flat.tobytes() == straight._flat.tobytes()
    assert resumed._state.tobytes() == straight._state.tobytes()
    assert resumed.history == straight.history
    assert resumed.hyperparameters == straight.hyperparameters
    assert resumed.epochs == straight.epochs


def test_saving_replaces_the_file_or_leaves_it(tmp_path):
    path = tmp_path / "model"  # no suffix is added
    trainer = regression.Trainer()
    trainer.save(path)
    saved = path.read_bytes()
    trainer.history.append({"epoch": object()})
    with pytest.raises(TypeError):
        trainer.save(path)
    assert path.read_bytes() == saved
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_no_partial_file(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError("no space left")

    path = tmp_path / "model.npz"
    regression.Trainer().save(path)
    saved = path.read_bytes()
    monkeypatch.setattr(regression.np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        regression.Trainer().save(path)
    assert path.read_bytes() == saved
    assert list(tmp_path.iterdir()) == [path]


def rewrite(path: Path, **changes) -> None:
    with np.load(path) as file:
        entries = dict(file)
    metadata = json.loads(str(entries["metadata"])) | changes.pop("metadata", {})
    entries |= {"metadata": np.array(json.dumps(metadata))} | changes
    np.savez(path, **{name: value for name, value in entries.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metadata": {"signature": "other"}}, "saved by program other, this is stand-in"),
        ({"parameters": None}, "parameters"),
        ({"parameters": np.zeros(7)}, "expected an array (8,) of float64, got (7,) of float64"),
        ({"state": np.zeros(8, np.float32)}, "got (8,) of float32"),
        ({"metadata": {"hyperparameters": {"momentum": 0.1}}}, "learning_rate"),
        ({"metadata": {"generator": {"bit_generator": "MT19937"}}}, ""),
        ({"metadata": {"epochs": None}}, ""),
        ({"state": np.array([None] * 8)}, "allow_pickle"),
    ],
)
def test_a_file_of_something_else_is_refused_in_one_line(tmp_path, changes, expected):
    path = tmp_path / "model.npz"
    regression.Trainer().save(path)
    rewrite(path, **changes)
    message = refusal(ValueError, regression.Trainer.load, path)
    assert message.startswith(f"{path}: not a saved trainer of this program (")
    assert expected in message


def test_files_that_are_no_archives_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    np.save(tmp_path / "array.npy", np.zeros(3))
    for content in (b"", b"text", (tmp_path / "array.npy").read_bytes()):
        path.write_bytes(content)
        refusal(ValueError, regression.Trainer.load, path)
    with pytest.raises(FileNotFoundError):
        regression.Trainer.load(tmp_path / "absent.npz")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_or_harmlessly_damaged(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    trainer = regression.Trainer(seed=3).fit(X, Y)
    trainer.save(path)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = regression.Trainer.load(path)
    except ValueError:
        assert refusal(ValueError, regression.Trainer.load, path).startswith(str(path))
    else:
        assert loaded._flat.tobytes() == trainer._flat.tobytes()
        assert loaded.history == trainer.history


# Verification of the gradient


def test_a_right_gradient_passes():
    assert regression.check_gradient() < 1e-8
    assert regression.check_gradient(seed=7, examples=1) < 1e-8


@pytest.mark.parametrize("kind", ["classes", "distribution"])
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-7), ("float32", 5e-3)])
def test_a_right_gradient_passes_for_each_kind_and_dtype(emit, kind, dtype, bound):
    assert emit(**{**classifier_options(kind), "dtype": dtype}).check_gradient() < bound


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("error", ["*= 1.05", "[5] = 0.0", "[5] = np.nan", "[5] = np.inf"])
def test_a_wrong_gradient_is_found(emit, dtype, error):
    wrong = CLASSIFIER.replace(
        "    return _loss_kernel(flat, x, y)\n",
        f"    gradients{error}\n    return _loss_kernel(flat, x, y)\n",
    )
    module = emit(**{**classifier_options(), "kernels": wrong, "dtype": dtype})
    message = refusal(ArithmeticError, module.check_gradient)
    assert message.startswith("the gradient of W[")


def test_a_wrong_cost_is_found(emit):
    wrong = CLASSIFIER.replace("    return _loss_kernel(flat, x, y)\n", "    return 0.0\n")
    module = emit(**{**classifier_options(), "kernels": wrong})
    assert "gradient returns the cost 0.0" in refusal(ArithmeticError, module.check_gradient)


def scalar_program(cost: str, derivative: str) -> dict:
    kernels = f"""
def _loss_kernel(w):
    return float({cost})
def _gradient_kernel(w, gradients):
    gradients[:] = {derivative}
    return _loss_kernel(w)
"""
    return {
        "kernels": kernels,
        "arguments": (),
        "parameters": (("w", (500,), ("uniform", 1.0)),),
        "output": None,
    }


@pytest.mark.parametrize(
    ("cost", "derivative"),
    [
        ("np.abs(w).sum()", "np.sign(w)"),
        ("np.maximum(w, 0.0).sum()", "(w > 0) * 1.0"),
        ("(w > 0).sum() + w.sum()", "1.0"),
    ],
)
@pytest.mark.parametrize("step", [1e-5, 0.1, 0.5])
def test_kinks_and_jumps_raise_no_false_alarm(emit, cost, derivative, step):
    module = emit(**scalar_program(cost, derivative))
    error, compared, skipped = module._NETWORK.compare_gradient(seed=0, examples=4, step=step)
    assert error < 1e-6
    assert compared == 60  # shorter steps reach no kink
    assert skipped == 0


@given(kink=st.floats(-1.0, 1.0), jump=st.floats(0.01, 10.0))
@settings(max_examples=200, deadline=None)
def test_a_kink_anywhere_within_the_step_is_recognised(kink, jump):
    """The claim of the comment in `Differences.compare`, in the units of the step."""

    def f(x):
        return jump * max(0.0, x - kink)

    right, left, right2, left2 = (
        f(1) - f(0),
        f(0) - f(-1),
        2 * (f(0.5) - f(0)),
        2 * (f(0) - f(-0.5)),
    )
    error = abs((right + left) / 2 - jump * (kink < 0))
    bend = abs(2 * (right2 - left2) - (right - left))
    drift = abs((right2 + left2) - (right + left)) / 2
    assert max(bend, drift) >= 0.39 * error


def test_a_check_in_which_everything_is_skipped_is_an_error(emit):
    # A kink at the very point, whatever the step.
    module = emit(**scalar_program("np.abs(w - initial_parameters(0).w).sum()", "0.3"))
    message = refusal(ArithmeticError, module.check_gradient)
    assert message.startswith("all 60 coordinates are skipped")


@pytest.mark.parametrize(("slope", "passes"), [(10000, True), (11000, False), (10001, False)])
def test_a_steep_loss_is_compared_with_shorter_steps(emit, slope, passes):
    module = emit(**scalar_program("np.exp(-10000 * w).sum()", f"-{slope} * np.exp(-10000 * w)"))
    start = module.Parameters(np.linspace(0, 1e-4, 500))
    module._NETWORK.initial_parameters = lambda seed: start
    if passes:
        assert module.check_gradient() < 1e-6
    else:
        assert "relative error" in refusal(ArithmeticError, module.check_gradient)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6])
def test_a_small_gradient_is_compared_relative_to_its_loss(emit, scale):
    cost = f"{scale} * (w ** 2).sum()"
    assert emit(**scalar_program(cost, f"{scale} * 2 * w")).check_gradient() < 1e-6
    wrong = emit(**scalar_program(cost, f"{scale} * 2.001 * w"))
    assert "the gradient of w[" in refusal(ArithmeticError, wrong.check_gradient)


def test_a_gradient_that_is_zero_everywhere_is_wrong(emit):
    wrong = emit(**scalar_program("(w ** 2).sum()", "0.0"))
    assert "relative error inf" in refusal(ArithmeticError, wrong.check_gradient)


def test_a_wrong_gradient_beside_kinks_is_found(emit):
    module = emit(**scalar_program("np.abs(w).sum()", "0.9 * np.sign(w)"))
    refusal(ArithmeticError, module.check_gradient)


def test_data_are_positive_where_the_cost_needs_it(emit):
    kernels = """
def _loss_kernel(w, x):
    with np.errstate(invalid="ignore"):
        return float((w * np.log(x).sum()).sum())
def _gradient_kernel(w, gradients, x):
    gradients[:] = np.log(x).sum()
    return _loss_kernel(w, x)
"""
    module = emit(kernels=kernels, parameters=(("w", (3,), ("constant", 0.0)),))
    assert module.check_gradient() < 1e-8
    nan = emit(**scalar_program("np.nan", "0.0"))
    assert "nothing to compare" in refusal(ArithmeticError, nan.check_gradient)


def test_integer_arguments_are_drawn_in_range(emit):
    kernels = """
def _loss_kernel(w, k):
    return float((w[k] ** 2).sum())
def _gradient_kernel(w, gradients, k):
    gradients[:] = 0.0
    np.add.at(gradients, k, 2 * w[k])
    return _loss_kernel(w, k)
"""
    module = emit(
        kernels=kernels,
        arguments=(("k", "input", (None, 2), "integer", 6),),
        parameters=(("w", (6,), ("constant", 0.0)),),
    )
    assert module.check_gradient() < 1e-8


# The command line


def run(tmp_path: Path, text: str, *arguments: str) -> subprocess.CompletedProcess:
    path = tmp_path / "model.py"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_prints_one_line_and_exits_with_zero_or_one(tmp_path):
    passed = run(tmp_path, emitted_text(**classifier_options()), "--check")
    assert passed.returncode == 0, passed.stderr
    assert passed.stdout.startswith("gradient check passed: largest relative error ")
    assert passed.stdout.endswith("12 coordinates compared, 0 skipped\n")
    wrong = CLASSIFIER.replace("np.exp(_log_softmax(flat, x)) - y", "y")
    failed = run(tmp_path, emitted_text(**{**classifier_options(), "kernels": wrong}), "--check")
    assert failed.returncode == 1
    assert failed.stdout.startswith("gradient check FAILED: the gradient of W[")
    assert failed.stdout.count("\n") == 1
    assert not failed.stderr


def test_without_arguments_the_module_tells_what_it_is(tmp_path):
    told = run(tmp_path, emitted_text(**classifier_options()))
    assert told.returncode == 0
    assert "A small network." in told.stdout
    assert "Its equations" not in told.stdout
    assert "usage: model.py" in told.stdout


def test_the_entry_points_accept_jitted_kernels(emit):
    """What reaches the kernels has the types that they are compiled for."""
    kernels = textwrap.dedent("""
        import numba
        @numba.njit("void(float32[::1], float32[:,::1], float32[:,::1])")
        def _predict_kernel(flat, output, x):
            output[:] = flat[0] * x
        @numba.njit("float64(float32[::1], float32[:,::1], int64[::1])")
        def _loss_kernel(flat, x, k):
            return flat[0] * x.sum() + k.sum()
        @numba.njit("float64(float32[::1], float32[::1], float32[:,::1], int64[::1])")
        def _gradient_kernel(flat, gradients, x, k):
            gradients[0] = x.sum()
            return flat[0] * x.sum() + k.sum()
        @numba.njit("float64(float32[::1], float32[::1], float32[::1], int64[::1], int64, "
                    "float32[:,::1], int64[::1])")
        def _epoch_kernel(flat, state, values, order, batch_size, x, k):
            flat -= values[0]
            return 1.0
    """)
    module = emit(
        kernels=kernels,
        dtype="float32",
        arguments=(
            ("x", "input", (None, 3), "real", None),
            ("k", "target", (None,), "integer", 9),
        ),
        parameters=(("w", (), ("constant", 1.0)),),
        hyperparameters={"rate": 0.25},
        output=(None, 3),
    )
    trainer = module.Trainer()
    trainer.fit(np.asfortranarray(X), np.arange(9, dtype=np.int8)[:1].repeat(12), epochs=2)
    assert trainer.parameters.w == 0.5
    np.testing.assert_allclose(trainer.predict(X.tolist()), X / 2, rtol=1e-6)
    module.check_gradient()
