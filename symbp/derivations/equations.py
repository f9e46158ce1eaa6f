"""Derived equations and named statements: what a derivation is made of."""

from dataclasses import dataclass
from typing import Any

from symbp.derivations.components import spread
from symbp.derivations.counting import counted_from
from symbp.derivations.display import line_bundle
from symbp.derivations.languages import words_of
from symbp.derivations.line import Line
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.display import chosen

__all__ = ["DerivedEquation", "Statement"]


@dataclass(frozen=True, repr=False)
class DerivedEquation(Line):
    """One line of a derivation: an equation, and where it comes from.

    Attributes
    ----------
    equations : tuple of Equation
        What the line says: one equation, or several that add to one tensor when an index is
        shifted or read from data (a scatter). After
        :func:`symbp.calculus.normalise.normalise` the interpreter evaluates them.
    cost : Tensor
        What is differentiated: the ``C`` of ``∂C/∂w``.
    sources : tuple of Equation
        The equations that the rule gave and that this line puts together, each with its origin.
    general : bool
        Whether it stands for every layer, its labels being ``l``, ``l+1``, …, ``L``.
    renamed : bool
        Whether indices print as j, k, … whatever they are called.
    count_from : {1, 0} or None
        What the first place of an axis is called; None as where it is printed.
    """

    def latex(self, form: str = "matrix") -> str:
        """Return LaTeX without delimiters; without a matrix form, the index form.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            Vectors and matrices, elements with their indices, or a line for each entry.
        """
        style = style_of("latex", self.style)
        with counted_from(self.count_from):
            rows = [equation_sides(line, form, style) for line in self._lines(form)]
        if len(rows) == 1:
            return " = ".join(rows[0])
        body = " \\\\\n".join(f"{left} &= {right}" for left, right in rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def text(self, form: str = "matrix") -> str:
        """Return the equation in Unicode, for a terminal; parameters as for :meth:`latex`."""
        style = style_of("text", self.style)
        with counted_from(self.count_from):
            return "\n".join(
                " = ".join(equation_sides(line, form, style)) for line in self._lines(form)
            )

    def _lines(self, form: str) -> list["DerivedEquation"]:
        """Return the equations to print: one for each entry, where the form asks for that."""
        if checked_form(form) != "component" or self.general:
            return [self]
        (lines,) = spread([self]).values()
        return lines

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        with counted_from(self.count_from):
            return line_bundle(self, include, exclude)

    def __repr__(self) -> str:
        return f"<DerivedEquation: {self.text()}>"

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Statement:
    """A named result: how it reads for every layer, and for each layer of the program.

    Attributes
    ----------
    name : str
        For example ``"BP1"``.
    general : DerivedEquation or None
        What all instances say when layers are counted from their own; None if they differ.
    instances : tuple of DerivedEquation
        One for each layer that it applies to, in the order of the backward sweep.
    style : Style
        How it prints.
    """

    name: str
    general: DerivedEquation | None
    instances: tuple[DerivedEquation, ...]
    style: Style = NIELSEN

    def latex(self, form: str = "matrix") -> str:
        """Return the general statement, or the first instance if there is none."""
        line = self._line()
        if line is None:
            return style_of("latex", self.style).remark(self._no_layer)
        return line.latex(form)

    def text(self, form: str = "matrix") -> str:
        """Return the general statement in Unicode, or the first instance if there is none."""
        line = self._line()
        return self._no_layer if line is None else line.text(form)

    @property
    def _no_layer(self) -> str:
        """What a statement without instances says, such as BP2 of a network of one layer."""
        return words_of(self.style.language).say("statement.none")

    def _line(self) -> DerivedEquation | None:
        return self.general or next(iter(self.instances), None)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if self.general is None and not self.instances:
            return chosen({"text/plain": f"{self.name}: {self._no_layer}"}, include, exclude)
        bundle = line_bundle(self.general or self.instances[0], None, None)
        bundle["text/plain"] = f"{self.name}: {bundle['text/plain']}"
        return chosen(bundle, include, exclude)

    def __str__(self) -> str:
        return f"{self.name}: {self.text()}"
