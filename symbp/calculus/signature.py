"""signature: a hash of what a program says, stamped into what is generated from it.

Independent of the hash seed, of the names of indices and of when tensors were declared; two
programs with one signature compute the same.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import sympy

from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["signature"]


def signature(program: Program, options: Iterable[str] = ()) -> str:
    """Return 16 hexadecimal digits that identify a program and the options of a generation."""
    lines = [_tensor(tensor) for tensor in program.tensors]
    for equation in program.equations:
        numbers: dict[Index, int] = {}
        left = _text(equation.lhs, numbers)
        reduced = ",".join(_text(index, numbers) for index in equation.reduce)
        body = _text(equation.body, numbers)
        extents = ",".join(str(index.extent) for index in numbers)
        lines.append(f"{left}={equation.operation}[{reduced}]{body}|{extents}")
    # The order of declaration is the order of arguments.
    for tensors in (program.parameters, program.inputs, program.targets):
        lines.append(",".join(tensor.name for tensor in tensors))
    for pairs in (program.gradients, program.updates):
        lines.append(";".join(f"{a.name}:{b.name}" for a, b in pairs))
    lines += [tensor.name for tensor in program.results]
    lines += [str(program.cost), str(program.output), *options]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _tensor(tensor: Tensor) -> str:
    shape = ",".join(map(str, tensor.shape))
    law = "" if tensor.law is None else tensor.law
    return f"{tensor.name}({shape}){tensor.role}{tensor.kind}{tensor.initial}{tensor.value}{law}"


def _text(node: Any, numbers: dict[Index, int]) -> str:
    if isinstance(node, Index):
        return f"i{numbers.setdefault(node, len(numbers))}"
    if isinstance(node, Element):
        return f"{node.tensor.name}[{','.join(_text(a, numbers) for a in node.args)}]"
    if isinstance(node, sympy.Atom):
        return str(sympy.srepr(node))
    return f"{type(node).__name__}({','.join(_text(a, numbers) for a in node.args)})"
