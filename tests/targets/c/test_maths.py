"""The vector maths of C is that of the Numba modules, translated, and as exact."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

from symbp.targets.c import runtime
from symbp.targets.c.paste import pasted
from symbp.targets.c.translate import translated
from tests.codegen.vector_maths.functions import (
    BOUNDS,
    DTYPES,
    EXACT,
    SCALED,
    error_in_ulp,
    sample,
)
from tests.targets.c.running import COMPILER, STRICT, needs_compiler

MAIN = """
#include <stdio.h>
int main(void)
{
    static real x[N], y[N];
    if (fread(x, sizeof(real), N, stdin) != N) {
        return 1;
    }
    for (int i = 0; i < N; ++i) {
        y[i] = symbp_NAME(x[i]);
    }
    return fwrite(y, sizeof(real), N, stdout) == N ? 0 : 1;
}
"""


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_file_is_what_the_source_is_translated_to(dtype: str) -> None:
    file = Path(runtime.__file__).parent / f"maths_{dtype}.c"
    assert file.read_text(encoding="utf-8") == translated(dtype)


# With and without products and sums that are rounded at once; the processor may lack them.
@pytest.mark.parametrize("options", [("-O0",), ("-O3", "-march=native", "-ffp-contract=fast")])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
@needs_compiler
def test_errors_are_within_their_bounds(
    name: str, dtype: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    x = sample(name, dtype, 400).astype(dtype)
    y = evaluated(name, x, options, tmp_path)
    with mp.workdps(40):
        errors = [
            error_in_ulp(value, EXACT[name](mpf(point)), dtype, name in SCALED)
            for point, value in zip(x.tolist(), y.tolist(), strict=True)
        ]
    # The bounds were measured with products and sums rounded at once.
    slack = 0.0 if len(options) > 1 else 1.0
    assert max(errors) <= BOUNDS[name][dtype] + slack, x[int(np.argmax(errors))]


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_not_a_number_stays_one(name: str, dtype: str, tmp_path: Path) -> None:
    assert np.isnan(evaluated(name, np.array([np.nan], dtype), ("-O2",), tmp_path)).all()


def evaluated(name: str, x: np.ndarray, options: tuple[str, ...], folder: Path) -> np.ndarray:
    kind = "float" if x.dtype == np.float32 else "double"
    main = MAIN.replace("NAME", name).replace("N]", f"{len(x)}]").replace(", N,", f", {len(x)},")
    main = main.replace("!= N)", f"!= {len(x)})").replace("== N ", f"== {len(x)} ")
    main = main.replace("i < N", f"i < {len(x)}")
    head = f"#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\ntypedef {kind} real;\n"
    (folder / "maths.c").write_text(head + pasted(main, x.dtype.name) + main, encoding="utf-8")
    command = [str(COMPILER), *STRICT, *options, "maths.c", "-o", "maths", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    result = subprocess.run([folder / "maths"], input=x.tobytes(), capture_output=True, check=True)
    return np.frombuffer(result.stdout, x.dtype)
