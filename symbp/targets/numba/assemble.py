"""assemble: the text of a module, from kernels and from the runtime that they need.

What is computed comes first, as it is what a reader looks for; then the parts that are the same in
all modules, of which only those stand there that are used, or none if they are in files beside the
module; at the end what makes public functions of the kernels.
"""

import textwrap
from collections.abc import Mapping, Sequence

from symbp.calculus.signature import signature
from symbp.entries.entry import Entry
from symbp.entries.evaluate import named
from symbp.entries.model import Model
from symbp.loops.lanes import Lanes
from symbp.notation.program import Program
from symbp.targets.numba.beside import imported
from symbp.targets.numba.description import COMPILED, LATER, REPLICAS, Range, description, network
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.paste import Imports
from symbp.targets.numba.public import WRITTEN, plain, quoted
from symbp.targets.numba.sections import BLAS, Needs, file_of_each, pasted, tidy
from symbp.targets.target import Many

__all__ = ["REQUIREMENT", "assembled", "heading"]

# The same as in pyproject.toml. Before all other imports, which an older Numba may not have.
NUMBA = (0, 62)
REQUIREMENT = f"""\
from __future__ import annotations

import numba

if [int(part) for part in numba.__version__.split(".")[:2] if part.isdecimal()] < {list(NUMBA)}:
    raise ImportError(f"{{__file__}}: expected Numba {NUMBA[0]}.{NUMBA[1]} or newer, got \
{{numba.__version__}}")
"""


def assembled(
    kernels: Sequence[Kernel],
    model: Model,
    dtype: str,
    equations: Mapping[str, str],
    title: str,
    threshold: float = 0.5,
    ranges: Mapping[str, Range] | None = None,
    entries: Sequence[Entry] = (),
    runtime: str = "pasted",
    ranks: Sequence[Entry] = (),
    replicas: Many | None = None,
    lanes: Lanes | None = None,
) -> str:
    """Return the source of a module.

    Parameters
    ----------
    kernels : sequence of Kernel
        What is jitted: predict (if there is an output), loss, gradient and epoch.
    model : Model
        With an optimizer.
    dtype : {"float32", "float64"}
        The precision of parameters and arithmetic.
    equations : mapping of str to str
        LaTeX of each equation, by the name of what it defines.
    title : str
        One line that says what the module computes.
    threshold : float
        What a single output exceeds for class 1: 0 for a logit, 0.5 for a probability.
    ranges : mapping of str to (float, bool, float), optional
        For each hyperparameter by name the least value, whether that is excluded, and what it
        must stay below; without one it may be any finite number.
    entries : sequence of Entry
        Entry points besides those of every module, as their kernels are.
    runtime : {"pasted", "beside"}
        Whether what modules have in common stands in the text, or in files beside it (see
        :mod:`symbp.targets.numba.beside`).
    ranks : sequence of Entry
        The parts of a step over ranks, as their kernels are.
    replicas : Many, optional
        If it trains many networks at once, too: how many.
    lanes : Lanes, optional
        How a kernel trains many along the lanes of vector registers, if one does.

    Returns
    -------
    str
        Python source that imports numpy, numba and, for BLAS, scipy.
    """
    calls = frozenset().union(*(kernel.calls for kernel in kernels))
    team = "wait_for_team" in calls
    files = file_of_each(calls, dtype)
    needs = Needs(
        emitted=all(kernel.emitted for kernel in kernels), entries=bool(entries),
        phases=model.has_phases, outputs=bool(named(entries)), noise=bool(model.key),
        weights=bool(model.weights), ranks=bool(ranks), replicas=replicas is not None,
    )  # fmt: skip
    stamp = signature(model.updated, [dtype])
    imports = Imports({("numpy", "np"), ("sys", None)}, {"typing": {"Any", "NamedTuple"}})
    imports.names["numpy.typing"] = {"ArrayLike", "NDArray"}
    before: list[str] = []
    after: list[str] = []
    if runtime == "beside":
        text = imported(files, dtype, needs)
        imports.add(text.imports)
        before = [heading("The runtime"), text.text]
    else:
        for part in pasted(files, dtype, needs):
            imports.add(part.imports)
            after += [heading(part.title), part.text]
    parts = [
        _names(entries, bool(model.kept), replicas is not None),
        *before,
        heading("What is computed"),
        description(model, dtype, stamp, equations, threshold, ranges or {}),
        *([] if before else [LATER]),
        # The kernels come first because they are what a reader looks for; they are compiled at
        # their first call, when everything that they use is defined.
        *(kernel.text for kernel in kernels),
        *after,
        heading("The network"),
        *([] if before else [COMPILED.format(needs.compiler)]),
        network(
            model,
            dtype,
            model.given.output is not None,
            team,
            entries,
            ranks,
            "" if replicas is None else _replicas(files, replicas, lanes),
        ),
    ]
    packages = "numpy, numba and scipy" if BLAS.keys() & set(files.values()) else "numpy and numba"
    header = _docstring(model.given, title, dtype, stamp, packages)
    head = f"{header}\n\n{REQUIREMENT}\n{imports.text()}"
    return tidy("\n\n".join([head, *parts]))


