"""What a translation unit and its header say, refuse and never contain."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.predict import predict
from symbp.targets.c.module import C
from symbp.targets.c.names import comment, identifier, prefix_of
from tests.loops.running import example, model_of
from tests.targets.c.running import (
    COMPILER,
    STRICT,
    Call,
    compiled,
    model_job,
    needs_compiler,
    results,
    written,
)

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)] or [str(COMPILER)]
REPRODUCED = """
import sys
from pathlib import Path
import symbp as bp
net = bp.mlp(5, 4, 3, activation="tanh", loss="softmax_cross_entropy")
bp.generate(net, sys.argv[1], optimizer=bp.Adam(0.01), target="c")
"""


def hostile() -> bp.Program:
    """Return a program whose names are words of C, macros, and names of the runtime."""
    i, j = bp.Index("int", "N"), bp.Index("/* NAN", 3)
    k = bp.Index("return */", 2)
    x, y = bp.input("double", i, k), bp.target("NULL", i, j)
    W, b = bp.parameter("symbp_exp", j, k), bp.parameter("INFINITY", j)
    z, cost = bp.tensor("real", i, j), bp.tensor("rows")
    return bp.Program(
        [
            bp.Equation(z[i, j], bp.sigmoid(bp.Sum(W[j, k] * x[i, k], k) + b[j])),
            bp.Equation(cost, bp.Mean((z[i, j] - y[i, j]) ** 2, i, j)),
        ],
        cost=cost,
        output=z,
    )


# GCC warns of what it finds while it optimises, Clang of what it reads: these in every run.
WARNINGS = [(("-O3", "-march=native"), COMPILERS[0]), (("-O0",), COMPILERS[-1])]


@needs_compiler
@pytest.mark.parametrize(
    ("options", "dtype", "compiler"),
    [
        pytest.param(
            options, dtype, compiler,
            marks=()
            if dtype == "float32" and (options, compiler) in WARNINGS
            else pytest.mark.slow,
        )
        for options in (("-O0",), ("-O3", "-march=native"))
        for dtype in ("float32", "float64")
        for compiler in COMPILERS
    ],
)  # fmt: skip
def test_it_compiles_without_a_warning(
    options: tuple[str, ...], dtype: str, compiler: str, tmp_path: Path
) -> None:
    for number, program in enumerate((bp.mlp(64, 30, 10), hostile())):
        folder = tmp_path / str(number)
        folder.mkdir()
        written(model_job(model_of(program, bp.Adam(0.01)), dtype, 32), folder)
        command = [compiler, *STRICT, *options, "-c", "net.c"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")


@needs_compiler
def test_the_header_is_one_of_cplusplus_too(tmp_path: Path) -> None:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler (g++, clang++) here")
    written(model_job(model_of(bp.mlp(4, 3, 2))), tmp_path)
    (tmp_path / "main.cpp").write_text('#include "net.h"\n', encoding="utf-8")
    command = [compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "main.cpp"]
    subprocess.run(command, cwd=tmp_path, check=True)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["embedding", "lstm"])
def test_the_header_states_the_sizes(name: str, dtype: str, tmp_path: Path) -> None:
    model, _ = example(name)
    written(model_job(model, dtype), tmp_path)
    header = (tmp_path / "net.h").read_text(encoding="utf-8")
    stated = re.findall(r"(\d+) bytes\. \*/\ntypedef struct \{.*?\} (\w+);", header, re.DOTALL)
    assert len(stated) > 4
    checks = [f"    wrong += sizeof({struct}) != {size};" for size, struct in stated]
    lines = ['#include "net.h"', "int main(void)", "{", "    int wrong = 0;", *checks]
    program = compiled(tmp_path, "\n".join([*lines, "    return wrong;", "}", ""]))
    assert subprocess.run([program]).returncode == 0


def test_it_is_the_same_to_the_byte_in_every_process(tmp_path: Path) -> None:
    texts = set()
    for seed in ("1", "2"):
        path = tmp_path / seed / "net.c"
        path.parent.mkdir()
        command = [sys.executable, "-c", REPRODUCED, str(path)]
        environment = {**__import__("os").environ, "PYTHONHASHSEED": seed}
        subprocess.run(command, check=True, env=environment)
        texts.add(path.read_text(encoding="utf-8") + path.with_suffix(".h").read_text("utf-8"))
    assert len(texts) == 1


def test_no_name_of_a_user_is_an_identifier_that_means_something_else() -> None:
    assert identifier("W1") == "W1"
    for name in ("int", "NAN", "I", "exp", "linux", "symbp_tanh", "λ", "real", "size_t", "EOF"):
        assert identifier(name) != name
    assert prefix_of("double") == prefix_of("symbp_x") == prefix_of("1net") == "net"
    assert prefix_of("Digits") == "digits"


def test_no_text_of_a_user_ends_a_comment() -> None:
    for text in ("*/ int x;", "a /* b", "*\\\n/", "λ ??/", "*/" * 3, "**//"):
        shown = comment(text)
        assert shown.isascii()
        assert not re.search(r"\*/|/\*|//|\\|\?", shown)
    texts = C.texts(model_job(model_of(hostile())))
    assert [Path(name).suffix for name in texts] == [".c", ".h"]
    for text in texts.values():
        assert "#include" in text
        assert text.isascii()


@needs_compiler
def test_calls_that_cannot_be_made_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    model, values = example("embedding")
    bad = {**values, "label": np.array([0, 3, 2, 1])}
    low = {**values, "token": values["token"] - 1}
    none = {**values, "label": np.zeros(0, int), "token": np.zeros((0, 5), int)}
    many = {**values, "label": np.zeros(5, int), "token": np.zeros((5, 5), int)}
    calls = [
        Call(gradient(model), bad, 4), Call(loss(model), low, 4), Call(loss(model), none, 0),
        Call(loss(model), many, 5), Call(gradient(model), values, 4),
    ]  # fmt: skip
    found = results(model_job(model, batch=4), calls, tmp_path)
    assert [each.get("status") for each in found] == [2, 2, 1, 1, None]


@needs_compiler
def test_rows_that_do_not_touch_are_predicted_in_any_number(tmp_path: Path) -> None:
    model = model_of(bp.mlp(5, 40, 3, activation="tanh"))
    generator = np.random.default_rng(1)
    values: dict[str, Any] = {t.name: generator.normal(size=t.shape) for t in model.parameters}
    values["x"] = generator.normal(size=(11, 5))
    (got,) = results(model_job(model, batch=4), [Call(predict(model), values, 11)], tmp_path)
    a1 = np.tanh(values["x"] @ values["W1"].T + values["b1"])
    np.testing.assert_allclose(got["a2"], np.tanh(a1 @ values["W2"].T + values["b2"]), rtol=1e-13)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_trained_parameters_are_constants_beside_predict_alone(dtype: str, tmp_path: Path) -> None:
    net = bp.mlp(6, 12, 3, activation="tanh")
    generator = np.random.default_rng(2)
    x, y = generator.normal(size=(20, 6)), generator.normal(size=(20, 3))
    trainer = bp.compile(net, bp.SGD(0.1), dtype=dtype).fit(x, y, epochs=2, batch_size=5)
    bp.generate(net, tmp_path / "net.c", dtype=dtype, target="c", parameters=trainer.parameters)
    source = (tmp_path / "net.c").read_text(encoding="utf-8")
    header = (tmp_path / "net.h").read_text(encoding="utf-8")
    assert re.findall(r"\bint net_(\w+)\(", header) == ["predict"]
    assert "static const struct {" in source
    assert "malloc" not in source
    real = "float" if dtype == "float32" else "double"
    given = ", ".join(repr(float(value)) for value in x.astype(dtype).ravel())
    (tmp_path / "own.c").write_text(
        f'#include <stdio.h>\n#include "net.h"\nstatic const {real} x[] = {{{given}}};\n'
        f"int main(void)\n{{\n    static {real} y[60];\n    static net_predict_buffers buffers;\n"
        "    if (net_predict(x, y, 20, &buffers) != NET_OK) {\n        return 1;\n    }\n"
        "    return fwrite(y, sizeof y, 1, stdout) == 1 ? 0 : 1;\n}\n",
        encoding="utf-8",
    )
    subprocess.run(
        [str(COMPILER), "-std=c99", "net.c", "own.c", "-o", "own", "-lm"], cwd=tmp_path, check=True
    )
    done = subprocess.run([tmp_path / "own"], capture_output=True, check=True)
    got = np.frombuffer(done.stdout, dtype).reshape(20, 3)
    scale = 1e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(got, trainer.predict(x), atol=scale, rtol=0)


def test_what_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    net = bp.mlp(3, 2)
    path = tmp_path / "net.c"
    good = {"W1": np.ones((2, 3)), "b1": np.ones(2)}
    for options, message in (
        ({"target": "fortran"}, "target 'fortran': "),
        ({"target": "c", "batch": 0}, "batch: expected a positive int, got 0"),
        ({"batch": 4}, "batch: only target 'c' takes it"),
        ({"target": "c", "parameters": 3}, "expected a trainer, its parameters or a dict"),
        ({"target": "c", "parameters": {"W1": 1}}, "parameters: expected W1, b1, got W1"),
        ({"target": "c", "parameters": {**good, "b1": np.ones(3)}}, r"b1: expected numbers of sha"),
        ({"target": "c", "parameters": {**good, "b1": [1, np.nan]}}, "b1: expected finite numbers"),
        ({"target": "c", "dtype": "float16"}, "dtype 'float16': "),
    ):
        with pytest.raises(bp.SymbpError, match=message):
            bp.generate(net, path, **options)
    for name in ("net.py", "a b.c", 'a".c'):
        with pytest.raises(bp.SymbpError, match=re.escape(name)):
            bp.generate(net, tmp_path / name, target="c")
    assert not list(tmp_path.iterdir())


def test_a_number_that_a_precision_does_not_have_is_refused(tmp_path: Path) -> None:
    n = bp.Index("n", "N")
    x, w, cost = bp.input("x", n), bp.parameter("w"), bp.tensor("C")
    net = bp.Program([bp.Equation(cost, bp.Mean(1e200 * w * x[n], n))], cost=cost)
    with pytest.raises(bp.UnsupportedError, match="too large for float32"):
        bp.generate(net, tmp_path / "net.c", dtype="float32", target="c")
    assert bp.generate(net, tmp_path / "net.c", target="c").exists()
