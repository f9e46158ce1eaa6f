"""A network of digits is trained in a few kilobytes of a Cortex-M4."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import symbp as bp
from tests.loops.running import model_of
from tests.targets.c.running import STRICT, model_job, written

COMPILER = shutil.which("arm-none-eabi-gcc")
CODE, BUFFERS = 4096, 2048


@pytest.mark.skipif(COMPILER is None, reason="no arm-none-eabi-gcc here")
def test_an_epoch_of_single_examples_fits(tmp_path: Path) -> None:
    model = model_of(bp.mlp(64, 30, 10, activation="sigmoid"), bp.SGD(0.1))
    written(model_job(model, "float32", 1), tmp_path)
    options = ["-mcpu=cortex-m4", "-Os", "-ffunction-sections", "-c", "net.c", "-o", "net.o"]
    subprocess.run([str(COMPILER), *STRICT, *options], cwd=tmp_path, check=True)
    sections = subprocess.run(
        ["arm-none-eabi-size", "-A", "net.o"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    sizes = dict(re.findall(r"^\.(text\.\w+|data|bss)\s+(\d+)", sections, re.MULTILINE))
    others = ("predict", "loss", "gradient", "step")
    code = sum(
        int(size)
        for name, size in sizes.items()
        if name.removeprefix("text.") not in {f"net_{other}" for other in others}
    )
    assert "text.net_epoch" in sizes
    assert code <= CODE
    header = (tmp_path / "net.h").read_text(encoding="utf-8")
    (size,) = re.findall(r"What net_epoch computes on the way: (\d+) bytes", header)
    assert int(size) <= BUFFERS
