"""Derivation: what :func:`~.derive.derive` returns; each method is a module's one function.

It stands above the steps, the paths, the counts and the reports, so that none of them knows it.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symbp.derivations.counting import counted_from
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.sheet import sheet_bundle, sheet_latex, sheet_text
from symbp.derivations.style import Style, chosen_style
from symbp.derivations.styled import styled
from symbp.notation.errors import UnsupportedError
from symbp.notation.files import write_text
from symbp.notation.tensor import Element, Tensor

# What most derivations are printed without is imported where it is asked for: reports and
# drawings take as long to import as a network takes to derive and print.
if TYPE_CHECKING:
    from symbp.derivations.comparison import OperationCounts
    from symbp.derivations.paths import PathSum
    from symbp.derivations.step import Steps

__all__ = ["Derivation"]


class Derivation(GradientEquations):
    r"""The forward equations of a program and the equations of its gradient.

    Attributes
    ----------
    program : Program
        What was differentiated.
    per_example : bool
        Whether the equations are those of one example; cost and gradients are then means over
        the batch.
    forward, backward : tuple of DerivedEquation
        In the order in which they are computed.
    chains : tuple of DerivedEquation
        The backward equations as the chain rule gives them, before anything is put in.
    links : tuple of DerivedEquation
        The same, each simplified by itself: one for each adjoint, linear in those it reads.
    differentiated : Program
        The normalised equations and what the rule made of them, each with its origin.
    gradients : tuple of (Tensor, Tensor)
        The adjoint of each parameter.
    conventions : tuple of str
        What holds by convention at singular points of powers, norms and guarded products.
    of : Tensor or None
        What was differentiated, where that is not the cost: the gradients are then Jacobians.
    count_from : {1, 0}
        What the first place of an axis is called in all that is printed.
    style : Style
        How it prints: the book whose notation is followed, and the language of the words.

    Examples
    --------
    >>> import symbp as bp
    >>> derivation = bp.derive(bp.mlp(4, 3, 2))
    >>> print(derivation.bp2.text())
    δˡ = ((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)
    """

    def styled(
        self,
        style: Style | str | None = None,
        language: str | None = None,
        *,
        preamble: str | None = None,
        macros: Mapping[str, str] | None = None,
        numbered: bool | None = None,
    ) -> "Derivation":
        r"""Return the same derivation as another book prints it.

        Parameters
        ----------
        style : Style or str, optional
            ``"nielsen"``, ``"goodfellow"``, ``"bishop"``, ``"petersen"``, or a style of your own.
        language : {"en", "zh"}, optional
            In which language the words are.
        preamble, macros, numbered : optional
            As in :class:`Style`, instead of the style's.

        Returns
        -------
        Derivation
            Its equations, statements, steps and reports print in that style. Where two tensors
            would print alike in it, it keeps the letters that were given.

        Raises
        ------
        SymbpError
            There is no such style or language.

        Examples
        --------
        >>> import symbp as bp
        >>> print(bp.derive(bp.mlp(2, 3, 1)).styled("goodfellow").bp2)
        BP2: ∇_{𝒂⁽ˡ⁾} J = ((𝑾⁽ˡ⁺¹⁾)ᵀ ∇_{𝒂⁽ˡ⁺¹⁾} J) ⊙ σ′(𝒂⁽ˡ⁾)
        """
        found = chosen_style(
            style, language, self.style, preamble=preamble, macros=macros, numbered=numbered
        )
        return styled(self, found)

    def entry(
        self, tensor: Tensor | str | Element, *place: int, expanded: bool = False
    ) -> DerivedEquation:
        """Return the formula of one entry of the gradient, written out.

        Parameters
        ----------
        tensor : Tensor or str or Element
            A parameter or any tensor between it and the cost, its name, or an element of it.
        *place : int
            Which entry, counted from 0 as in Python; it prints as all places do. None for an
            element.
        expanded : bool, default False
            Whether the formulas of the adjoints are put in, until only symbols of the forward
            pass are left; else it stops at δ.

        Raises
        ------
        NotationError
            There is no such tensor or place.
        SymbpError
            A size is known at run time only, or the expanded formula is too long to read.

        Examples
        --------
        >>> import symbp as bp
        >>> derivation = bp.derive(bp.mlp(1, 2, 1))
        >>> print(derivation.entry("W1", 1, 0))
        ∂C/∂w²₂₁ = a¹₁ δ²₂
        >>> print(derivation.entry("W1", 1, 0, expanded=True))
        ∂C/∂w²₂₁ = a¹₁ w³₁₂ (a³₁ - y₁) σ′(z²₂) σ′(z³₁)
        """
        from symbp.derivations.entry import entry

        self._of_a_cost("entry")
        return entry(self, tensor, place, expanded)

    def paths(self, tensor: Tensor | str | Element, *place: int, limit: int = 64) -> "PathSum":
        """Return one entry of the gradient as the sum over all paths from the cost.

        Parameters
        ----------
        tensor, *place
            As for :meth:`entry`.
        limit : int, default 64
            How many paths are written out at the most; they are counted first.

        Examples
        --------
        >>> import symbp as bp
        >>> print(bp.derive(bp.mlp(784, 1000, 1000, 10)).paths("W1", 0, 0))
        ∂C/∂w²_{1,1} = a sum over 10,000 paths, more than the limit of 64: not written out
        """
        from symbp.derivations.paths import paths

        self._of_a_cost("paths")
        return replace(paths(self, tensor, place, limit), count_from=self.count_from)

    def steps(self, style: Style | str | None = None, language: str | None = None) -> "Steps":
        """Return the derivation step by step, in the order of the sweep.

        For each adjoint: the equations in which its tensor appears, the chain rule, the local
        derivatives, the chain rule with these values, and the result.

        Parameters
        ----------
        style, language : optional
            As for :meth:`latex`.

        Examples
        --------
        >>> import symbp as bp
        >>> for step in bp.derive(bp.mlp(2, 1)).steps()[2:6]:
        ...     print(step.kind, "|", step.text("index"))
        equation | a²ⱼ = σ(z²ⱼ)
        chain rule | δ²ⱼ = ∂C/∂a²ⱼ · ∂a²ⱼ/∂z²ⱼ
        local derivative | ∂a²ⱼ/∂z²ⱼ = σ′(z²ⱼ)
        substitution | δ²ⱼ = ∂C/∂a²ⱼ · σ′(z²ⱼ)
        """
        from symbp.derivations.steps import steps

        self._of_a_cost("steps")
        found = steps(self.styled(style, language))
        return type(found)(replace(step, count_from=self.count_from) for step in found)

        self._of_a_cost("steps")
        found = steps(self)
        return type(found)(replace(step, count_from=self.count_from) for step in found)

    def operation_counts(self) -> "OperationCounts":
        """Return the operations of reverse mode, forward mode and the enumeration of paths."""
        from symbp.derivations.comparison import operation_counts

        self._of_a_cost("operation_counts")
        return operation_counts(self)

    def latex(
        self,
        form: str = "matrix",
        style: Style | str | None = None,
        language: str | None = None,
        numbered: bool | None = None,
    ) -> str:
        r"""Return the whole derivation as one aligned block, without delimiters.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            Vectors and matrices, elements with their indices, or every entry by itself. An
            equation without a matrix form is printed with its indices.
        style : Style or str, optional
            The book whose notation is followed, as for :meth:`styled`.
        language : str, optional
            The language of the few words.
        numbered : bool, optional
            Whether it is an ``align`` of its own, with numbers and labels: ``\label{eq:bp1}``,
            ``\label{eq:z1}`` and ``\label{eq:grad-W1}`` by the tensors' names.

        Raises
        ------
        SymbpError
            In component form, there are more than 500 entries.
        """
        with counted_from(self.count_from):
            return sheet_latex(self.styled(style, language, numbered=numbered), form)

    def text(
        self,
        form: str = "matrix",
        style: Style | str | None = None,
        language: str | None = None,
    ) -> str:
        """Return the whole derivation in Unicode for a terminal; parameters as for `latex`."""
        with counted_from(self.count_from):
            return sheet_text(self.styled(style, language), form)

    def document(
        self,
        form: str = "matrix",
        style: Style | str | None = None,
        language: str | None = None,
        preamble: str | None = None,
        macros: Mapping[str, str] | None = None,
        numbered: bool | None = None,
    ) -> str:
        r"""Return a LaTeX document of the derivation and its steps.

        pdflatex and lualatex compile it; one in Chinese, lualatex and xelatex.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            As for :meth:`latex`. In component form every entry of the gradient is also written
            out; a network that is too large for it is printed in index form, which is said.
        style, language, numbered : optional
            As for :meth:`latex`.
        preamble : str, optional
            LaTeX for the head of the document.
        macros : dict of str to str, optional
            Macros to define there, such as ``{"vect": r"\mathbf{#1}"}``.

        Returns
        -------
        str
            It needs amsmath, amssymb and geometry, and ctex in Chinese. Long lines are broken.
        """
        from symbp.derivations.report.document import latex_document

        found = self.styled(style, language, preamble=preamble, macros=macros, numbered=numbered)
        with counted_from(self.count_from):
            return latex_document(found, form)

    def markdown(
        self,
        form: str = "matrix",
        steps: bool = True,
        style: Style | str | None = None,
        language: str | None = None,
    ) -> str:
        """Return the derivation in Markdown, its formulas between ``$$``.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            As for :meth:`document`.
        steps : bool, default True
            Whether the steps are part of it.
        style, language : optional
            As for :meth:`latex`.
        """
        from symbp.derivations.report.markdown import markdown_report

        with counted_from(self.count_from):
            return markdown_report(self.styled(style, language), form, steps)

    def html(
        self,
        path: str | os.PathLike[str] | None = None,
        form: str = "matrix",
        style: Style | str | None = None,
        language: str | None = None,
    ) -> str:
        """Return, and write to a file, a report as one page of HTML.

        It holds everything that it needs: formulas are MathML, which browsers render by
        themselves, and there is no JavaScript. Beside the derivation it shows the generated code.

        Parameters
        ----------
        path : path, optional
            Where to write it; the file appears only when it is complete.
        form : {"matrix", "index", "component"}
            As for :meth:`document`.
        style, language : optional
            As for :meth:`latex`.

        Returns
        -------
        str
            The page.

        Examples
        --------
        >>> import symbp as bp
        >>> page = bp.derive(bp.mlp(2, 3, 1)).html()
        >>> page.count("<math") > 100
        True
        """
        from symbp.derivations.report.page import html_page

        with counted_from(self.count_from):
            page = html_page(self.styled(style, language), form)
        if path is not None:
            write_text(path, page)
        return page

    def _of_a_cost(self, method: str) -> None:
        if self.of is not None:
            raise UnsupportedError(
                f"{method}: this derivation is of {self.of.name}, which is not the cost; its "
                f"equations are in .forward, .backward and .gradient(name)"
            )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        with counted_from(self.count_from):
            return sheet_bundle(self, include, exclude)

    def __str__(self) -> str:
        return self.text()