def _docstring(program: Program, title: str, dtype: str, stamp: str, packages: str) -> str:
    arguments = ", ".join(tensor.name for tensor in (*program.inputs, *program.targets))
    lines = [
        *textwrap.wrap(plain(title), 96),
        "",
        *textwrap.wrap(
            "Generated by symbp from the equations below; change those, not this file. It needs "
            f"{packages} only.",
            96,
        ),
        "",
        *(f"    {plain(str(equation))}" for equation in program.equations),
        "",
        f"Precision {dtype}; signature {stamp}.",
        "",
        f"    trainer = Trainer(seed=0).fit({arguments}, epochs=10, batch_size=32)",
    ]
    return '"""' + "\n".join(line.rstrip() for line in lines) + '\n"""'


def _names(entries: Sequence[Entry], state: bool, replicas: bool) -> str:
    """Return the text of ``__all__``."""
    names = {"DTYPE", "EQUATIONS", "SIGNATURE", "Parameters", "Trainer", "check_gradient"}
    names |= {"initial_parameters", *WRITTEN, *(entry.name for entry in entries)}
    if entries:
        names |= {"as_parameters", "as_vector"}
    if replicas:
        names |= {"Replicas"}
    if state:
        names |= {"State", "initial_state"}
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    listed = textwrap.wrap(", ".join(map(quoted, ordered)), 96)
    return "\n".join(["__all__ = [", *(f"    {line}" for line in listed), "]"])


def _replicas(files: Mapping[str, str], many: Many, lanes: Lanes | None) -> str:
    """Return the class of many networks."""
    lines = []
    if BLAS.keys() & set(files.values()):
        lines.append("    blas = THREAD_FUNCTIONS")
    if lanes is not None:
        sizes = f"rows={lanes.rows}, width={lanes.width}"
        lines.append(f"    lanes = LaneKernel(_epoch_of_lanes, {sizes})")
    if many.count is not None:
        lines.append(f"    count = {many.count}")
    if many.values:
        lines.append("    values = {")
        for name, values in many.values.items():
            lines.append(f"        {quoted(name)}: (")
            lines += textwrap.wrap(
                "".join(f"{value!r}, " for value in values).rstrip(), 96,
                initial_indent=" " * 12, subsequent_indent=" " * 12,
            )  # fmt: skip
            lines.append("        ),")
        lines.append("    }")
    return REPLICAS + "".join(f"{line}\n" for line in lines)


def heading(title: str) -> str:
    """Return the line above a section of a module."""
    return f"# --- {title} {'-' * (90 - len(title))}\n"
