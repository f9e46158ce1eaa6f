"""Derivation: what :func:`~.derive.derive` returns; each method is a module's one function.

It stands above the steps, the paths, the counts and the reports, so that none of them knows it.
"""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symbp.derivations.counting import counted_from
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.sheet import sheet_bundle, sheet_latex, sheet_text
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

    Examples
    --------
    >>> import symbp as bp
    >>> derivation = bp.derive(bp.mlp(4, 3, 2))
    >>> print(derivation.bp2.text())
    δˡ = ((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)
    """

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

    def steps(self) -> "Steps":
        """Return the derivation step by step, in the order of the sweep.

        For each adjoint: the equations in which its tensor stands, the chain rule, the local
        derivatives, the chain rule with these values, and the result.

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
        found = steps(self)
        return type(found)(replace(step, count_from=self.count_from) for step in found)

    def operation_counts(self) -> "OperationCounts":
        """Return the operations of reverse mode, forward mode and the enumeration of paths."""
        from symbp.derivations.comparison import operation_counts

        self._of_a_cost("operation_counts")
        return operation_counts(self)

    def latex(self, form: str = "matrix") -> str:
        """Return the whole derivation as one aligned block, without delimiters.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            Vectors and matrices, elements with their indices, or every entry by itself. An
            equation without a matrix form is printed with its indices.

        Raises
        ------
        SymbpError
            In component form, there are more than 500 entries.
        """
        with counted_from(self.count_from):
            return sheet_latex(self, form)

    def text(self, form: str = "matrix") -> str:
        """Return the whole derivation in Unicode for a terminal; parameters as for `latex`."""
        with counted_from(self.count_from):
            return sheet_text(self, form)

    def document(self, form: str = "matrix") -> str:
        """Return a LaTeX document of the derivation and its steps, which pdflatex compiles.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            As for :meth:`latex`. In component form every entry of the gradient is also written
            out; a network that is too large for it is printed in index form, which is said.

        Returns
        -------
        str
            It needs amsmath, amssymb and geometry. Long lines are broken.
        """
        from symbp.derivations.report.document import latex_document

        with counted_from(self.count_from):
            return latex_document(self, form)

    def markdown(self, form: str = "matrix", steps: bool = True) -> str:
        """Return the derivation in Markdown, its formulas between ``$$``.

        Parameters
        ----------
        form : {"matrix", "index", "component"}
            As for :meth:`document`.
        steps : bool, default True
            Whether the steps are part of it.
        """
        from symbp.derivations.report.markdown import markdown_report

        with counted_from(self.count_from):
            return markdown_report(self, form, steps)

    def html(self, path: str | os.PathLike[str] | None = None, form: str = "matrix") -> str:
        """Return, and write to a file, a report as one page of HTML.

        It holds everything that it needs: formulas are MathML, which browsers render by
        themselves, and there is no JavaScript. Beside the derivation it shows the generated code.

        Parameters
        ----------
        path : path, optional
            Where to write it; the file appears only when it is complete.
        form : {"matrix", "index", "component"}
            As for :meth:`document`.

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
            page = html_page(self, form)
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
