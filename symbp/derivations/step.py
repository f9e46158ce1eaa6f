"""One step of a derivation: what is said, and how it prints."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sympy.core.expr import Expr

from symbp.derivations.counting import counted_from
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import words_of
from symbp.derivations.markup import Markup
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.display import chosen
from symbp.notation.functions import operation_of
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element, Tensor

__all__ = ["Equality", "Fact", "Formula", "Kind", "Step", "Steps"]

# What a notebook shows of a derivation.
MOST_STEPS = 60

Kind = Literal[
    "definition", "rewriting", "equation", "chain rule", "local derivative", "substitution",
    "result", "statement", "likewise",
]  # fmt: skip


@dataclass(frozen=True)
class Equality:
    """What a derivative that has a name is.

    Attributes
    ----------
    left : LocalDerivative
        Its name, ``∂z_j/∂a_k``.
    right : SymPy expression
        Its value.
    """

    left: Expr
    right: Expr


@dataclass(frozen=True)
class Fact:
    """Something that is used between the sum of the contributions and its final form.

    Attributes
    ----------
    kind : str
        ``"written out"``: a derivative by its rule; ``"sums to one"``: a target;
        ``"in terms of"``: a quantity stands for its formula; ``"simplified"``;
        ``"zero"``: a derivative on every way to the cost, so that nothing comes back.
    of : SymPy expression or None
        The derivative or the quantity.
    """

    kind: Literal["written out", "sums to one", "in terms of", "simplified", "zero"]
    of: Expr | None = None

    def sentence(self, printer: IndexForm, formula: Callable[[str], str]) -> str:
        """Return what is used, in words; ``formula`` marks what is mathematics."""
        name = ""
        if isinstance(self.of, Prime):
            record = operation_of(type(self.of.application))
            name = formula(printer.style.prime(printer.style.function(record), 0))
        elif isinstance(self.of, Element):
            name = formula(printer.tensor(self.of.tensor))
        return printer.style.words.say(f"fact.{self.kind}", of=name)


Formula = DerivedEquation | Equality


@dataclass(frozen=True, repr=False)
class Step:
    """One step of a derivation.

    Attributes
    ----------
    kind : str
        ``"definition"``: quantities that are introduced; ``"rewriting"``: what the logarithms of
        softmaxes are in terms of them; ``"equation"``: the equations that read the tensor;
        ``"chain rule"``: the rule applied to them, with local derivatives by name;
        ``"local derivative"``: what these are; ``"substitution"``: the rule with their values;
        ``"result"``; ``"likewise"``: results that come about as one before them did;
        ``"statement"``: what the results of all layers have in common.
    about : Tensor
        The adjoint that is derived.
    formulas : tuple of DerivedEquation or Equality
        What is said.
    cost : Tensor
        What is differentiated.
    name : str
        ``"BP1"`` to ``"BP4"`` for a result or statement that has a name, else empty.
    put_in : tuple of Tensor
        The adjoints whose formulas are put in.
    facts : tuple of Fact
        What else is used to get there.
    others : tuple of Tensor
        Further adjoints that it is about, likewise.
    count_from : {1, 0} or None
        What the first place of an axis is called; None as where it is printed.
    style : Style
        How it prints.
    """

    kind: Kind
    about: Tensor
    formulas: tuple[Formula, ...]
    cost: Tensor
    name: str = ""
    put_in: tuple[Tensor, ...] = ()
    facts: tuple[Fact, ...] = ()
    others: tuple[Tensor, ...] = ()
    count_from: int | None = None
    style: Style = NIELSEN

    @property
    def remark(self) -> str:
        """What is done here, in a sentence."""
        return self.explanation("text")

    def explanation(self, language: str) -> str:
        """Return what is done here, in a sentence; in LaTeX with formulas between dollars."""
        style = style_of(language, self.style)
        words = style.words
        printer = IndexForm(style, self.cost)
        source = self.about.adjoint_of
        assert source is not None, "a step is about an adjoint"

        def formula(text: str) -> str:
            return f"${text}$" if language == "latex" else text

        name = formula(printer.tensor(source))
        cost = formula(printer.tensor(self.cost))
        if self.kind == "definition":
            return words.say("step.definition")
        if self.kind == "rewriting":
            return words.say("step.rewriting")
        if self.kind == "equation":
            return words.count("step.equation", len(self.formulas), name=name)
        if self.kind == "chain rule":
            if style.has_symbol(source):
                partial = style.partial(printer.tensor(self.cost), printer.tensor(source))
                delta = formula(printer.tensor(self.about))
                return words.say("step.chain.delta", delta=delta, partial=formula(partial))
            return words.say("step.chain", name=name, cost=cost)
        if self.kind == "local derivative":
            return words.count("step.local", len(self.formulas), name=name)
        if self.kind == "likewise":
            return words.say("step.likewise")
        if self.kind == "statement":
            return words.say("step.statement", name=self.name)
        if self.facts and self.facts[0].kind == "zero":
            return words.say("step.zero", name=name, cost=cost)
        known = words.listed([formula(printer.tensor(tensor)) for tensor in self.put_in])
        done = [words.say("step.put in", known=known)] if known else []
        done += [fact.sentence(printer, formula) for fact in self.facts]
        if self.kind == "substitution":
            return words.say("step.substitution")
        sentence = (
            words.say("step.named", name=self.name) if self.name else words.say("step.result")
        )
        return words.say("list.clause").join([sentence, *done])

    def heading(self, language: str = "text") -> str:
        """Return what is derived, such as ``δ²`` or ``∂C/∂w²``."""
        printer = IndexForm(style_of(language, self.style), self.cost)
        return (
            words_of(self.style.language)
            .say("list.comma")
            .join(printer.tensor(tensor) for tensor in (self.about, *self.others))
        )

    def sides(self, form: str = "matrix", language: str = "latex") -> list[tuple[str, str]]:
        """Return the left and right side of each formula.

        Derivatives by name have indices in every form; so have steps in component form.
        """
        style = style_of(language, self.style)
        with counted_from(self.count_from):
            return [self._sides(formula, checked_form(form), style) for formula in self.formulas]

    def _sides(self, formula: Formula, form: str, style: Markup) -> tuple[str, str]:
        if isinstance(formula, Equality):
            return IndexForm(style, self.cost).equality(formula.left, formula.right)
        if self.kind == "chain rule":
            form = "index"
        return equation_sides(formula, "matrix" if form == "matrix" else "index", style)

    def flat(self, form: str = "matrix") -> list[str]:
        """Return the formulas as LaTeX for a line of text."""
        return [" = ".join(sides) for sides in self.sides(form, "latex")]

    def latex(self, form: str = "matrix") -> str:
        """Return LaTeX without delimiters; several formulas are aligned."""
        rows = self.sides(form, "latex")
        if len(rows) == 1:
            return " = ".join(rows[0])
        body = " \\\\\n".join(f"{left} &= {right}" for left, right in rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def text(self, form: str = "matrix") -> str:
        """Return the formulas in Unicode, one a line."""
        return "\n".join(" = ".join(sides) for sides in self.sides(form, "text"))

    def __str__(self) -> str:
        return f"{self.remark}{self.colon} {self.text()}"

    @property
    def colon(self) -> str:
        """What ends an explanation."""
        return words_of(self.style.language).say("colon")

    def __repr__(self) -> str:
        return f"<Step {self.kind}: {self.text()}>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


class Steps(tuple[Step, ...]):
    """The steps of a derivation, in order: a tuple that prints as a text to read.

    Examples
    --------
    >>> import symbp as bp
    >>> x, f = bp.parameter("x"), bp.tensor("f")
    >>> print(bp.derive(bp.Program([bp.Equation(f, x**2)], cost=f)).steps())
    ∂f/∂x
    ─────
    x appears in the equation:
        f = x²
    Hence:
        ∂f/∂x = 2 x
    """

    def text(self, form: str = "matrix") -> str:
        """Return the steps in Unicode, under a heading for each derivative.

        Parameters
        ----------
        form : {"matrix", "index"}
            In component form, too, a step is said for all entries at once.
        """
        blocks: list[list[str]] = []
        about = None
        for step in self:
            if step.about is not about:
                about = step.about
                blocks.append([step.heading(), "─" * len(step.heading())])
            blocks[-1].append(f"{step.remark}{step.colon}")
            blocks[-1] += [f"    {line}" for line in step.text(form).split("\n")]
        return "\n\n".join("\n".join(block) for block in blocks)

    def latex(self, form: str = "matrix") -> str:
        """Return the steps as LaTeX text with displayed formulas; parameters as for `text`."""
        lines: list[str] = []
        about = None
        for step in self:
            if step.about is not about:
                about = step.about
                lines.append(rf"\paragraph{{${step.heading('latex')}$}}")
            lines += [f"{step.explanation('latex')}{step.colon}", rf"\[ {step.latex(form)} \]"]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        left_out = len(self) - MOST_STEPS
        note = (
            f"… {left_out} more steps; print(derivation.steps()) shows all" if left_out > 0 else ""
        )
        shown = Steps(self[:MOST_STEPS])
        bundle = {
            "text/plain": "\n\n".join(filter(None, (shown.text(), note))),
            "text/markdown": "\n\n".join(
                [f"{s.explanation('latex')}{s.colon}\n\n$$ {s.latex()} $$" for s in shown] + [note]
            ),
        }
        return chosen(bundle, include, exclude)
