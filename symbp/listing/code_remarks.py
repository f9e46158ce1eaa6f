"""code_remarks: what a reader of the generated gradient is told before its lines.

Which index counts the examples, what the names stand for, what the signs between the sides mean,
and what the routines for matrices take; each only where the code has it.
"""

import re
from collections.abc import Iterator

from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import style_of
from symbp.derivations.report.blocks import Prose
from symbp.derivations.steps import steps
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor
from symbp.targets.numba.kernel import Kernel

__all__ = ["ADDS", "STARTS", "code_remarks"]

#: Between the sides of the first of several contributions to a tensor, and of the others.
STARTS, ADDS = r"\leftarrow", r"\mathrel{+}="

_MULTIPLIES = (
    "(s, t, rows, columns, terms, alpha, A, p, B, q, beta, D, r)` multiplies "
    r"matrices: $D \leftarrow \alpha A B + \beta D$, where `D` is `rows` by `columns` and each "
    "entry of the product a sum of `terms`; `s` and `t` say whether `A` and `B` are transposed "
    "first, and `p`, `q` and `r` are the lengths of the rows in memory."
)
_ROUTINES = {
    "tiled": f"`tiled{_MULTIPLIES} `one` with rows of length 0 is a row of ones: then the columns "
    "of `B` are summed.",
    "gemm": f"`gemm{_MULTIPLIES}",
    "gemv": "`gemv(t, rows, columns, alpha, A, p, x, i, beta, y, j)` multiplies a matrix and a "
    r"vector: $y \leftarrow \alpha A x + \beta y$, where `A` is `rows` by `columns`; `t` says "
    "whether it is transposed first, `p` is the length of its rows in memory, and `i` and `j` are "
    "the steps between the entries of the vectors.",
    "added": "`added(s, t)` is $s + t$; the terms of a sum may be added in any order.",
    "ger": "`ger(rows, columns, alpha, x, i, y, j, A, p)` adds an outer product: "
    r"$A \mathrel{+}= \alpha x y^T$, where `A` is `rows` by `columns`; `i` and `j` are the steps "
    "between the entries of the vectors, and `p` is the length of the rows in memory.",
    "dot": "`dot(terms, x, i, y, j)` is the scalar product of two vectors with `terms` entries; "
    "`i` and `j` are the steps between them.",
}


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
    text = (
        "The function of the gradient in the module that `bp.generate(network, 'network.py')` "
        "writes, with the numbers of its lines."
        if in_module
        else "The function of the gradient in loops. The module that `bp.generate(network, "
        "'network.py')` writes has the same without the loops over what is no example: of so small "
        "a network every element has a line of its own."
    )
    index = _example_index(derivation)
    if index is not None:
        style = style_of("latex")
        size = style.name(str(derivation.program.batch))
        text += f" It computes a whole batch: ${style.name(index.name)}$ counts its ${size}$ "
        text += "examples."
        if derivation.per_example:
            text += " The lines of the derivation beside it are those of one example."
    yield Prose(text)
    if sums:
        yield Prose(
            f"Where code in several places adds up one quantity, ${STARTS}$ stands where it starts "
            f"and ${ADDS}$ where something is added; an equation with $=$ is the whole."
        )
    named = " ".join(_names(derivation, kernel.text))
    if named:
        yield Prose(named)
    for routine, said in _ROUTINES.items():
        if routine in kernel.calls:
            yield Prose(said)


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
    printer = IndexForm(style_of("latex"), cost)

    def meaning(name: str, tensor: Tensor) -> str:
        return f"`{name}` is ${printer.tensor(tensor)}$"

    # Adjoints by their symbols, such as δ, and as derivatives: one example of each.
    examples: dict[bool, str] = {}
    for adjoint in [line.tensor for line in (*derivation.links, *derivation.backward)]:
        source = adjoint.adjoint_of
        if source is None or not _stands_in(re.escape(f"{source.name}_adjoint"), code):
            continue
        kind = source.adjoint_symbol is not None
        examples.setdefault(kind, meaning(f"{source.name}_adjoint", adjoint))
    if examples:
        yield (
            "A name that ends in `_adjoint` is the derivative of the cost by what stands before "
            f"it: {' and '.join(examples.values())}."
        )
    introduced = {
        formula.tensor.name: formula.tensor
        for step in steps(derivation)
        if step.kind == "definition"
        for formula in step.formulas
        if isinstance(formula, DerivedEquation) and _stands_in(re.escape(formula.tensor.name), code)
    }
    if introduced:
        listed = [meaning(name, tensor) for name, tensor in introduced.items()]
        yield f"Of what the steps introduce, {_enumerated(listed)}."
    if _stands_in(r"shared\d*", code):
        yield "A name that begins with `shared` is an expression that several equations read."
    if _stands_in(r"\w+_(operand|contracted)\d*", code):
        yield "`…_operand` and `…_contracted` are what a matrix product reads and gives."
    if _stands_in(r"\w+_(max|shift)", code) and "logsumexp" in code:
        yield (
            "Behind `logsumexp` stands the logarithm of a sum of exponentials; the largest "
            "argument is taken out of it, so that nothing overflows."
        )


def _stands_in(pattern: str, code: str) -> bool:
    """Whether a name of a pattern stands in the code."""
    return re.search(rf"\b{pattern}\b", code) is not None


def _enumerated(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
