"""The vectorised elementary functions at special values, their machine code and their flags.

How exact they are is tested in tests/targets/numba/vector_maths.
"""

import ast
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf
from numba import njit

from symbp.targets.numba.functions import FUNCTIONS
from symbp.targets.numba.runtime import vector_maths_float32
from tests.targets.numba.vector_maths.functions import (
    DTYPES,
    EXACT,
    TRIGONOMETRIC_LIMIT,
    loop,
    runtime_function,
    values,
)

pytestmark = pytest.mark.optimised


@pytest.fixture(scope="module", params=DTYPES)
def apply(request):
    """Return a function that applies a function of one module to an array of its dtype."""

    def evaluate(name, points):
        return values(name, request.param, points)

    evaluate.dtype = request.param
    evaluate.epsilon = float(np.finfo(request.param).eps)
    return evaluate


LIMITS = {
    "exp": {-np.inf: 0.0, np.inf: np.inf, 0.0: 1.0, 800.0: np.inf, -800.0: 0.0},
    "expm1": {-np.inf: -1.0, np.inf: np.inf, 0.0: 0.0, 800.0: np.inf, -800.0: -1.0},
    "log": {-1.0: np.nan, -np.inf: np.nan, 0.0: -np.inf, np.inf: np.inf, 1.0: 0.0},
    "log1p": {-2.0: np.nan, -np.inf: np.nan, -1.0: -np.inf, np.inf: np.inf, 0.0: 0.0},
    "tanh": {-np.inf: -1.0, np.inf: 1.0, 0.0: 0.0, 800.0: 1.0, -800.0: -1.0},
    "sigmoid": {-np.inf: 0.0, np.inf: 1.0, 0.0: 0.5, 800.0: 1.0, -800.0: 0.0},
    "softplus": {-np.inf: 0.0, np.inf: np.inf, 800.0: 800.0, -800.0: 0.0},
    "erf": {-np.inf: -1.0, np.inf: 1.0, 0.0: 0.0, 800.0: 1.0, -800.0: -1.0},
    "gelu": {-np.inf: 0.0, np.inf: np.inf, 0.0: 0.0, 800.0: 800.0, -800.0: 0.0},
    "gelu_prime": {-np.inf: 0.0, np.inf: 1.0, 0.0: 0.5, 800.0: 1.0, -800.0: 0.0},
    "gelu_tanh": {-np.inf: 0.0, np.inf: np.inf, 0.0: 0.0, 800.0: 800.0, -800.0: 0.0},
    "silu": {-np.inf: 0.0, np.inf: np.inf, 0.0: 0.0, 800.0: 800.0, -800.0: 0.0},
    "tanh_prime": {-np.inf: 0.0, np.inf: 0.0, 0.0: 1.0, 800.0: 0.0, -800.0: 0.0},
    "silu_prime": {-np.inf: 0.0, np.inf: 1.0, 0.0: 0.5, 800.0: 1.0, -800.0: 0.0},
    "erf_prime": {-np.inf: 0.0, np.inf: 0.0, 800.0: 0.0, -800.0: 0.0},
    "gelu_tanh_prime": {-np.inf: 0.0, np.inf: 1.0, 0.0: 0.5, 1e19: 1.0, -1e19: 0.0},
    "tan": {-np.inf: np.nan, np.inf: np.nan, 0.0: 0.0, 1e16: np.nan},
    "sinh": {-np.inf: -np.inf, np.inf: np.inf, 0.0: 0.0, 800.0: np.inf, -800.0: -np.inf},
    "cosh": {-np.inf: np.inf, np.inf: np.inf, 0.0: 1.0, 800.0: np.inf, -800.0: np.inf},
    "asin": {-np.inf: np.nan, np.inf: np.nan, 0.0: 0.0, 1.0: np.pi / 2, -1.0: -np.pi / 2},
    "acos": {-np.inf: np.nan, np.inf: np.nan, 0.0: np.pi / 2, 1.0: 0.0, -1.0: np.pi},
    "atan": {-np.inf: -np.pi / 2, np.inf: np.pi / 2, 0.0: 0.0, 1.0: np.pi / 4},
    "asinh": {-np.inf: -np.inf, np.inf: np.inf, 0.0: 0.0},
    "acosh": {-np.inf: np.nan, np.inf: np.inf, 1.0: 0.0, 0.5: np.nan, -2.0: np.nan},
    "atanh": {-1.0: -np.inf, 1.0: np.inf, 0.0: 0.0, 1.5: np.nan, -np.inf: np.nan},
    "erfc": {-np.inf: 2.0, np.inf: 0.0, 0.0: 1.0, 800.0: 0.0, -800.0: 2.0},
    "log_ndtr": {-np.inf: -np.inf, np.inf: 0.0, 800.0: 0.0},
    "inverse_mills_ratio": {-np.inf: np.inf, np.inf: 0.0, 800.0: 0.0, -1e15: 1e15},
    "gammaln": {-np.inf: np.nan, -0.5: np.nan, 0.0: np.inf, 1.0: 0.0, 2.0: 0.0, np.inf: np.inf},
    "digamma": {-np.inf: np.nan, -0.5: np.nan, 0.0: -np.inf, np.inf: np.inf},
    "trigamma": {-np.inf: np.nan, -0.5: np.nan, 0.0: np.inf, np.inf: 0.0},
    "sin": {-np.inf: np.nan, np.inf: np.nan, 0.0: 0.0, 1e16: np.nan},
    "cos": {-np.inf: np.nan, np.inf: np.nan, 0.0: 1.0, 1e16: np.nan},
}


