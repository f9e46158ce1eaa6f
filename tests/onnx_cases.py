"""ONNX's own cases of its operators, read as equations and computed by the interpreter.

Each is a graph with inputs and the outputs that are right; most are of one operator, and those
called ``expanded`` are the definition of an operator by others. Inputs of whole numbers, such as a
shape or axes, are given as constants where an operator asks for it.
"""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.interop.onnx.call import ConstantNeededError, identifier

__all__ = ["Outcome", "outcome", "outcomes", "table"]

# Those of the format's own runner, and for types of 16 bits what their last digit is worth.
RELATIVE, ABSOLUTE = 1e-3, 1e-7
OF_16_BITS = {"float16": 3e-3, "bfloat16": 3e-2}


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    operator : str
        Which it is of.
    case : str
        Its name.
    passed : bool
        Whether all outputs are right.
    error : float
        The largest difference, relative to the largest value of the output; 0 if none is float32 or
        float64.
    reason : str
        Why it was refused, or what was wrong.
    """

    operator: str
    case: str
    passed: bool
    error: float = 0.0
    reason: str = ""


def outcomes() -> list[Outcome]:
    """Return what becomes of every case."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        cases = load_model_tests(kind="node")
    plain = {case.name: case.model.graph.node for case in cases}
    found = []
    for case in cases:
        # An expanded case is of the operator that it is the definition of.
        nodes = plain.get(re.sub(r"_expanded.*$", "", case.name), case.model.graph.node)
        found.append(outcome(nodes[-1].op_type if len(nodes) else "", case))
    return found


def outcome(operator: str, case: Any) -> Outcome:
    """Return what becomes of a case of an operator."""
    try:
        errors = [_compared(case.model, *map(_arrays, data)) for data in case.data_sets]
    except bp.SymbpError as refused:
        return Outcome(operator, case.name, False, reason=_reason(str(refused)))
    passed = all(right for right, _ in errors)
    reason = "" if passed else "another value"
    return Outcome(operator, case.name, passed, max(e for _, e in errors), reason)


def _arrays(given: Iterable[Any]) -> list[Any]:
    from onnx import TensorProto, numpy_helper

    return [numpy_helper.to_array(a) if isinstance(a, TensorProto) else a for a in given]


def _compared(model: Any, inputs: list[Any], outputs: list[Any]) -> tuple[bool, float]:
    names = [each.name for each in model.graph.input]
    feeds = dict(zip(names, inputs, strict=True))
    constants: dict[str, Any] = {}
    while True:
        try:
            program = bp.from_onnx(model, constants=constants)
            break
        except ConstantNeededError as needed:
            if needed.name in constants or needed.name not in feeds:
                raise
            constants[needed.name] = feeds[needed.name]
    if names and len(constants) == len(names):
        raise bp.UnsupportedError("nothing is left to be computed: every input is a constant")
    values = {t.name: np.asarray(t.initial[1]) for t in program.parameters}  # type: ignore[index]
    for name in names:
        if name not in constants:
            values[identifier(name)] = np.asarray(feeds[name], dtype=np.float64)
    computed = interpret(normalise(program), values)
    right, largest = True, 0.0
    for declared, expected in zip(model.graph.output, map(np.asarray, outputs), strict=True):
        name = identifier(declared.name)
        found = computed[name if name in computed else f"{name}_out"]
        kind = expected.dtype.name
        wanted = expected.astype(np.float64)
        assert found.shape == wanted.shape
        relative = OF_16_BITS.get(kind, RELATIVE)
        right &= bool(np.allclose(found, wanted, relative, ABSOLUTE, equal_nan=True))
        if kind in ("float32", "float64"):
            largest = max(largest, _error(found, wanted))
    return right, largest


def _error(found: Any, wanted: Any) -> float:
    finite = np.isfinite(wanted)
    if not finite.any():
        return 0.0
    scale = float(np.abs(wanted[finite]).max())
    difference = float(np.abs(found[finite] - wanted[finite]).max())
    return difference / scale if scale > ABSOLUTE else difference


# What a message says, in the words of the table.
_REASONS = (
    (r"expected a tensor of numbers|the type \d+ has no", "types of 8 bits or fewer, text, lists"),
    (r"it has no elements|extent 0", "an array without elements"),
    (r"the operator has no counterpart", "not read"),
    (r"every input is a constant", "nothing is left to compute"),
    (r"has to be known", "a shape that is computed from data"),
    (r"training_mode", "training"),
    (r"places .* are computed|are an input of integers", "places that are computed"),
    (r"subscript .* of \w+ is -\d+", "negative places that are data"),
    (r"too many to be written out", "more than 64 places that are listed"),
)


def _reason(message: str) -> str:
    for pattern, words in _REASONS:
        if re.search(pattern, message):
            return words
    return message.partition(": ")[2].partition(";")[0].partition(":")[0][:60]


def table(found: Iterable[Outcome]) -> str:
    """Return the outcomes by operator, as Markdown."""
    by_operator: dict[str, list[Outcome]] = {}
    for each in found:
        by_operator.setdefault(each.operator, []).append(each)
    everything = [each for several in by_operator.values() for each in several]
    passed = [each for each in everything if each.passed]
    errors = sorted(each.error for each in passed)
    full = sum(all(e.passed for e in several) for several in by_operator.values())
    lines = [
        f"{len(passed)} of {len(everything)} cases pass; all cases of {full} of "
        f"{len(by_operator)} operators do. Half of the cases that pass have errors below "
        f"{errors[len(errors) // 2]:.0e}, 99 % below {errors[len(errors) * 99 // 100]:.0e}; the "
        f"largest is {errors[-1]:.0e}.",
        "",
        "| operator | pass | of | largest error | what is refused |",
        "|---|---|---|---|---|",
    ]
    for operator, several in sorted(by_operator.items()):
        good = [each for each in several if each.passed]
        largest = f"{max(e.error for e in good):.0e}" if good else "–"
        reasons = dict.fromkeys(each.reason for each in several if not each.passed)
        lines.append(
            f"| `{operator}` | {len(good)} | {len(several)} | {largest} | {'; '.join(reasons)} |"
        )
    return "\n".join(lines)
