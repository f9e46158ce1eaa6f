"""sections: the parts of the runtime that a module needs, by what its kernels call."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from symbp.targets.numba.paste import Imports, names_used, paste
from symbp.targets.numba.runtime_names import files_of

__all__ = [
    "BLAS",
    "BLOCKS",
    "EMITTED",
    "ENTRIES",
    "MATHS",
    "NOISE",
    "OUTPUTS",
    "PHASES",
    "PREDICTOR",
    "RANKS",
    "REPLICAS",
    "RUNTIME",
    "SMALL",
    "START",
    "TEAM",
    "TILES",
    "WEIGHTS",
    "Needs",
    "Section",
    "file_of_each",
    "pasted",
    "section",
    "tidy",
]

#: The files that every module gets whole, with the headings they stand under.
RUNTIME = {
    "cache.py": "Compilation",
    "arguments.py": "Arguments and buffers",
    "entry_points.py": "Entry points",
    "gradient_check.py": "Gradient check",
    "notation/whole_file.py": "Files",
    "saved.py": "Saved trainers",
    "best_epoch.py": "Stopping early",
    "minimising.py": "Minimisers of SciPy",
    "trainer.py": "Training",
}
#: Those of a predictor, which is not trained.
PREDICTOR = {
    "cache.py": "Compilation",
    "likelihood.py": "Probabilities",
    "dates.py": "Dates",
    "predicting.py": "Columns and predictions",
}
#: Those that compile kernels past Numba's front end.
EMITTED = {
    "emitted_values.py": "Values of LLVM",
    "emitted_expressions.py": "Expressions as instructions",
    "emitted_repeats.py": "Statements that stand in a kernel several times",
    "emitter.py": "Statements as instructions",
    "hosting.py": "Kernels as instructions",
}
#: That of entry points besides those of every module.
ENTRIES = {"entry_calls.py": "Further entry points"}
#: That of programs with a state, or with other equations in training than in use.
PHASES = {"phases.py": "Training and use"}
#: That of programs with a weight for each example.
WEIGHTS = {"example_weights.py": "Weights of examples"}
#: That of programs with further outputs.
OUTPUTS = {"evaluation.py": "Outputs by name"}
#: That of training over ranks.
RANKS = {"ranks.py": "Training over ranks"}
#: That of an epoch for a team.
TEAM = {"team.py": "Threads"}
#: Those of many networks at once, which are divided among threads too.
REPLICAS = {
    **TEAM,
    "replica_arguments.py": "Arguments of many networks",
    "replica_epochs.py": "Epochs of many networks",
    "replica_orders.py": "Orders of many networks",
    "replica_lanes.py": "Many networks along lanes",
    "replica_files.py": "Many networks in files",
    "replicas.py": "Many networks",
}
#: That of noise.
NOISE = {"noise.py": "Noise"}
#: Those of which a module gets what its kernels call.
SMALL = {"gather.py": "Gathering a batch", "views.py": "Views", "sums.py": "Sums"}
#: Those of the matrix products in tiles, of which each needs all.
TILES = {
    "tile_builder.py": "Vector instructions",
    "tile_loops.py": "Tiles of a matrix product",
    "tile_products.py": "Matrix products in tiles",
    "tiles.py": "Matrix products",
}
#: Beside these, for products over many rows.
BLOCKS = {"tile_blocks.py": "Matrix products over many rows"}
#: Those of BLAS.
BLAS = {"openblas.py": "OpenBLAS", "blas.py": "BLAS", "threads.py": "BLAS threads"}
#: Those that are there for each precision.
MATHS = {
    "vector_maths": "Vector maths",
    "activations": "Activations and derivatives",
    "trigonometry": "Trigonometric and hyperbolic functions",
    "special_functions": "Special functions",
    "random": "Random numbers",
}
#: In place of those of BLAS, where there is none.
START = {"without_scipy.py": "Numba's start"}


@dataclass(frozen=True)
class Section:
    """A part of the runtime: its heading, its text, and the imports that it needs."""

    title: str
    text: str
    imports: Imports


def section(title: str, file: str, wanted: Iterable[str] | None = None) -> Section:
    """Return a file of the runtime, or what is wanted of it.

    Parameters
    ----------
    title : str
        The heading.
    file, wanted
        See :func:`symbp.targets.numba.paste.paste`.
    """
    text = paste(file, wanted)
    return Section(title, text.text, text.imports)


def file_of_each(calls: Iterable[str], dtype: str) -> dict[str, str]:
    """Return the file of each function that kernels call.

    Parameters
    ----------
    calls : iterable of str
        Names of functions.
    dtype : {"float32", "float64"}
        The precision of the vector maths.
    """
    return {name: files_of()[name].replace("float64", dtype) for name in sorted(calls)}


@dataclass(frozen=True)
class Needs:
    """What a module needs of the runtime that not every one does, besides what its kernels call.

    Attributes
    ----------
    emitted : bool
        Whether kernels are compiled past Numba's front end.
    entries : bool
        Whether there are further entry points.
    phases : bool
        Whether the program has a state or phases.
    outputs : bool
        Whether there are outputs to be evaluated by name.
    noise : bool
        Whether it draws.
    weights : bool
        Whether a target has the weights of examples.
    ranks : bool
        Whether several processes can train together.
    replicas : bool
        Whether it trains many networks at once.
    trained : bool
        Whether it trains, or predicts only.
    """

    emitted: bool
    entries: bool
    phases: bool
    outputs: bool
    noise: bool
    weights: bool
    ranks: bool = False
    replicas: bool = False
    trained: bool = True

    @property
    def compiler(self) -> str:
        """The function of the runtime that kernels are compiled by."""
        return "emitted_kernel" if self.emitted else "compiled_kernel"


def pasted(files: Mapping[str, str], dtype: str, needs: Needs) -> Iterator[Section]:
    """Yield the parts of the runtime that stand in a module.

    Parameters
    ----------
    files : mapping of str to str
        See :func:`file_of_each`.
    dtype : {"float32", "float64"}
        The precision of the module.
    needs : Needs
        What else it needs.
    """
    used: dict[str, set[str]] = {}
    for name, file in files.items():
        used.setdefault(file, set()).add(name)
    team = TEAM if used.keys() & TEAM.keys() else {}
    optional: dict[str, str] = {}
    for needed, parts in (
        (needs.emitted, EMITTED),
        (needs.entries or needs.phases, ENTRIES),
        (needs.phases, PHASES),
        (needs.noise, NOISE),
        (needs.weights, WEIGHTS),
        (needs.outputs, OUTPUTS),
        (needs.ranks, RANKS),
    ):
        optional |= parts if needed else {}
    optional |= REPLICAS if needs.replicas else team
    for file, title in {**(RUNTIME if needs.trained else PREDICTOR), **optional}.items():
        yield section(title, file)
    for file, title in SMALL.items():
        if file in used:
            yield section(title, file, used[file])
    yield from _maths(used, dtype)
    blocks = BLOCKS if used.keys() & BLOCKS.keys() else {}
    if blocks or "tiles.py" in used:
        for file, title in {**TILES, **blocks}.items():
            yield section(title, file)
    if used.keys() & BLAS.keys():
        for file, title in BLAS.items():
            wanted = {"BLAS_SYMBOLS", *used.get(file, ())} if file == "blas.py" else None
            yield section(title, file, wanted)
    else:
        for file, title in START.items():
            yield section(title, file)


def tidy(text: str) -> str:
    """Return source text with at most two blank lines in a row and one newline at its end.

    Parameters
    ----------
    text : str
        Sections, one after another.
    """
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text.strip("\n") + "\n"


def _maths(used: Mapping[str, set[str]], dtype: str) -> Iterator[Section]:
    files = {part: f"{part}_{dtype}.py" for part in MATHS}
    wanted = set().union(*(used.get(file, set()) for file in files.values()))
    if not wanted:
        return
    first, *rest = MATHS
    above = [section(MATHS[part], files[part], wanted) for part in rest]
    below = wanted.union(*(names_used(each.text) for each in above))
    yield section(MATHS[first], files[first], below)
    yield from (each for each in above if each.text.strip())