@pytest.mark.parametrize("name", EXACT)
def test_special_values(apply, name):
    _, y = apply(name, [np.nan, *LIMITS[name]])
    np.testing.assert_array_equal(y, np.asarray([np.nan, *LIMITS[name].values()], apply.dtype))


ODD = ["tanh", "sin", "tan", "sinh", "asin", "atan", "asinh", "atanh"]


@pytest.mark.parametrize("name", ["expm1", "log1p", *ODD])
def test_tiny_arguments_are_returned_unchanged(apply, name):
    smallest = np.finfo(apply.dtype)
    subnormal = smallest.smallest_subnormal
    points = [smallest.tiny, -smallest.tiny, subnormal, -3 * subnormal, 1e-30, -1e-20, 0.0, -0.0]
    x, y = apply(name, points)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(np.signbit(y), np.signbit(x))


@pytest.mark.parametrize("name", ["erf", "gelu", "gelu_tanh", "silu"])
def test_zero_keeps_its_sign(apply, name):
    _, y = apply(name, [0.0, -0.0])
    np.testing.assert_array_equal(y, 0)
    assert np.signbit(y).tolist() == [False, True]


@pytest.mark.parametrize("name", ["erf", *ODD])
def test_odd_functions_are_odd_to_the_bit(apply, name):
    x = np.random.default_rng(1).normal(size=5000) * 3
    x = x if name not in ("asin", "atanh") else x / (1 + abs(x))
    np.testing.assert_array_equal(apply(name, -x)[1], -apply(name, x)[1])


def test_nan_propagates_whatever_its_bits(apply):
    width = np.uint32 if apply.dtype == "float32" else np.uint64
    mantissa = np.finfo(apply.dtype).nmant
    infinity = np.array([np.inf, -np.inf], apply.dtype).view(width)[:, None]
    payload = np.left_shift(width(1), np.arange(mantissa, dtype=width))
    nans = (infinity | payload).ravel().view(apply.dtype)
    assert np.isnan(nans).all()
    for name in EXACT:
        assert np.isnan(apply(name, nans)[1]).all(), name


@pytest.mark.parametrize("name", ["log1p", "sigmoid", "sin", "tanh"])
def test_flags_of_the_caller_do_not_change_a_bit(apply, name):
    module = importlib.import_module(f"symbp.targets.numba.runtime.vector_maths_{apply.dtype}")
    function = getattr(module, name)

    @njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
    def free(x, y):
        for i in range(x.shape[0]):
            y[i] = function(x[i])

    x, strict = apply(name, np.abs(np.random.default_rng(2).normal(size=5000)) * 5)
    y = np.empty_like(x)
    free(x, y)
    np.testing.assert_array_equal(y, strict)


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_trigonometric_functions_are_exact_up_to_their_limit_and_nan_beyond(apply, name):
    limit = TRIGONOMETRIC_LIMIT[apply.dtype]
    x, y = apply(name, [limit, -limit, 0.37 * limit, limit * 1.001, -limit * 1e9])
    with mp.workdps(40):
        exact = [float(EXACT[name](mpf(v))) for v in x[:3].tolist()]
    np.testing.assert_allclose(y[:3], exact, rtol=apply.epsilon)
    assert np.isnan(y[3:]).all()


