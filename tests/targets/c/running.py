"""Generated C, compiled and run in a process of its own on numbers from files."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbp.entries.entry import Entry
from symbp.entries.model import Model
from symbp.targets.c.module import C
from symbp.targets.target import Job

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc, gcc, clang) here")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
_HEAD = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net.h"

static FILE *input, *output;

static void *taken(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (memory == NULL || fread(memory, 1, size, input) != size) {
        exit(90);
    }
    return memory;
}

static void given(const void *memory, size_t size)
{
    if (fwrite(memory, 1, size, output) != size) {
        exit(91);
    }
}

int main(int count, char **names)
{
    if (count != 3) {
        return 92;
    }
    input = fopen(names[1], "rb");
    output = fopen(names[2], "wb");
"""
_TAIL = """\
    return fclose(output) == 0 ? 0 : 93;
}
"""


@dataclass(frozen=True)
class Call:
    """One call of a function: its entry point and the numbers for what it reads."""

    entry: Entry
    values: Mapping[str, Any]
    rows: int
    order: Any = None
    """Of an epoch: the numbers of all examples."""
    batch_size: int = 1


def written(job: Job, folder: Path) -> Path:
    """Write a translation unit and its header, and return the unit."""
    for name, text in C.texts(job).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "net.c"


def model_job(model: Model, dtype: str = "float64", batch: int = 4, **options: Any) -> Job:
    """Return what is asked of the target for a test program."""
    return Job(model, "a test", "net", dtype, batch=batch, **options)


def compiled(
    folder: Path, main: str, options: Sequence[str] = (), compiler: str | None = None
) -> Path:
    """Compile the unit with a main program and return the executable."""
    (folder / "main.c").write_text(main, encoding="utf-8")
    program = folder / "main"
    command = [compiler or str(COMPILER), *STRICT, *options, "net.c", "main.c", "-o", program.name]
    result = subprocess.run([*command, "-lm"], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return program


def results(
    job: Job, calls: Sequence[Call], folder: Path, options: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return what each call writes, by name; of a call that is refused, its ``status`` alone."""
    written(job, folder)
    program = compiled(folder, main_text(calls, job.dtype), options)
    inputs = b"".join(array.tobytes() for call in calls for array in _inputs(call, job.dtype))
    (folder / "input").write_bytes(inputs)
    result = subprocess.run(
        [program, folder / "input", folder / "output"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    data = memoryview((folder / "output").read_bytes())
    found = []
    for call in calls:
        values, data = _read(call, data, job.dtype)
        found.append(values)
    return found


def main_text(calls: Sequence[Call], dtype: str) -> str:
    """Return a program that makes the calls, one after another."""
    real = "float" if dtype == "float32" else "double"
    lines = [_HEAD]
    for number, call in enumerate(calls):
        lines.append("    {")
        names = []
        for position, (role, array) in enumerate(_arguments(call, dtype)):
            name = f"a{position}"
            names.append(name)
            if role == "out":
                lines.append(f"        void *{name} = calloc({array.nbytes}, 1);")
            else:
                lines.append(f"        void *{name} = taken({array.nbytes});")
        prefix = f"net_{call.entry.name}"
        given = list(names)
        if call.order is not None:
            given += [str(call.batch_size), str(call.rows)]
        elif _has_rows(call.entry):
            given.append(str(call.rows))
        lines.append(f"#ifdef NET_HAS_{call.entry.name.upper()}_BUFFERS")
        lines.append(f"        void *buffers = malloc(sizeof({prefix}_buffers));")
        lines.append(f"        memset(buffers, 255, sizeof({prefix}_buffers));")
        lines.append("#endif")
        lines.append(f"        {real} cost = 0;")
        lines.append(f"        int status = {prefix}({', '.join(given)}")
        lines.append(f"#ifdef NET_HAS_{call.entry.name.upper()}_BUFFERS")
        lines.append("            , buffers")
        lines.append("#endif")
        lines.append(
            "            , &cost);" if call.entry.returns is not None else "            );"
        )
        lines.append("        given(&status, sizeof status);")
        lines.append("        given(&cost, sizeof cost);")
        for name, (role, array) in zip(names, _arguments(call, dtype), strict=True):
            if role != "in":
                lines.append(f"        given({name}, {array.nbytes});")
        lines += [f"        free({name});" for name in names]
        lines.append(f"#ifdef NET_HAS_{call.entry.name.upper()}_BUFFERS")
        lines.append("        free(buffers);")
        lines.append("#endif")
        lines.append(f"    }} /* {number} */")
    return "\n".join([*lines, _TAIL])


def _has_rows(entry: Entry) -> bool:
    shapes = [
        t.shape for t in (*entry.program.tensors, *(t for s in entry.slots for t in s.tensors))
    ]
    return any(not isinstance(extent, int) for shape in shapes for extent in shape)


def _arguments(call: Call, dtype: str) -> Iterator[tuple[str, Any]]:
    for slot in call.entry.slots:
        if not slot.tensors:
            continue
        parts = []
        for tensor in slot.tensors:
            kind = np.int32 if tensor.kind == "integer" else np.dtype(dtype)
            if slot.role == "out":
                shape = [e if isinstance(e, int) else call.rows for e in tensor.shape]
                parts.append(np.zeros(shape, kind))
            else:
                parts.append(np.array(call.values[tensor.name], dtype=kind))
        yield slot.role, np.concatenate([part.ravel() for part in parts])
    if call.order is not None:
        yield "in", np.array(call.order, np.int32)


def _inputs(call: Call, dtype: str) -> Iterator[Any]:
    return (array for role, array in _arguments(call, dtype) if role != "out")


def _read(call: Call, data: memoryview, dtype: str) -> tuple[dict[str, Any], memoryview]:
    real = np.dtype(dtype)
    status = int(np.frombuffer(data[:4], np.int32)[0])
    cost = np.frombuffer(data[4 : 4 + real.itemsize], real)[0]
    data = data[4 + real.itemsize :]
    found: dict[str, Any] = {}
    for slot in call.entry.slots:
        for tensor in slot.tensors:
            if slot.role == "in":
                continue
            shape = [e if isinstance(e, int) else call.rows for e in tensor.shape]
            size = int(np.prod(shape, dtype=int)) * real.itemsize
            found[tensor.name] = np.frombuffer(data[:size], real).reshape(shape).copy()
            data = data[size:]
    if status:
        return {"status": status}, data
    updated = {old.name for old, _ in call.entry.program.updates}
    kept = {t.name for s in call.entry.slots if s.role == "inout" for t in s.tensors} - updated
    if call.entry.returns is not None:
        found["returned"] = cost
    return {name: value for name, value in found.items() if name not in kept}, data
