"""from_onnx: a file of somebody else's network as equations, to be derived, checked and trained.

Each node is read by the function of its operator; what depends on no data and on no parameter is
computed at once, by the format's reference evaluator.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symbp.interop.onnx import operators as operators_that_register  # noqa: F401
from symbp.interop.onnx.call import (
    OPERATORS,
)
from symbp.interop.onnx.definitions import written_out
from symbp.interop.onnx.library import library
from symbp.interop.onnx.reader import READ_HERE, Reader
from symbp.networks.costs import CostFunction, cost
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.program import Program

__all__ = ["from_onnx"]


def from_onnx(
    path: Any,
    loss: str | CostFunction | None = None,
    output: str | None = None,
    constants: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Program:
    """Read the network of an ONNX file as a program.

    Parameters
    ----------
    path : path
        The file; an ``onnx.ModelProto`` is taken, too.
    loss : str or callable, optional
        A cost as `Network` takes it, of the output and a target of its shape; without it the
        program has an output and no cost.
    output : str, optional
        The name of a value in the file that is to be the output; by default the first output. So
        the softmax at the end is left out for ``loss="softmax_cross_entropy"``, which has its own.
    constants : mapping of str to array, optional
        Inputs of the file that are known: those that shapes and axes depend on must be.
    sizes : mapping of str to int, optional
        Numbers for dimensions that the file only names. The first axis of the inputs may stay a
        name: it is that of the examples.

    Returns
    -------
    Program
        Its parameters are the initializers of real numbers with at least one axis, and start from
        their values; what else is constant in the file is a constant. Names that are no
        identifiers have an underscore in the place of what is none.

    Raises
    ------
    SymbpError
        The package onnx is not installed, or the file is none of ONNX.
    UnsupportedError
        An operator or an attribute has no counterpart; the message names the node.

    Examples
    --------
    >>> import pathlib, tempfile, symbp as bp
    >>> network = bp.mlp(2, 4, 1, activation="tanh")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "xor.onnx"
    >>> path = bp.to_onnx(network, bp.compile(network).parameters, path)
    >>> again = bp.from_onnx(path, loss="quadratic")
    >>> [parameter.name for parameter in again.parameters]
    ['W1', 'b1', 'W2', 'b2']
    """
    model = _loaded(path)
    reader = Reader(model, constants or {}, sizes or {}, loss is not None)
    results = reader.outputs(output)
    result = results[0]
    wanted = results if loss is None else results[:1]
    kept = Program(reader.equations, output=result).prune(wanted).equations
    if loss is None:
        return Program(kept, output=result)
    record = cost(loss)
    target = record.target(result)
    of_cost, body = record.parts(result, target)
    C = tensor("C")
    return Program([*kept, *of_cost, Equation(C, body)], cost=C, output=result)


def _loaded(path: Any) -> Any:
    onnx = library()
    if isinstance(path, onnx.ModelProto):
        model = path
    else:
        try:
            model = onnx.load(os.fspath(path))
        except OSError as error:
            raise SymbpError(f"{path}: cannot be read: {error.strerror or error}") from error
        except Exception as error:  # the library's errors have no class in common
            raise SymbpError(f"{Path(path)}: expected an ONNX file: {error}") from error
    return written_out(model, {*OPERATORS, *READ_HERE})
