"""One step of a derivation: what is said, and how it prints."""

from dataclasses import dataclass
from typing import Literal

from sympy.core.expr import Expr

from symbp.derivations.equations import DerivedEquation
from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.derivations.style import Style
from symbp.notation.tensor import Tensor

__all__ = ["Equality", "Formula", "Kind", "Step"]

Kind = Literal["equation", "chain rule", "local derivative", "substitution", "result", "statement"]


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


Formula = DerivedEquation | Equality


@dataclass(frozen=True, repr=False)
class Step:
    """One step of a derivation.

    Attributes
    ----------
    kind : str
        ``"equation"``: the equations that read the tensor; ``"chain rule"``: the rule applied to
        them, with local derivatives by name; ``"local derivative"``: what these are;
        ``"substitution"``: the rule with their values, or with what is known put in;
        ``"result"``; ``"statement"``: what the results of all layers have in common.
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
    simplified : bool
        Whether it is also simplified.
    """

    kind: Kind
    about: Tensor
    formulas: tuple[Formula, ...]
    cost: Tensor
    name: str = ""
    put_in: tuple[Tensor, ...] = ()
    simplified: bool = False

    @property
    def remark(self) -> str:
        """What is done here, in a sentence."""
        return self.explanation("text")

    def explanation(self, language: str) -> str:
        """Return what is done here, in a sentence; in LaTeX with formulas between dollars."""
        style = style_of(language)
        printer = IndexForm(style, self.cost)
        source = self.about.adjoint_of
        assert source is not None, "a step is about an adjoint"

        def formula(text: str) -> str:
            return f"${text}$" if language == "latex" else text

        name = formula(printer.tensor(source))
        cost = formula(printer.tensor(self.cost))
        if self.kind == "equation":
            many = len(self.formulas) > 1
            return f"{name} stands in the equation{'s' * many}"
        if self.kind == "chain rule":
            if source.adjoint_symbol is not None:
                partial = style.partial(printer.tensor(self.cost), printer.tensor(source))
                delta = formula(printer.tensor(self.about))
                return f"The chain rule, with {delta} for {formula(partial)}"
            return f"The chain rule: every way from {name} to {cost}"
        if self.kind == "local derivative":
            return "where, by differentiating " + (
                "that equation" if len(self.formulas) == 1 else "those equations"
            )
        if self.kind == "statement":
            return f"{self.name} in general"
        known = " and ".join(formula(printer.tensor(tensor)) for tensor in self.put_in)
        done = [f"with {known} put in"] if known else []
        done += ["simplified"] if self.simplified else []
        if self.kind == "substitution":
            return "With these values"
        sentence = f"This is {self.name}" if self.name else "Hence"
        return ", ".join([sentence, *done])

    def heading(self, language: str = "text") -> str:
        """Return what is derived, such as ``δ²`` or ``∂C/∂w²``."""
        return IndexForm(style_of(language), self.cost).tensor(self.about)

    def sides(self, form: str = "matrix", language: str = "latex") -> list[tuple[str, str]]:
        """Return the left and right side of each formula.

        Derivatives by name have indices in every form; so have steps in component form.
        """
        style = style_of(language)
        return [self._sides(formula, checked_form(form), style) for formula in self.formulas]

    def _sides(self, formula: Formula, form: str, style: Style) -> tuple[str, str]:
        if isinstance(formula, Equality):
            return IndexForm(style, self.cost).equality(formula.left, formula.right)
        if self.kind == "chain rule":
            form = "index"
        return equation_sides(formula, "matrix" if form == "matrix" else "index", style)

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
        return f"{self.remark}: {self.text()}"

    def __repr__(self) -> str:
        return f"<Step {self.kind}: {self.text()}>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"
