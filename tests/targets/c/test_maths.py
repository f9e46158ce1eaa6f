"""The vector maths of C is that of the Numba modules, translated, and as exact."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

from symbp.targets.c import runtime
from symbp.targets.c.paste import pasted
from symbp.targets.c.translate import translated
from tests.targets.c.running import COMPILER, STRICT, needs_compiler
from tests.targets.numba.vector_maths.functions import (
    BOUNDS,
    DTYPES,
    EXACT,
    SAMPLED,
    SCALED,
    error_in_ulp,
    sample,
)

# Every function at points of its own, and at NaN.
MAIN = """
#include <stdio.h>
static real x[COUNT];
int main(void)
{
CALLS    return 0;
}
"""
CALL = """\
    if (fread(x, sizeof(real), COUNT, stdin) != COUNT) {
        return 1;
    }
    for (int i = 0; i < COUNT; ++i) {
        x[i] = symbp_NAME(x[i]);
    }
    if (fwrite(x, sizeof(real), COUNT, stdout) != COUNT) {
        return 1;
    }
"""
POINTS = 400


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_file_is_what_the_source_is_translated_to(dtype: str) -> None:
    file = Path(runtime.__file__).parent / f"maths_{dtype}.c"
    assert file.read_text(encoding="utf-8") == translated(dtype)


# With and without products and sums that are rounded at once.
@pytest.mark.parametrize("options", [("-O0",), ("-O3", "-march=native", "-ffp-contract=fast")])
@pytest.mark.parametrize("dtype", DTYPES)
@needs_compiler
def test_errors_are_within_their_bounds(
    dtype: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    points = {}
    bounds = {**BOUNDS, **SAMPLED}
    for name in bounds:
        chosen = np.random.default_rng(1).permutation(sample(name, dtype, 2 * POINTS))[: POINTS - 1]
        points[name] = np.resize(np.append(chosen, np.nan), POINTS).astype(dtype)
    found = evaluated(points, dtype, options, tmp_path)
    # The bounds were measured with products and sums rounded at once.
    slack = 0.0 if len(options) > 1 else 1.0
    for name, x in points.items():
        y = found[name]
        assert (np.isnan(y) == np.isnan(x)).all(), name
        with mp.workdps(40):
            errors = [
                error_in_ulp(value, EXACT[name](mpf(point)), dtype, name in SCALED)
                for point, value in zip(x.tolist(), y.tolist(), strict=True)
                if not np.isnan(point)
            ]
        assert max(errors) <= bounds[name][dtype] + slack, name


def evaluated(
    points: dict[str, np.ndarray], dtype: str, options: tuple[str, ...], folder: Path
) -> dict[str, np.ndarray]:
    """Return the functions at points, from a program that computes all of them."""
    calls = "".join(CALL.replace("NAME", name) for name in points)
    main = MAIN.replace("CALLS", calls).replace("COUNT", str(POINTS))
    kind = "float" if dtype == "float32" else "double"
    head = f"#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\ntypedef {kind} real;\n"
    (folder / "maths.c").write_text(head + pasted(main, dtype) + main, encoding="utf-8")
    command = [str(COMPILER), *STRICT, *options, "maths.c", "-o", "maths", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    given = b"".join(x.tobytes() for x in points.values())
    done = subprocess.run([folder / "maths"], input=given, capture_output=True, check=True)
    rows = np.frombuffer(done.stdout, dtype).reshape(len(points), POINTS)
    return dict(zip(points, rows, strict=True))
