"""code_listing: the generated code of the gradient, beside the equations that it computes.

The code generator says which equations each passage of a kernel computes; by its origin, or by
what its tensor is the adjoint of, each equation belongs to a line of the derivation.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from symbp.calculus.per_example import whole_body
from symbp.compiler import gradient_kernel, module_source
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.languages import Words, words_of
from symbp.derivations.printing import style_of
from symbp.derivations.report.blocks import Block, Listing, Passage, Prose, Row
from symbp.derivations.report.contents import row_of
from symbp.listing.code_remarks import ADDS, STARTS, code_remarks
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Element, Tensor
from symbp.targets.numba import kernel as kernels
from symbp.targets.numba.kernel import Kernel

__all__ = ["code_listing"]

Key = tuple[str, bool]


def code_listing(derivation: GradientEquations) -> Iterator[Block]:
    r"""Yield the code of the gradient in passages, each beside its equations.

    Parameters
    ----------
    derivation : GradientEquations
        Of a program with parameters; for another one the reason why there is no code is said.

    Examples
    --------
    >>> import symbp as bp
    >>> *words, listing = code_listing(bp.derive(bp.mlp(2, 3, 1)))
    >>> listing.passages[1].code.strip()
    'tiled(False, True, N, 3, 2, real(1), x, 2, W1, 2, real(0), z1, 3)'
    >>> listing.passages[1].equations[0].right
    '\\sum_{k} w^{2}_{jk} a^{1}_{nk}'
    """
    program = derivation.program
    try:
        source = module_source(program)
        kernel = gradient_kernel(program)
    except SymbpError as error:
        words = words_of(derivation.style.language)
        yield Prose(words.say("code.none", reason=str(error).rstrip(".")))
        return
    pairs = _Pairs(derivation, kernel)
    place = source.find(kernel.text)
    yield from code_remarks(derivation, kernel, bool(pairs.added_up), place >= 0)
    first_line = source[:place].count("\n") + 1 if place >= 0 else 1
    yield Listing(tuple(pairs.passages(first_line)))


class _Pairs:
    """Pairs passages of code with equations and with lines of a derivation."""

    def __init__(self, derivation: GradientEquations, kernel: Kernel) -> None:
        self.derivation = derivation
        self.kernel = kernel
        self.groups = _joined(kernel.passages)
        self.cost: Any = derivation.program.cost
        self.lines: dict[Key, DerivedEquation] = {}
        for line in (*derivation.forward, *derivation.backward):
            self.lines[_key(line.tensor)] = line
        for line in derivation.backward:
            # What was put into another line, such as ∂C/∂a into δ, has none of its own.
            for source in line.sources:
                self.lines.setdefault(_key(source.tensor), line)
        self.names = _names(derivation)
        self.written: set[Tensor] = set()
        equations = dict.fromkeys(e for group in self.groups for e in group.equations)
        counts = Counter(equation.tensor for equation in equations)
        self.added_up = {tensor for tensor, count in counts.items() if count > 1}

    def passages(self, first_line: int) -> Iterator[Passage]:
        """Yield the kernel's lines in order; comments that repeat equations are left out."""
        text = tuple(enumerate(self.kernel.text.rstrip("\n").split("\n"), first_line))
        groups = self.groups
        begin, end = (groups[0].start, groups[-1].end) if groups else (len(text), len(text))
        aliases = any(line.endswith("# its memory") for _, line in text[:begin])
        yield Passage(text[:begin], note=self._before(aliases))
        for group in groups:
            lines = text[group.start : group.end]
            code = tuple(pair for pair in lines if not pair[1].lstrip().startswith("#"))
            yield self._passage(code, group.equations)
        if text[end:]:
            yield Passage(text[end:], note=self.words.say("code.after"))

    def _passage(
        self, code: tuple[tuple[int, str], ...], equations: tuple[Equation, ...]
    ) -> Passage:
        # A sum is named where it starts and where its terms are added: it holds from there on.
        equations = tuple(reversed(dict.fromkeys(reversed(equations))))
        rows = tuple(self._row(equation) for equation in equations)
        derived: dict[Row, None] = {}
        for equation in equations:
            line = self._line(equation)
            if line is not None:
                derived.setdefault(row_of(line, "matrix", self.names.get(line.tensor, "")))
        note = self._note(equations) if derived else ""
        return Passage(code, rows, note, tuple(derived))

    @property
    def words(self) -> Words:
        """The words of the language of the report."""
        return words_of(self.derivation.style.language)

    def _before(self, aliases: bool) -> str:
        said = [self.words.say("code.before")]
        said += [self.words.say("code.aliases")] if aliases else []
        return self.words.say("gap").join(said)

    def _note(self, equations: tuple[Equation, ...]) -> str:
        batch = self.derivation.program.batch
        if not self.derivation.per_example or not any(
            _is_seed(equation) and batch in equation.body.free_symbols for equation in equations
        ):
            return self.words.say("code.derivation")
        size = style_of("latex").name(str(batch))
        return self.words.say("code.derivation.mean", factor=rf"$\frac{{1}}{{{size}}}$")

    def _row(self, equation: Equation) -> Row:
        if not equation.is_scatter:
            equation = Equation(equation.lhs, whole_body(equation), accumulate=equation.accumulate)
        line = DerivedEquation((equation,), self.cost, style=self.derivation.style)
        row = row_of(line, "index")
        # In the order of the code, which may write another term first than the derivation does.
        sign = "="
        if equation.tensor in self.added_up:
            sign = ADDS if equation.tensor in self.written else STARTS
        self.written.add(equation.tensor)
        return Row(row.left, row.right, sign=sign)

    def _line(self, equation: Equation) -> DerivedEquation | None:
        """Return the line of the derivation that an equation of the code belongs to."""
        made: Equation | None = equation
        while made is not None:
            found = self.lines.get(_key(made.tensor))
            if found is not None:
                return found
            # What reversing made of an equation is no part of that equation.
            made = made.origin.source if made.origin.rule != "reverse" else None
        return None


def _is_seed(equation: Equation) -> bool:
    """Whether it is a derivative that is read off the cost itself."""
    read = {element.tensor.adjoint_of for element in equation.body.atoms(Element)}
    return equation.tensor.adjoint_of is not None and read <= {None}


def _key(tensor: Tensor) -> Key:
    """Return what tensors of a batch and of one example have in common."""
    source = tensor.adjoint_of
    return (tensor.name, False) if source is None else (source.name, True)


def _names(derivation: GradientEquations) -> dict[Tensor, str]:
    statements = derivation.named_statements
    return {line.tensor: s.name for s in statements for line in s.instances}


def _joined(passages: Sequence[kernels.Passage]) -> list[kernels.Passage]:
    """Join what prepares or finishes a passage with it."""
    joined: list[kernels.Passage] = []
    pending: kernels.Passage | None = None
    for passage in passages:
        if passage.joins == "previous" and joined and pending is None:
            last = joined[-1]
            joined[-1] = kernels.Passage(last.start, passage.end, last.equations)
        elif passage.joins == "next":
            pending = pending or passage
        else:
            start = passage.start if pending is None else pending.start
            joined.append(kernels.Passage(start, passage.end, passage.equations))
            pending = None
    if pending is not None:
        joined.append(kernels.Passage(pending.start, passages[-1].end, pending.equations))
    return joined
