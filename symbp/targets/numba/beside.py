"""beside: what modules have in common, in files that lie beside them.

``symbp_runtime.py`` holds it for both precisions and for every kind of module; what calls BLAS
stands in ``symbp_runtime_blas.py``, as it needs scipy. A module names the versions that it was
written for, and refuses others.
"""

import hashlib
import io
import keyword
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from symbp.targets.numba.paste import Imports, Pasted, defined_in, paste
from symbp.targets.numba.runtime_names import files_of
from symbp.targets.numba.sections import (
    BLAS,
    BLOCKS,
    EMITTED,
    ENTRIES,
    MATHS,
    NOISE,
    OUTPUTS,
    PHASES,
    RANKS,
    REPLICAS,
    RUNTIME,
    SMALL,
    START,
    TEAM,
    TILES,
    WEIGHTS,
    Needs,
    Section,
    section,
    tidy,
)
from symbp.targets.target import DTYPES

__all__ = ["imported", "runtime_files"]

_MAIN, _WITH_BLAS = "symbp_runtime", "symbp_runtime_blas"
_ABOUT = {
    _MAIN: "What modules that symbp generated have in common; they import it from their folder.",
    _WITH_BLAS: "What modules that symbp generated need to call BLAS; they import it from their "
    "folder.",
}
_LOAD = """\
def _load(name: str, version: str) -> Any:
    # From this file's folder, under a name of its own: other folders may have another version.
    known = f"{name}_{version}"
    if known not in sys.modules:
        file = os.path.abspath(globals().get("__file__", "module"))
        path = os.path.join(os.path.dirname(file), f"{name}.py")
        if not os.path.isfile(path):
            raise ImportError(f"{path}: expected a file beside {file}, and neither in an archive")
        found: Any = importlib.util.spec_from_file_location(known, path)
        module: Any = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        there = getattr(module, "VERSION", None)
        if there != version:
            raise ImportError(f"{path}: version {there}, {file} needs {version}: generate it again")
        sys.modules[known] = module
    return sys.modules[known]
"""


def runtime_files(calls: Iterable[str]) -> dict[str, str]:
    """Return the files that lie beside a module, each with its text.

    Parameters
    ----------
    calls : iterable of str
        The functions that its kernels call.
    """
    blas = any(files_of()[name] in BLAS for name in calls)
    names = (_MAIN, _WITH_BLAS) if blas else (_MAIN,)
    return {f"{name}.py": _text(name)[0] for name in names}


def imported(files: Mapping[str, str], dtype: str, needs: Needs) -> Pasted:
    """Return what a module has instead of the runtime: what takes its names out of the files.

    Parameters
    ----------
    files : mapping of str to str
        The file of each function that the kernels call.
    dtype : {"float32", "float64"}
        The precision of the module.
    needs : Needs
        What else it needs.
    """
    wanted = ["Network", "NetworkTrainer", needs.compiler, "run_check"]
    wanted += ["TeamEpoch"] if TEAM.keys() & set(files.values()) else []
    wanted += ["EntryPoint", "NetworkWithEntries"] if needs.entries else []
    wanted += ["NetworkInPhases", "TrainerWithState"] if needs.phases else []
    wanted += ["NetworkWithNoise", "TrainerWithNoise"] if needs.noise else []
    wanted += ["TrainerWithWeights"] if needs.weights else []
    wanted += ["EvaluatingTrainer"] if needs.outputs else []
    wanted += ["LaneKernel", "NetworkReplicas"] if needs.replicas else []
    from_main = {name: name for name in wanted}
    from_blas: dict[str, str] = {}
    for name, file in files.items():
        by_precision = file.removesuffix(f"_{dtype}.py") in MATHS
        place = from_blas if file in BLAS else from_main
        place[name] = f"{name}_{dtype}" if by_precision else name
    if needs.replicas and BLAS.keys() & set(files.values()):
        from_blas["THREAD_FUNCTIONS"] = "THREAD_FUNCTIONS"
    # What decorates the kernels compiles them when they are first called.
    from_main["_compiled"] = from_main.pop(needs.compiler)
    lines = [_LOAD, ""]
    lines += _taken("_runtime", _MAIN, from_main)
    if from_blas:
        lines += _taken("_blas", _WITH_BLAS, from_blas)
    plain: set[tuple[str, str | None]] = {(name, None) for name in ("importlib.util", "os", "sys")}
    return Pasted("\n".join(lines) + "\n", Imports(plain, {"typing": {"Any"}}))


def _taken(module: str, file: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield lines that take names out of a file, as many in a line as fit."""
    yield f'{module} = _load("{file}", "{_text(file)[1]}")'
    group: dict[str, str] = {}
    for name, there in [*sorted(names.items()), ("", "")]:
        line = _pairs(module, {**group, name: there})
        if group and (not name or len(line) > 100):
            yield _pairs(module, group)
            group = {}
        group[name] = there


def _pairs(module: str, names: Mapping[str, str]) -> str:
    values = ", ".join(f"{module}.{there}" for there in names.values())
    return f"{', '.join(names)} = {values}"


@cache
def _text(name: str) -> tuple[str, str]:
    """Return a file and its version, which is that of its content."""
    sections = list(_blas_sections() if name == _WITH_BLAS else _main_sections())
    imports = Imports()
    for part in sections:
        imports.add(part.imports)
    body = "\n\n".join(f"# {part.title}\n\n\n{part.text}".rstrip() for part in sections)
    version = hashlib.sha256((imports.text() + body).encode()).hexdigest()[:12]
    head = f'"""{_ABOUT[name]}"""\n\nfrom __future__ import annotations\n\n'
    text = f'{head}{imports.text().strip()}\n\nVERSION = "{version}"\n\n{body}\n'
    return tidy(text), version


def _main_sections() -> Iterable[Section]:
    optional = {
        **ENTRIES, **PHASES, **NOISE, **WEIGHTS, **OUTPUTS, **RANKS, **TEAM, **REPLICAS,
    }  # fmt: skip
    parts = {**RUNTIME, **EMITTED, **optional, **SMALL}
    for file, title in parts.items():
        yield section(title, file)
    for dtype in DTYPES:
        files = {title: f"{part}_{dtype}.py" for part, title in MATHS.items()}
        names = frozenset().union(*map(defined_in, files.values()))
        for title, file in files.items():
            made = paste(file)
            yield Section(f"{title}, {dtype}", _renamed(made.text, names, dtype), made.imports)
    for file, title in {**TILES, **BLOCKS, **START}.items():
        yield section(title, file)


def _blas_sections() -> Iterable[Section]:
    yield section("Compilation", "cache.py", {"always_njit"})
    for file, title in BLAS.items():
        yield section(title, file)


def _renamed(text: str, names: frozenset[str], dtype: str) -> str:
    """Return source text whose names are those of one precision."""
    lines = text.splitlines(keepends=True)
    found = []
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in names and before != ".":
            assert not keyword.iskeyword(token.string)
            found.append(token.end)
        before = token.string
    for row, end in reversed(found):
        line = lines[row - 1]
        lines[row - 1] = f"{line[:end]}_{dtype}{line[end:]}"
    return "".join(lines)