def test_logarithm_near_the_largest_number(apply):
    x, y = apply("log1p", [np.finfo(apply.dtype).max, np.finfo(apply.dtype).max / 1.3])
    np.testing.assert_allclose(y, [float(mp.log1p(mpf(v))) for v in x.tolist()], rtol=apply.epsilon)


def test_logarithm_of_subnormal_numbers(apply):
    x, y = apply("log", np.finfo(apply.dtype).smallest_subnormal * 2.0 ** np.arange(8))
    exact = [float(mp.log(mpf(v))) for v in x.tolist()]
    np.testing.assert_allclose(y, exact, rtol=apply.epsilon)


def test_exponential_is_finite_up_to_the_overflow_and_gradual_below_the_normal_numbers(apply):
    information = np.finfo(apply.dtype)
    largest = np.nextafter(np.log(information.max), np.asarray(0, apply.dtype))
    _, y = apply("exp", [largest, largest * 1.001])
    assert np.isfinite(y[0])
    assert y[0] > information.max * 0.999
    assert y[1] == np.inf
    lowest = np.log(float(information.tiny))
    x, y = apply("exp", np.linspace(lowest + 1, lowest - 40, 500))
    exact = [float(mp.exp(mpf(v))) for v in x.tolist()]
    small = float(information.smallest_subnormal)
    np.testing.assert_allclose(y, exact, rtol=apply.epsilon, atol=small)
    np.testing.assert_allclose(apply("sigmoid", x)[1], exact, rtol=2 * apply.epsilon, atol=small)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf"])
def test_bounded_functions_stay_within_their_bounds(apply, name):
    _, y = apply(name, np.linspace(-50, 50, 200_001))
    assert y.max() == 1
    assert y.min() >= -1


@pytest.mark.parametrize("name", EXACT)
def test_loop_is_vectorised_without_leaving_the_element_type(apply, name):
    apply(name, [0.5])
    code = "\n".join(loop(name, apply.dtype).inspect_asm().values())
    if "ymm" not in code and "zmm" not in code:
        pytest.skip("written for x86-64 with AVX2 or AVX-512")
    suffix = "ps" if apply.dtype == "float32" else "pd"
    assert re.search(rf"vf\w*(?:add|sub)\d+{suffix}\s.*%[yz]mm", code)
    assert not re.search(r"vcvt(ps2pd|pd2ps|ss2sd|sd2ss)", code)


def test_maximum_propagates_nan_and_vectorises_as_a_reduction(apply):
    module = importlib.import_module(f"symbp.targets.numba.runtime.vector_maths_{apply.dtype}")
    maximum = module.maximum

    @njit
    def largest(x):
        result = x[0]
        for i in range(x.shape[0]):
            result = maximum(result, x[i])
        return result

    x = np.random.default_rng(3).normal(size=1000).astype(apply.dtype)
    assert largest(x) == x.max()
    x[123] = np.nan
    assert np.isnan(largest(x))
    code = "\n".join(largest.inspect_asm().values())
    if "ymm" in code or "zmm" in code:
        assert re.search(r"vmaxp[sd]\s.*%[yz]mm", code)


def pasted(path, name):
    """Return the source of one definition and, transitively, of the names that it refers to."""
    tree = ast.parse(path.read_text())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    definitions = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign):
            stored = (n for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name))
            definitions |= {n.id: node for n in stored}
    needed, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        names = {n.id for n in ast.walk(definitions[name]) if isinstance(n, ast.Name)}
        waiting += (names & definitions.keys()) - needed
    chosen = {id(node): node for key, node in definitions.items() if key in needed}
    body = [*imports, *chosen.values()]
    return ast.unparse(ast.Module(body, []))


@pytest.mark.parametrize("name", ["sigmoid", "gelu_prime", "log1p", "cos"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_function_can_be_pasted_alone(dtype, name):
    path = Path(vector_maths_float32.__file__).with_name(f"vector_maths_{dtype}.py")
    namespace = {}
    exec(pasted(path, name), namespace)
    argument = np.dtype(dtype).type(0.5)
    assert abs(namespace[name](argument) - float(EXACT[name](mpf("0.5")))) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_function_that_the_notation_calls_by_name_exists(dtype):
    called = {code for code in FUNCTIONS.values() if code.isidentifier()}
    assert {"log1p", "expm1", "gelu", "sin"} <= called
    for name in called:
        runtime_function(name, dtype)
