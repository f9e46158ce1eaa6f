"""The driver of the compiler: a handful of arrows, named, and what is done with their result.

::

    normalise ─► stabilise ─► reverse ─► optimise ─► expand ─► share ─► module text
"""

import hashlib
import importlib.util
import os
import stat
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from symbp.calculus.expand import expand
from symbp.calculus.inline_denominators import inline_denominators
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.share import share
from symbp.calculus.stabilise import stabilise
from symbp.codegen.module import module_text
from symbp.derivations import derive
from symbp.networks.costs import COSTS
from symbp.networks.network import Network
from symbp.networks.optimizers import SGD, Optimizer, checked_optimizer, optimise
from symbp.networks.options import checked_options
from symbp.notation.arguments import no_program
from symbp.notation.errors import SymbpError
from symbp.notation.files import write_text
from symbp.notation.operation import Form
from symbp.notation.program import Program

__all__ = [
    "cache_folder",
    "compile",
    "generate",
    "load_module",
    "lowered",
    "module_source",
]


def module_source(
    program: Program,
    optimizer: Optimizer | str | None = None,
    dtype: str = "float64",
    derivatives: str = "fast",
) -> str:
    """Return the source of the standalone module that trains a program.

    Parameters
    ----------
    program : Program
        With a cost and at least one parameter.
    optimizer : Optimizer or str, optional
        What a training step does with the gradient; by default ``SGD(0.1)``.
    dtype : {"float64", "float32"}
        The precision of the module.
    derivatives : {"fast", "accurate"}
        See :func:`generate`.

    Returns
    -------
    str
        Python source, the same to the byte for the same program and options.
    """
    if not isinstance(program, Program):
        raise SymbpError(f"expected a Program or Network, got {no_program(program)}")
    if program.cost is None:
        raise SymbpError("the program has no cost: pass cost=… to bp.Program")
    if not program.parameters:
        raise SymbpError("the program has no parameters, there is nothing to train")
    chosen = SGD(0.1) if optimizer is None else checked_optimizer(optimizer)
    form = _form(derivatives)
    _check_output(program)
    gradient, step = lowered(program, chosen, form)
    # -> text
    latex, title = _latex(program), _title(program, chosen, form)
    return module_text(program, gradient, step, dtype, latex, title, _threshold(program))


def _form(derivatives: str) -> Form:
    if derivatives == "fast":
        return "fast"
    if derivatives == "accurate":
        return "accurate"
    raise SymbpError(f"derivatives: expected 'fast' or 'accurate', got {derivatives!r}")


def _check_output(program: Program) -> None:
    if program.output is None:
        return
    needed = program.depends_on([program.output])
    for target in program.targets:
        if target in needed:
            raise SymbpError(
                f"output {program.output.name} depends on the target {target.name}, which predict "
                f"is not given; expected a tensor that is computed from inputs and parameters"
            )


def _threshold(program: Program) -> float:
    """Return what a single output exceeds for class 1; one of unknown cost is a probability."""
    known = COSTS.get(program.loss) if isinstance(program, Network) else None
    return 0.5 if known is None else known.threshold


def lowered(
    program: Program, optimizer: Optimizer, derivatives: Form = "fast"
) -> tuple[Program, Program]:
    """Return what the generator writes out: the program with its gradient, and with a step.

    Parameters
    ----------
    program : Program
        With a cost and at least one parameter.
    optimizer : Optimizer
        What a training step does with the gradient.
    derivatives : {"fast", "accurate"}
        Which form of a function's derivative is computed, where there are two.
    """
    # a user's equations -> one reduction each, in forms that cannot overflow
    plain = inline_denominators(stabilise(normalise(program)))
    # -> and the equations of the gradient
    differentiated = reverse(plain)
    # -> and the equations of one optimizer step
    updated = optimise(differentiated, optimizer)
    # -> scalar bodies written out, each value computed once
    return share(expand(differentiated, derivatives)), share(expand(updated, derivatives))


def _latex(program: Program) -> dict[str, str]:
    derivation = derive(program)
    lines = (*derivation.forward, *derivation.backward)
    return {line.tensor.name: line.latex("index") for line in lines}


