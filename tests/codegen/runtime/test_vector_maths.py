"""The vectorised elementary functions against mpmath, at special values, and their machine code."""

import ast
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf
from numba import njit

from symbp.codegen.runtime import vector_maths_float32

mp.dps = 40

FUNCTIONS = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x)),
    "erf": mp.erf,
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_prime": lambda x: mp.ncdf(x) + x * mp.npdf(x),
    "gelu_tanh": lambda x: x / (1 + mp.exp(-2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))),
    "sin": mp.sin,
    "cos": mp.cos,
}

# Largest error: relative, in units of 2^-52 or 2^-23, or absolute in the same units ("scale") where
# the function has zeros or underflows inside the range.
RELATIVE = {
    "exp": 0.7,
    "expm1": 1.4,
    "log": 0.8,
    "log1p": 1.0,
    "tanh": 1.8,
    "sigmoid": 1.6,
    "softplus": 2.0,
    "erf": 1.8,
}
SCALED = {"gelu": 2.0, "gelu_prime": 2.0, "gelu_tanh": 2.0, "sin": 1.0, "cos": 1.0}
DTYPES = ("float32", "float64")


@pytest.fixture(scope="module", params=DTYPES)
def apply(request):
    """Return a function that applies a function of one module to an array of its dtype."""
    dtype = request.param
    module = importlib.import_module(f"symbp.codegen.runtime.vector_maths_{dtype}")
    loops = {}

    def evaluate(name, values):
        if name not in loops:
            function = getattr(module, name)

            @njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})
            def loop(x, y):
                for i in range(x.shape[0]):
                    y[i] = function(x[i])

            loops[name] = loop
        x = np.asarray(values, dtype)
        y = np.empty_like(x)
        loops[name](x, y)
        evaluate.machine_code = "\n".join(loops[name].inspect_asm().values())
        return x, y

    evaluate.dtype = dtype
    evaluate.epsilon = float(np.finfo(dtype).eps)
    return evaluate


def sample(name, dtype):
    """Return points that are dense near zero, near the reductions' seams, and far out."""
    random = np.random.default_rng(7)
    far = 87.0 if dtype == "float32" else 700.0
    tiny = np.exp(random.uniform(-60 if dtype == "float64" else -30, 0, 400))
    points = [random.uniform(-s, s, 400) for s in (0.4, 1.0, 6.0, 30.0)]
    points += [random.choice([-1, 1], 400) * tiny]
    if name in ("exp", "expm1", "tanh", "sigmoid", "softplus"):
        points.append(random.uniform(-far, far, 400))
    if name in ("log", "log1p"):
        points.append(np.exp(random.uniform(-80, 80, 400)))
        points = [np.abs(p) for p in points]
    if name == "log1p":
        points.append(random.uniform(-0.9999, 0, 400))
    if name in ("sin", "cos"):
        limit = 1e5 if dtype == "float32" else 1e12
        points += [random.uniform(-s, s, 400) for s in (1e3, 0.99 * limit)]
        points.append(np.arange(-200, 200) * np.pi / 2)
    return np.concatenate(points)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_mpmath(apply, name):
    x, y = apply(name, sample(name, apply.dtype))
    worst = 0.0
    for point, value in zip(x.tolist(), y.tolist(), strict=True):
        exact = FUNCTIONS[name](mpf(point))
        # gelu grows like x: its scale is x for large x, one otherwise.
        scale = abs(exact) if name in RELATIVE else max(1, abs(exact))
        error = abs(value - exact) / scale if scale else abs(mpf(value))
        worst = max(worst, float(error) / apply.epsilon)
    assert worst <= {**RELATIVE, **SCALED}[name]


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
    "sin": {-np.inf: np.nan, np.inf: np.nan, 0.0: 0.0, 1e13: np.nan},
    "cos": {-np.inf: np.nan, np.inf: np.nan, 0.0: 1.0, 1e13: np.nan},
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(apply, name):
    _, y = apply(name, [np.nan, *LIMITS[name]])
    np.testing.assert_array_equal(y, np.asarray([np.nan, *LIMITS[name].values()], apply.dtype))


@pytest.mark.parametrize("name", ["tanh", "expm1", "log1p", "sin"])
def test_tiny_arguments_are_returned_unchanged(apply, name):
    smallest = np.finfo(apply.dtype)
    points = [smallest.tiny, -smallest.tiny, 8 * smallest.smallest_subnormal, 1e-30, -1e-20]
    x, y = apply(name, points)
    np.testing.assert_array_equal(y, x)


def test_logarithm_of_subnormal_numbers(apply):
    x, y = apply("log", np.finfo(apply.dtype).smallest_subnormal * 2.0 ** np.arange(8))
    exact = [float(mp.log(mpf(v))) for v in x.tolist()]
    np.testing.assert_allclose(y, exact, rtol=apply.epsilon)


def test_exponential_is_finite_up_to_the_overflow_and_flushes_below_the_normal_numbers(apply):
    information = np.finfo(apply.dtype)
    largest = np.nextafter(np.log(information.max), np.asarray(0, apply.dtype))
    _, y = apply("exp", [largest, largest * 1.001, np.log(information.tiny) * 1.01])
    assert np.isfinite(y[0])
    assert y[0] > information.max * 0.999
    assert y[1] == np.inf
    assert y[2] == 0


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf"])
def test_bounded_functions_stay_within_their_bounds(apply, name):
    _, y = apply(name, np.linspace(-50, 50, 200_001))
    assert y.max() == 1
    assert y.min() >= -1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_loop_is_vectorised_without_leaving_the_element_type(apply, name):
    apply(name, [0.5])
    code = apply.machine_code
    if "ymm" not in code and "zmm" not in code:
        pytest.skip("written for x86-64 with AVX2 or AVX-512")
    suffix = "ps" if apply.dtype == "float32" else "pd"
    assert re.search(rf"vf\w*(?:add|sub)\d+{suffix}\s.*%[yz]mm", code)
    assert not re.search(r"vcvt(ps2pd|pd2ps|ss2sd|sd2ss)", code)


def test_maximum_propagates_nan_and_vectorises_as_a_reduction(apply):
    module = importlib.import_module(f"symbp.codegen.runtime.vector_maths_{apply.dtype}")
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
            definitions[node.targets[0].id] = node
    needed, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        names = {n.id for n in ast.walk(definitions[name]) if isinstance(n, ast.Name)}
        waiting += (names & definitions.keys()) - needed
    body = imports + [node for key, node in definitions.items() if key in needed]
    return ast.unparse(ast.Module(body, []))


@pytest.mark.parametrize("name", ["sigmoid", "gelu_prime", "log1p", "cos"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_function_can_be_pasted_alone(dtype, name):
    path = Path(vector_maths_float32.__file__).with_name(f"vector_maths_{dtype}.py")
    namespace = {}
    exec(pasted(path, name), namespace)
    argument = np.dtype(dtype).type(0.5)
    assert abs(namespace[name](argument) - float(FUNCTIONS[name](mpf("0.5")))) < 1e-6
