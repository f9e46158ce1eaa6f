"""code_remarks: what a reader of the generated gradient is told before its lines.

Which index counts the examples, what the names stand for, what the signs between the sides mean,
and what the routines for matrices take; each only where the code has it.
"""

import re
from collections.abc import Iterator

from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import Words, words_of
from symbp.derivations.printing import style_of
from symbp.derivations.report.blocks import Prose
from symbp.derivations.steps import steps
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernel import Kernel

__all__ = ["ADDS", "STARTS", "code_remarks"]

#: Between the sides of the first of several contributions to a tensor, and of the others.
STARTS, ADDS = r"\leftarrow", r"\mathrel{+}="

# The routines whose sentences stand in the table of words; two begin alike.
_ROUTINES = ("tiled", "gemm", "gemv", "added", "ger", "dot")


def code_remarks(
    derivation: GradientEquations, kernel: Kernel, sums: bool, in_module: bool = True
) -> Iterator[Prose]:
    """Yield what is said before the code.

    Parameters
    ----------
    derivation : GradientEquations
        What the code computes.
    kernel : Kernel
        The code.
    sums : bool
        Whether there is a tensor that several equations of the code add to.
    in_module : bool
        Whether the module holds these lines; that of a small network has them by element.
    """
    words = words_of(derivation.style.language)
    text = [words.say("code.module" if in_module else "code.loops")]
    index = _example_index(derivation)
    if index is not None:
        style = style_of("latex")
        size, name = style.name(str(derivation.program.batch)), style.name(index.name)
        text.append(words.say("code.batch", index=f"${name}$", size=f"${size}$"))
        if derivation.per_example:
            text.append(words.say("code.example"))
    yield Prose(words.say("gap").join(text))
    if sums:
        yield Prose(words.say("code.signs", starts=f"${STARTS}$", adds=f"${ADDS}$"))
    named = words.say("gap").join(_names(derivation, kernel.text))
    if named:
        yield Prose(named)
    for routine in _ROUTINES:
        if routine in kernel.calls:
            yield Prose(_of_routine(routine, words))


def _of_routine(routine: str, words: Words) -> str:
    """Return what a routine of the module takes and does."""
    if routine not in ("tiled", "gemm"):
        return words.say(f"routine.{routine}")
    said = [words.say("routine.multiplies", name=routine)]
    said += [words.say("routine.tiled")] if routine == "tiled" else []
    return words.say("gap").join(said)


def _example_index(derivation: GradientEquations) -> Index | None:
    """Return the index that counts the examples of a batch."""
    batch = derivation.program.batch
    for equation in derivation.program.equations:
        for index in equation.domain:
            if batch is not None and index.extent == batch:
                return index
    return None


def _names(derivation: GradientEquations, code: str) -> Iterator[str]:
    """Yield sentences on the names in the code that the derivation prints in another way."""
    cost = derivation.program.cost
    assert cost is not None, "what is derived has a cost"
    words = words_of(derivation.style.language)
    printer = IndexForm(style_of("latex", derivation.style), cost)

    def meaning(name: str, tensor: Tensor) -> str:
        return words.say("code.meaning", name=name, symbol=f"${printer.tensor(tensor)}$")

    # Adjoints by their symbols, such as δ, and as derivatives: one example of each.
    examples: dict[bool, str] = {}
    for adjoint in [line.tensor for line in (*derivation.links, *derivation.backward)]:
        source = adjoint.adjoint_of
        if source is None or not _stands_in(re.escape(f"{source.name}_adjoint"), code):
            continue
        kind = source.adjoint_symbol is not None
        examples.setdefault(kind, meaning(f"{source.name}_adjoint", adjoint))
    if examples:
        yield words.say("code.adjoints", examples=words.listed(list(examples.values())))
    introduced = {
        formula.tensor.name: formula.tensor
        for step in steps(derivation)
        if step.kind == "definition"
        for formula in step.formulas
        if isinstance(formula, DerivedEquation) and _stands_in(re.escape(formula.tensor.name), code)
    }
    if introduced:
        listed = [meaning(name, tensor) for name, tensor in introduced.items()]
        yield words.say("code.introduced", examples=words.listed(listed))
    if _stands_in(r"shared\d*", code):
        yield words.say("code.shared")
    if _stands_in(r"\w+_(operand|contracted)\d*", code):
        yield words.say("code.operands")
    if _stands_in(r"\w+_(max|shift)", code) and "logsumexp" in code:
        yield words.say("code.logsumexp")


def _stands_in(pattern: str, code: str) -> bool:
    """Whether a name of a pattern stands in the code."""
    return re.search(rf"\b{pattern}\b", code) is not None
