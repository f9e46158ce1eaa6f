"""The derivation of a gradient: its equations, its named results, and how it prints."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symbp.derivations.comparison import OperationCounts, operation_counts
from symbp.derivations.components import entry, spread
from symbp.derivations.display import derivation_bundle
from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.paths import PathSum, paths
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.derivations.rules import FunctionRule, rules
from symbp.derivations.statements import is_named, statements
from symbp.derivations.step import Steps
from symbp.derivations.steps import steps
from symbp.notation.errors import NotationError, suggest
from symbp.notation.files import write_text
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["Derivation"]

Row = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Derivation:
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

    Examples
    --------
    >>> import symbp as bp
    >>> derivation = bp.derive(bp.mlp(4, 3, 2))
    >>> print(derivation.bp2.text())
    δˡ = ((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)
    """

    program: Program
    per_example: bool
    forward: tuple[DerivedEquation, ...]
    backward: tuple[DerivedEquation, ...]
    chains: tuple[DerivedEquation, ...]
    links: tuple[DerivedEquation, ...]
    differentiated: Program
    gradients: tuple[tuple[Tensor, Tensor], ...]
    conventions: tuple[str, ...] = ()

    @property
    def bp1(self) -> Statement:
        r"""The error of the output layer: ``δ^L = ∇_a C ⊙ σ'(z^L)``."""
        return self._statements["BP1"]

    @property
    def bp2(self) -> Statement:
        """The error of a hidden layer from that of the next."""
        return self._statements["BP2"]

    @property
    def bp3(self) -> Statement:
        """The gradient of biases: parameters that stand alone in a pre-activation."""
        return self._statements["BP3"]

    @property
    def bp4(self) -> Statement:
        """The gradient of weights: parameters that stand in a product."""
        return self._statements["BP4"]

    def gradient(self, tensor: Tensor | str) -> DerivedEquation:
        """Return the equation of ∂C/∂tensor.

        Parameters
        ----------
        tensor : Tensor or str
            A parameter or its name.

        Raises
        ------
        NotationError
            It is no parameter of the program.
        """
        if isinstance(tensor, Element):
            tensor = tensor.tensor
        name = tensor if isinstance(tensor, str) else getattr(tensor, "name", repr(tensor))
        for parameter, adjoint in self.gradients:
            if parameter is tensor or parameter.name == name:
                return next(line for line in self.backward if line.tensor is adjoint)
        known = [parameter.name for parameter, _ in self.gradients]
        raise NotationError(f"no parameter {name!r}: {suggest(name, known)}")

    def entry(
        self, tensor: Tensor | str | Element, *place: int, expanded: bool = False
    ) -> DerivedEquation:
        """Return the formula of one entry of the gradient, written out.

        Parameters
        ----------
        tensor : Tensor or str or Element
            A parameter or any tensor between it and the cost, its name, or an element of it.
        *place : int
            Which entry, counted from 0 as in Python; it prints counted from 1. None for an
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
        return entry(self, tensor, place, expanded)

    def paths(self, tensor: Tensor | str | Element, *place: int, limit: int = 64) -> PathSum:
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
        return paths(self, tensor, place, limit)

    @cached_property
    def rules(self) -> tuple[FunctionRule, ...]:
        """The derivatives of the functions that are named, with the conventions at kinks."""
        return rules(self.forward, (*self.backward, *self.chains), self.conventions)

    def steps(self) -> Steps:
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
        named = any(is_named(line.tensor) for line in self.backward)
        return steps(self, self._statements.values() if named else ())

    @cached_property
    def printed_program(self) -> Program:
        """Exactly the equations that are printed, as a program.

        Returns
        -------
        Program
            After :func:`~symbp.calculus.normalise.normalise` the interpreter evaluates it. If
            :attr:`per_example` holds, it is the program of one example.
        """
        lines = (*self.forward, *self.backward)
        equations = tuple(equation for line in lines for equation in line.equations)
        return Program(equations, self.program.cost, gradients=self.gradients, derived=True)

    def operation_counts(self) -> OperationCounts:
        """Return the operations of reverse mode, forward mode and the enumeration of paths."""
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
        rows = []
        for section in self._sections(checked_form(form), "latex"):
            block = []
            for left, right, tag in section:
                sides = f"{left} &= {right}" if left else rf"&\phantom{{=}}\; {right}"
                block.append(sides + (rf" && \text{{({tag})}}" if tag else ""))
            rows.append(" \\\\\n".join(block))
        body = " \\\\[1.2ex]\n".join(rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def text(self, form: str = "matrix") -> str:
        """Return the whole derivation in Unicode for a terminal; parameters as for `latex`."""
        sections = list(self._sections(checked_form(form), "text"))
        width = max(len(left) for section in sections for left, _, _ in section)
        blocks = []
        for section in sections:
            lines = []
            for left, right, tag in section:
                line = f"{left:>{width}} {'=' if left else ' '} {right}"
                # BP1 is a heading and stands in front; a remark follows.
                named = tag.startswith("BP")
                line = f"{tag if named else '':3}  {line}"
                lines.append(line if named or not tag else f"{line}   ({tag})")
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

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

        page = html_page(self, form)
        if path is not None:
            write_text(path, page)
        return page

    def __repr__(self) -> str:
        return f"<Derivation: {len(self.forward)} forward, {len(self.backward)} backward equations>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return derivation_bundle(self, include, exclude)

    def __str__(self) -> str:
        return self.text()

    @cached_property
    def _statements(self) -> dict[str, Statement]:
        forward = [line.equations[0] for line in self.forward]
        return statements(forward, self.backward, self.chains)

    def _batch(self, language: str) -> str:
        name = style_of(language).name(str(self.program.batch))
        return f"${name}$" if language == "latex" else name

    def _sections(self, form: str, language: str) -> list[list[Row]]:
        """Return the rows to print: left side, right side and tag."""
        style = style_of(language)

        lines = (*self.forward, *self.backward)
        entries = spread(lines) if form == "component" else {line.tensor: [line] for line in lines}

        def row(line: DerivedEquation, tag: str = "", form: str = form) -> Row:
            return (*equation_sides(line, form, style), tag)

        def rows(line: DerivedEquation, tag: str = "") -> list[Row]:
            first, *others = entries[line.tensor]
            return [row(first, tag), *map(row, others)]

        remark = f"per example, averaged over {self._batch(language)}" if self.per_example else ""
        cost = self.program.cost
        sections = [[r for e in self.forward for r in rows(e, remark if e.tensor is cost else "")]]
        printed: set[Tensor] = set()
        has_names = any(is_named(line.tensor) for line in self.backward)
        for statement in self._statements.values() if has_names else ():
            if not statement.instances:
                continue
            section: list[Row] = []
            if statement.general is not None:
                shown = "index" if form == "index" else statement.general_form
                section.append(row(statement.general, statement.name, shown))
            for line in statement.instances:
                printed.add(line.tensor)
                section += rows(line, "" if section else statement.name)
            sections.append(section)
        rest = [r for line in self.backward if line.tensor not in printed for r in rows(line)]
        given = [(*rule.sides(language), rule.remark(language)) for rule in self.rules]
        return [section for section in (*sections, rest, given) if section]
