"""The packed matrix product is the sum of products, for all sizes, transposes and addends."""

import shutil
import subprocess
from pathlib import Path

import pytest

from symbp.targets.c import runtime
from tests.targets.c.running import COMPILER, SANITIZED, STRICT, needs_compiler

KERNEL = Path(runtime.__file__).parent / "product.c"
CHECK = Path(__file__).parent / "check_product.c"
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)] or [str(COMPILER)]


# The last has no vectors: another compiler may have no arithmetic of them.
OPTIONS = [("-O3", "-march=native"), ("-O1", *SANITIZED), ("-O1", "-U__SSE2__")]
# Each option and each compiler in every run.
IN_TURN = [(options, COMPILERS[n % len(COMPILERS)]) for n, options in enumerate(OPTIONS)]


@needs_compiler
@pytest.mark.parametrize(
    ("options", "compiler", "real", "limit"),
    [
        pytest.param(
            options, compiler, real, limit,
            marks=() if real == "float" and (options, compiler) in IN_TURN else pytest.mark.slow,
        )
        for options in OPTIONS
        for compiler in COMPILERS
        for real, limit in (("float", "1e-6"), ("double", "1e-15"))
    ],
)  # fmt: skip
def test_the_kernel_multiplies(
    options: tuple[str, ...], real: str, limit: str, compiler: str, tmp_path: Path
) -> None:
    defined = [f"-DREAL={real}", f"-DLIMIT={limit}", f'-DKERNEL="{KERNEL}"']
    command = [compiler, *STRICT, *options, *defined, str(CHECK), "-o", "check", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    result = subprocess.run([tmp_path / "check"], capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, "checked"), result.stderr