def _title(program: Program, optimizer: Optimizer, derivatives: Form) -> str:
    how = "" if derivatives == "fast" else f", {derivatives} derivatives"
    return f"{' '.join(repr(program).split())}, trained with {optimizer!r}{how}."


@checked_options
def generate(
    program: Program,
    path: str | os.PathLike[str],
    optimizer: Optimizer | str | None = None,
    dtype: str = "float64",
    derivatives: str = "fast",
) -> Path:
    """Write the standalone module of a program to a file.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost.
    path : path
        Where to write; the file appears only when it is complete.
    optimizer : Optimizer or str, optional
        For example ``bp.Adam(0.001)``, or a name such as ``"adam"`` with the step size that
        ``symbp train`` takes; by default ``bp.SGD(0.1)``.
    dtype : {"float64", "float32"}
        The precision of the module.
    derivatives : {"fast", "accurate"}
        ``"fast"`` computes the derivatives of ``sigmoid`` and ``tanh`` from their output, as
        ``a·(1 - a)`` and ``1 - a**2``: they have few right digits where the function is flat.
        ``"accurate"`` computes them from the input, with full relative accuracy. All other
        functions have accurate derivatives in both.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SymbpError
        The program has no cost or no parameters, its output depends on a target, or an option is
        unknown.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import symbp as bp, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> bp.generate(bp.mlp(2, 4, 1, activation="tanh"), folder / "xor.py").name
    'xor.py'
    """
    return write_text(path, module_source(program, optimizer, dtype, derivatives))


@checked_options
def compile(
    program: Program,
    optimizer: Optimizer | str | None = None,
    dtype: str = "float64",
    derivatives: str = "fast",
) -> Any:
    """Generate the module of a program into a cache, import it and return its trainer.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost.
    optimizer : Optimizer or str, optional
        For example ``bp.Adam(0.001)``, or a name such as ``"adam"`` with the step size that
        ``symbp train`` takes; by default ``bp.SGD(0.1)``.
    dtype : {"float64", "float32"}
        The precision of the module.
    derivatives : {"fast", "accurate"}
        See :func:`generate`.

    Returns
    -------
    Trainer
        An instance of the module's Trainer; its attribute ``module`` is the module itself. It
        is machine code after the first step, and the next process finds it in the cache.

    Examples
    --------
    >>> import numpy as np, symbp as bp
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([[0], [1], [1], [0]])
    >>> trainer = bp.compile(bp.mlp(2, 4, 1, activation="tanh"), bp.SGD(0.5))
    >>> trainer.fit(x, y, epochs=2000, batch_size=4).predict(x).round(1).ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    text = module_source(program, optimizer, dtype, derivatives)
    name = f"symbp_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    path = cache_folder() / f"{name}.py"
    # The name is the content's hash, so a file that is there is the right one, if nobody edited it.
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    module = load_module(path, name)
    trainer = module.Trainer()
    trainer.module = module
    return trainer


def cache_folder() -> Path:
    """Return the folder of compiled modules: ``SYMBP_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("SYMBP_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "symbp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    # A read-only home, as in many containers: the cache then lasts as long as the machine.
    return _own_temporary_folder()


def _own_temporary_folder() -> Path:
    """Return a folder that nobody else can write to: what is in it will be run."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"symbp-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and (
            os.name == "nt" or (found.st_uid == user and not found.st_mode & 0o022)
        ):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="symbp-"))


def load_module(path: str | os.PathLike[str], name: str | None = None) -> ModuleType:
    """Import a generated module from its file.

    Parameters
    ----------
    path : path
        A file that :func:`generate` wrote.
    name : str, optional
        Its name in ``sys.modules``; by default the file's.

    Returns
    -------
    module
    """
    path = Path(path)
    if not path.is_file():
        raise SymbpError(f"{path}: no such file")
    if name is None:
        # Read anew each time, since the file may have been generated again; and a json.py does
        # not take the place of Python's own.
        name = path.stem
        known = sys.modules.get(name)
        other = known is not None and getattr(known, "__file__", None) != str(path)
        if other or name in sys.stdlib_module_names:
            name += f"_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    elif name in sys.modules:
        return sys.modules[name]
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise SymbpError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # Numba looks a function's module up by name
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
