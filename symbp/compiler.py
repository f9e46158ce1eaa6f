"""The driver of the compiler: from a program and its options to the text of a target.

::

    program ─► Model: derivatives and updates ─► entry points ─► loop programs ─► text

What is derived stands in :mod:`symbp.entries.model`, the way from an entry point to its loops in
:mod:`symbp.schedules.lower`, the text in the folder of a target; ``symbp explain`` prints every
arrow.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from symbp.derivations import derive
from symbp.entries.evaluate import checked_outputs, evaluations
from symbp.entries.model import Model
from symbp.entries.registry import ENTRIES, checked_entries
from symbp.networks.costs import COSTS
from symbp.networks.many_values import checked_seeds, of_one_network
from symbp.networks.network import Network
from symbp.networks.optimizers import SGD, Optimizer, checked_optimizer, optimise, ranges
from symbp.networks.options import (
    checked_count,
    checked_flag,
    checked_form,
    checked_options,
    checked_size,
)
from symbp.notation.arguments import no_program
from symbp.notation.errors import SymbpError
from symbp.notation.operation import DerivativeForm
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor
from symbp.targets.files import check_options, checked_target, numbers_of, write_files
from symbp.targets.numba import kernels
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.module import LIMITS, NUMBA
from symbp.targets.preparation import Preparation
from symbp.targets.target import Job, Many, Target
from symbp.training.loading import load_module, module_of
from symbp.training.places import cache_folder
from symbp.training.replicas import Replicas
from symbp.training.trainer import Trainer

__all__ = [
    "cache_folder",
    "compile",
    "generate",
    "gradient_kernel",
    "load_module",
    "lowered",
    "module_source",
    "write_predictor",
]


def module_source(
    program: Program,
    optimizer: Optimizer | str | None = None,
    dtype: str = "float64",
    derivatives: str = "fast",
    entries: Sequence[str] = (),
    outputs: Sequence[str | Tensor] = (),
    is_read: bool = True,
    ranks: bool = False,
    replicas: Many | None = None,
) -> str:
    """Return the source of the standalone module that trains a program.

    Parameters
    ----------
    program : Program
        With a cost and at least one parameter.
    optimizer, dtype, derivatives, entries, outputs, ranks
        See :func:`generate`.
    is_read : bool
        Whether people read it, so that a small network's module is short rather than quick to
        compile.
    replicas : Many, optional
        If it trains many networks at once, too: how many.

    Returns
    -------
    str
        Python source, the same to the byte for the same program and options.
    """
    _check_program(program)
    job = _job(
        NUMBA, program, "module", optimizer, dtype, derivatives, entries, outputs, is_read=is_read,
        ranks=ranks, replicas=replicas,
    )  # fmt: skip
    return NUMBA.texts(job)["module.py"]


def _job(
    target: Target,
    program: Program,
    stem: str,
    optimizer: Optimizer | str | None,
    dtype: str,
    derivatives: str,
    entries: Sequence[str] = (),
    outputs: Sequence[str | Tensor] = (),
    **options: Any,
) -> Job:
    """Return what a target is asked for."""
    chosen, form = _optimizer(optimizer), checked_form(derivatives)
    wanted = checked_entries(entries)
    # a user's equations -> what is derived from them, each form made once
    model = _model(program, chosen, form)
    return Job(
        model,
        _title(program, chosen, form),
        stem,
        dtype,
        (
            *(ENTRIES[name](model) for name in wanted),
            *evaluations(model, checked_outputs(program, outputs)),
        ),
        _latex(program) if "equations" in target.options else {},
        _threshold(program),
        ranges(model.updated) if "ranges" in target.options else {},
        **options,
    )


def _model(program: Program, optimizer: Optimizer, derivatives: DerivativeForm) -> Model:
    return Model(program, lambda differentiated: optimise(differentiated, optimizer), derivatives)


def gradient_kernel(program: Program) -> Kernel:
    """Return the function of the gradient in loops, with what its lines compute.

    A module holds it so, unless the network is small enough to be written out by element.

    Parameters
    ----------
    program : Program
        With a cost and at least one parameter.
    """
    return kernels.gradient_kernel(Model(program), LIMITS)


def _check_program(program: Program, trained: bool = True) -> None:
    if not isinstance(program, Program):
        raise SymbpError(f"expected a Program or Network, got {no_program(program)}")
    if program.cost is None and trained:
        raise SymbpError("the program has no cost: pass cost=… to bp.Program")
    if not program.parameters:
        raise SymbpError("the program has no parameters, there is nothing to train")
    if not program.trained and trained:
        raise SymbpError("all parameters of the program are frozen, there is nothing to train")
    _check_output(program)


def _optimizer(optimizer: Optimizer | str | None) -> Optimizer:
    return SGD(0.1) if optimizer is None else checked_optimizer(optimizer)


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
    program: Program, optimizer: Optimizer, derivatives: DerivativeForm = "fast"
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
    model = _model(program, optimizer, derivatives)
    return model.gradient, model.updated


def _latex(program: Program) -> dict[str, str]:
    derivation = derive(program)
    lines = (*derivation.forward, *derivation.backward)
    return {line.tensor.name: line.latex("index") for line in lines}


def _title(program: Program, optimizer: Optimizer, derivatives: DerivativeForm) -> str:
    how = "" if derivatives == "fast" else f", {derivatives} derivatives"
    return f"{' '.join(repr(program).split())}, trained with {optimizer!r}{how}."


@checked_options
def generate(
    program: Program,
    path: str | os.PathLike[str],
    optimizer: Optimizer | str | None = None,
    dtype: str = "float64",
    derivatives: str = "fast",
    entries: Sequence[str] = (),
    target: str = "numba",
    batch: int | None = None,
    parameters: Any = None,
    runtime: str | None = None,
    outputs: Sequence[str | Tensor] = (),
    ranks: bool = False,
    replicas: bool | int = False,
) -> Path:
    """Write a program, its gradient and its training to a file: a Numba module, or C.

    With `parameters`, what is written predicts and does no more.

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
    entries : sequence of str
        What the module offers besides ``predict``, ``loss``, ``gradient`` and training:
        ``"loss_and_gradient"``, ``"jvp"``, ``"vjp"``, ``"hvp"``, ``"jacobian"``, ``"hessian"``,
        ``"per_example_gradients"``, ``"input_gradient"``, ``"input_jvp"``, ``"input_vjp"``,
        ``"input_jacobian"``, ``"input_hessian"``.
    target : {"numba", "c"}
        ``"numba"`` writes one Python module; ``"c"`` a C99 translation unit and, beside it, the
        header that says how its functions are called.
    batch : int, optional
        For ``"c"``: the most examples of one batch, for which there is memory; by default 32.
    parameters : Trainer, Parameters or mapping of str to array, optional
        A trainer, or trained parameters such as ``trainer.parameters``, to be written in: the
        file then holds ``predict`` alone, of the input.
    runtime : {"pasted", "beside"}, optional
        For ``"numba"``: whether what all modules have in common stands in the module, by default,
        or in ``symbp_runtime.py`` beside it, which the modules of a folder share.
    outputs : sequence of str or Tensor
        For ``"numba"``: what ``trainer.evaluate(name, …)`` computes besides the output: tensors of
        the program, such as the weights of an attention, the cost of each example, or a metric.
    ranks : bool
        For ``"numba"``: whether several processes can train together, each with examples of its
        own: ``trainer.fit(x, y, communicator=…)``.
    replicas : bool or int
        For ``"numba"``: whether the module has a class ``Replicas`` too, which trains many
        networks at once, or how many; the optimizer may have a list of values then, one for each.

    Returns
    -------
    Path
        The file; of C, the translation unit.

    Raises
    ------
    SymbpError
        The program has no cost or no parameters, its output depends on a target, an option is
        unknown, or an entry point is not for this program.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import symbp as bp, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> bp.generate(bp.mlp(2, 4, 1, activation="tanh"), folder / "xor.py").name
    'xor.py'
    """
    chosen = checked_target(target)
    asked = {"entries": tuple(entries), "batch": batch, "parameters": parameters}
    asked["outputs"] = tuple(outputs)
    asked["ranks"] = checked_flag("ranks", ranks) or None
    many = None
    if replicas is not False and replicas is not None:
        count = None if replicas is True else checked_size("replicas", replicas)
        optimizer, values = of_one_network(_optimizer(optimizer), count)
        many = Many(count, values)
    asked["replicas"] = many
    check_options(chosen, path, {**asked, "runtime": runtime})
    _check_program(program, parameters is None)
    options: dict[str, Any] = {"runtime": runtime, "ranks": ranks, "replicas": many}
    options["batch"] = None if batch is None else checked_size("batch", batch)
    if parameters is not None:
        options["parameters"] = numbers_of(program, parameters, chosen is NUMBA)
    stem = Path(path).stem
    job = _job(chosen, program, stem, optimizer, dtype, derivatives, entries, outputs, **options)
    return write_files(chosen, job, path)


def write_predictor(
    program: Program,
    path: str | os.PathLike[str],
    parameters: Any,
    preparation: Preparation,
    dtype: str = "float64",
) -> Path:
    """Write a module that reads a table as it was before anything was done to it.

    Parameters
    ----------
    program : Program
        With an output; its inputs, in order, are what the features of the preparation are.
    path : path
        Where to write.
    parameters
        See :func:`generate`.
    preparation : Preparation
        What is done to a table, and to the outputs.
    dtype : {"float64", "float32"}
        The precision.
    """
    check_options(NUMBA, path, {})
    _check_program(program, trained=False)
    numbers = numbers_of(program, parameters, states=True)
    options: dict[str, Any] = {"parameters": numbers, "preparation": preparation}
    job = _job(NUMBA, program, Path(path).stem, None, dtype, "fast", **options)
    return write_files(NUMBA, job, path)


# fmt: off
@overload
def compile(
    program: Program, optimizer: Optimizer | str | None = ..., dtype: str = ...,
    derivatives: str = ..., entries: Sequence[str] = ..., outputs: Sequence[str | Tensor] = ...,
    seed: int = ..., ranks: bool = ..., replicas: None = ...,
) -> Trainer: ...
@overload
def compile(
    program: Program, optimizer: Optimizer | str | None = ..., dtype: str = ...,
    derivatives: str = ..., entries: Sequence[str] = ..., outputs: Sequence[str | Tensor] = ...,
    seed: int | Sequence[int] = ..., *, replicas: int,
) -> Replicas: ...
# fmt: on
@checked_options
def compile(
    program: Program,
    optimizer: Optimizer | str | None = None,
    dtype: str = "float64",
    derivatives: str = "fast",
    entries: Sequence[str] = (),
    outputs: Sequence[str | Tensor] = (),
    seed: int | Sequence[int] = 0,
    ranks: bool = False,
    replicas: int | None = None,
) -> Any:
    """Generate the module of a program into a cache, import it and return its trainer.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost.
    optimizer, dtype, derivatives, entries
        See :func:`generate`; ``trainer.module.hvp`` is one of the entries.
    outputs : sequence of str or Tensor
        What ``trainer.evaluate(name, …)`` computes besides the output; see :func:`generate`.
    seed : int
        Of the initial parameters and of the order of the examples; the module is the same for
        every seed. Of replicas it is that of the first, and the next ones count on; or give a
        sequence with one for each.
    ranks : bool
        Whether several processes can train together; see :func:`generate`.
    replicas : int, optional
        How many networks to train at once: each has its own parameters, order of the examples and
        noise, and its own value of each hyperparameter of which the optimizer has a list.

    Returns
    -------
    Trainer, or Replicas if `replicas` is given
        An instance of the module's Trainer; its attribute ``module`` is the module itself. It
        is machine code after the first step, and the next process finds it in the cache. It can
        be pickled and copied; the module lives as long as something refers to it.

    Examples
    --------
    >>> import numpy as np, symbp as bp
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([[0], [1], [1], [0]])
    >>> trainer = bp.compile(bp.mlp(2, 4, 1, activation="tanh"), bp.SGD(0.5))
    >>> trainer.fit(x, y, epochs=2000, batch_size=4).predict(x).round(1).ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    many = None
    if checked_flag("ranks", ranks) and replicas is not None:
        raise SymbpError("ranks=True, replicas=…: one process trains replicas; leave out one")
    if replicas is not None:
        count = checked_size("replicas", replicas)
        optimizer, values = of_one_network(_optimizer(optimizer), count)
        many = Many()
    source = module_source(
        program, optimizer, dtype, derivatives, entries, outputs, is_read=False, ranks=ranks,
        replicas=many,
    )  # fmt: skip
    if many is not None:
        return module_of(source).Replicas(count, checked_seeds(seed, count), **values)
    return module_of(source).Trainer(seed=checked_count("seed", seed))
