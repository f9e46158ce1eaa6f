"""The derivation of a gradient: its equations, its named results, and how it prints."""

from dataclasses import dataclass
from functools import cached_property

from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.derivations.statements import is_named, statements
from symbp.notation.errors import NotationError, suggest
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
    gradients : tuple of (Tensor, Tensor)
        The adjoint of each parameter.

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
    gradients: tuple[tuple[Tensor, Tensor], ...]

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

    def latex(self, form: str = "matrix") -> str:
        """Return the whole derivation as one aligned block, without delimiters.

        Parameters
        ----------
        form : {"matrix", "index"}
            Vectors and matrices, or components. An equation without a matrix form is printed
            with its indices.
        """
        rows = []
        for section in self._sections(checked_form(form), "latex"):
            block = []
            for left, right, tag in section:
                block.append(f"{left} &= {right}" + (rf" && \text{{({tag})}}" if tag else ""))
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
                line = f"{left:>{width}} = {right}"
                # BP1 is a heading and stands in front; a remark follows.
                named = tag.startswith("BP")
                line = f"{tag if named else '':3}  {line}"
                lines.append(line if named or not tag else f"{line}   ({tag})")
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def __repr__(self) -> str:
        return f"<Derivation: {len(self.forward)} forward, {len(self.backward)} backward equations>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

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

        def row(line: DerivedEquation, tag: str = "", form: str = form) -> Row:
            return (*equation_sides(line, form, style), tag)

        remark = f"per example, averaged over {self._batch(language)}" if self.per_example else ""
        cost = self.program.cost
        sections = [[row(e, remark if e.tensor is cost else "") for e in self.forward]]
        printed: set[Tensor] = set()
        has_names = any(is_named(line.tensor) for line in self.backward)
        for statement in self._statements.values() if has_names else ():
            if not statement.instances:
                continue
            section = []
            if statement.general is not None:
                shown = statement.general_form if form == "matrix" else form
                section.append(row(statement.general, statement.name, shown))
            for line in statement.instances:
                printed.add(line.tensor)
                tag = "" if section else statement.name
                section.append(row(line, tag))
            sections.append(section)
        rest = [row(line) for line in self.backward if line.tensor not in printed]
        return [*sections, rest] if rest else sections
