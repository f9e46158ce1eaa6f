"""assemble: the text of a module, from kernels and from the runtime that they need.

What is computed comes first, as it is what a reader looks for; then the parts that are the same in
all modules, of which only those stand there that are used.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from symbp.calculus.flat_vector import length
from symbp.calculus.signature import signature
from symbp.entries.entry import Entry
from symbp.entries.model import Model
from symbp.notation.errors import UnsupportedError
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.kernels import EMITTING
from symbp.targets.numba.paste import Imports, names_used, paste
from symbp.targets.numba.public import (
    WRITTEN,
    argument_text,
    entry_functions,
    plain,
    public_functions,
    quoted,
    shape_text,
)

__all__ = ["Range", "assembled"]

# The same as in pyproject.toml. Before all other imports, which an older Numba may not have.
NUMBA = (0, 62)
_REQUIREMENT = f"""\
from __future__ import annotations

import numba

if [int(part) for part in numba.__version__.split(".")[:2] if part.isdecimal()] < {list(NUMBA)}:
    raise ImportError(
        f"{{__file__}}: expected Numba {NUMBA[0]}.{NUMBA[1]} or newer, got {{numba.__version__}}"
    )
"""
Range = tuple[float, bool, float]
# The files that every module gets whole, with the headings they stand under; the last one holds
# the ``__main__`` guard and ends the module.
RUNTIME = {
    "arguments.py": "Arguments and buffers",
    "entry_points.py": "Entry points",
    "notation/whole_file.py": "Files",
    "saved.py": "Saved trainers",
    "trainer.py": "Training",
    "gradient_check.py": "Gradient check",
}
_TILES = {
    "Vector instructions": "tile_builder.py",
    "Tiles of a matrix product": "tile_loops.py",
    "Matrix products in tiles": "tile_products.py",
    "Matrix products": "tiles.py",
}
_EMITTER = {
    "Values of LLVM": "emitted_values.py",
    "Expressions as instructions": "emitted_expressions.py",
    "Statements as instructions": "emitter.py",
    "Kernels as instructions": "hosting.py",
}
_PRODUCTS = frozenset({"tiled", "tiled_onto"})
_BLAS = frozenset({"gemm", "gemv", "ger", "dot"})
_GATHER = frozenset({"copy_row", "prefetch"})
_VIEWS = frozenset({"view", "whole_numbers", "part", "flat", "natural"})
SUMS = frozenset({"added", "products_in_any_order"})
_THREADS = frozenset({"blas_threads", "limit_threads", "restore_threads"})


def assembled(
    kernels: Sequence[Kernel],
    model: Model,
    dtype: str,
    equations: Mapping[str, str],
    title: str,
    threshold: float = 0.5,
    ranges: Mapping[str, Range] | None = None,
    entries: Sequence[Entry] = (),
) -> str:
    """Return the source of a standalone module.

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

    Returns
    -------
    str
        Python source that imports numpy, numba and, for BLAS, scipy.
    """
    given = model.given
    calls = frozenset().union(*(kernel.calls for kernel in kernels))
    imports = Imports({("numpy", "np")}, {"typing": {"Any", "NamedTuple"}})
    imports.names["numpy.typing"] = {"NDArray"}
    stamp = signature(model.updated, [dtype])
    parts = [
        _names(entries),
        _section("What is computed"),
        _description(model, dtype, stamp, equations, threshold, ranges or {}),
        _kernels_text(kernels),
    ]

    def add(
        title: str, file: str, wanted: Iterable[str] | None = None, without: Iterable[str] = ()
    ) -> None:
        pasted = paste(file, wanted, without)
        imports.add(pasted.imports)
        parts.extend([_section(title), pasted.text])

    # The kernels come first because they are what a reader looks for; they are compiled at their
    # first call, when everything that they use is defined.
    *body, check = RUNTIME
    add("Compilation", "cache.py")
    for file in body:
        if file != "entry_points.py":
            add(RUNTIME[file], file)
        else:
            add(RUNTIME[file], file, without=WRITTEN)
            imports.names["numpy.typing"].add("ArrayLike")
            parts.append(public_functions(given, dtype, bool(entries)))
    if entries:
        add("Further entry points", "entry_calls.py")
        parts.append(entry_functions(entries, given.integer_limits, dtype))
    if "wait_for_team" in calls:
        add("Threads", "team.py")
    if calls & _GATHER:
        add("Gathering a batch", "gather.py", calls & _GATHER)
    if calls & _VIEWS:
        add("Views", "views.py", calls & _VIEWS)
    if calls & SUMS:
        add("Sums", "sums.py", calls & SUMS)
    if EMITTING in calls:
        for heading, file in _EMITTER.items():
            add(heading, file)
    others = {EMITTING} | _BLAS | _THREADS | _GATHER | _VIEWS | SUMS | _PRODUCTS | {"wait_for_team"}
    maths = calls - others
    if maths:
        activations = paste(f"activations_{dtype}.py", maths)
        add("Vector maths", f"vector_maths_{dtype}.py", maths | names_used(activations.text))
        if activations.text.strip():
            add("Activations and derivatives", f"activations_{dtype}.py", maths)
    if calls & _PRODUCTS:
        for heading, file in _TILES.items():
            add(heading, file)
    if calls & _BLAS:
        add("OpenBLAS", "openblas.py")
        add("BLAS", "blas.py", {"BLAS_SYMBOLS", *(calls & _BLAS)})
        add("BLAS threads", "threads.py")
    else:
        add("Numba's start", "without_scipy.py")
    add(RUNTIME[check], check)
    packages = "numpy, numba and scipy" if calls & _BLAS else "numpy and numba"
    header = _docstring(given, title, dtype, stamp, packages)
    head = f"{header}\n\n{_REQUIREMENT}\n{imports.text()}\n"
    return _tidy("\n\n".join([head, *parts]))


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


def _names(entries: Sequence[Entry]) -> str:
    """Return the text of ``__all__``."""
    names = {"DTYPE", "EQUATIONS", "SIGNATURE", "Parameters", "Trainer", "check_gradient"}
    names |= {"initial_parameters", *WRITTEN, *(entry.name for entry in entries)}
    if entries:
        names |= {"as_parameters", "as_vector"}
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    return "\n".join(["__all__ = [", *(f"    {quoted(name)}," for name in ordered), "]"])


def _description(
    model: Model,
    dtype: str,
    stamp: str,
    equations: Mapping[str, str],
    threshold: float,
    ranges: Mapping[str, Range],
) -> str:
    lines = [
        f'DTYPE = np.dtype("{dtype}")', f"real = np.{dtype}", f'SIGNATURE = "{stamp}"', "",
        "# LaTeX of each equation.", "EQUATIONS = {",
        *(f"    {quoted(name)}: {quoted(latex)}," for name, latex in equations.items()),
        "}", "", "",
        "class Parameters(NamedTuple):",
        '    """The parameters, views over one contiguous buffer."""', "",
    ]  # fmt: skip
    for tensor in model.parameters:
        lines.append(f"    {tensor.name}: NDArray[Any]  # {shape_text(tensor)}")
    if not model.parameters:
        raise UnsupportedError("the program has no parameters, there is nothing to train")
    lines += ["", "", "_PARAMETERS: Any = ("]
    for tensor in model.parameters:
        law, value = tensor.initial or _default_initial(tensor)
        lines.append(f'    ("{tensor.name}", {shape_text(tensor)}, ("{law}", {float(value)!r})),')
    lines += [")", "_ARGUMENTS: Any = ("]
    limits = model.gradient.integer_limits
    for tensor in model.data:
        lines.append(f"    {argument_text(tensor, limits)},")
    lines += [
        ")",
        f"_STATE_SIZE = {length(model.states)}",
        "_HYPERPARAMETERS: dict[str, float] = {",
    ]
    for tensor in model.hyperparameters:
        lines.append(f"    {quoted(tensor.name)}: {tensor.value!r},")
    lines += ["}", "# What each must be above (or at least) and below."]
    lines += ["_RANGES: dict[str, tuple[float, bool, float]] = {"]
    for tensor in model.hyperparameters:
        if tensor.name in ranges:
            numbers = (_number(bound) for bound in ranges[tensor.name])
            lines.append(f"    {quoted(tensor.name)}: ({', '.join(numbers)}),")
    output = model.gradient.output
    lines += [
        "}",
        f"_OUTPUT: str | None = {quoted(output.name) if output is not None else None}",
        f"_OUTPUT_SHAPE: Any = {shape_text(output) if output is not None else None}",
        f"_THRESHOLD = {float(threshold)!r}",
    ]
    return "\n".join(lines) + "\n"


def _section(title: str) -> str:
    return f"# --- {title} {'-' * (90 - len(title))}\n"


def _number(value: float) -> str:
    return 'float("inf")' if value == float("inf") else repr(value)


def _default_initial(tensor: Tensor) -> tuple[str, float]:
    if tensor.rank < 2:
        return "constant", 0.0
    columns = tensor.shape[-1]
    assert isinstance(columns, int)
    return "uniform", columns**-0.5


def _kernels_text(kernels: Sequence[Kernel]) -> str:
    options = (
        "# A product and a sum may be rounded at once; nothing else departs from what is written.\n"
        "_OPTIONS: Any = {\n"
        '    "nogil": True,\n'
        '    "error_model": "numpy",\n'
        '    "fastmath": {"contract"},\n'
        "}\n\n\n"
        "# Each is compiled when it is first called; the end of the section Compilation says how.\n"
        "_KERNELS: list[Any] = []\n\n\n"
        "def _compiled(function: Any) -> Any:\n"
        "    _KERNELS.append(function)\n"
        "    return function\n"
    )
    if any(EMITTING in kernel.calls for kernel in kernels):
        options += (
            "\n\n# Those that need not go through Numba's front end.\n"
            "_EMITTED: list[Any] = []\n\n\n"
            "def _emitted(function: Any) -> Any:\n"
            "    _EMITTED.append(function)\n"
            "    return _compiled(function)\n"
        )
    return "\n\n".join([options, *(kernel.text for kernel in kernels)])


def _tidy(text: str) -> str:
    """Return the text with at most two blank lines in a row and one newline at its end."""
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text.strip("\n") + "\n"
