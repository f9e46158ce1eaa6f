"""Both sides of a derived equation, in a form and a language."""

from collections.abc import Callable
from functools import lru_cache

from symbp.derivations.index_form import IndexForm
from symbp.derivations.latex import Latex
from symbp.derivations.layouts import laid_out
from symbp.derivations.line import Line
from symbp.derivations.markup import Markup
from symbp.derivations.matrix_form import matrix_form
from symbp.derivations.matrix_printer import MatrixForm
from symbp.derivations.style import NIELSEN, Style
from symbp.derivations.text import Text
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.tensor import Element

__all__ = ["FORMS", "checked_form", "equation_sides", "style_of"]

FORMS = ("matrix", "index", "component")
_MARKUPS: dict[str, Callable[[Style], Markup]] = {"latex": Latex, "text": Text}


@lru_cache(maxsize=64)
def style_of(name: str, book: Style = NIELSEN) -> Markup:
    """Return a language by its name, ``"latex"`` or ``"text"``, as a book prints it."""
    return _MARKUPS[name](book)


def checked_form(form: object) -> str:
    """Return a form's name; raise :class:`SymbpError` naming the known ones for any other."""
    if form not in FORMS:
        raise SymbpError(f"form {form!r}: {suggest(str(form), FORMS)}")
    return str(form)


def equation_sides(derived: Line, form: str, style: Markup) -> tuple[str, str]:
    """Return the left and the right side; in index form where there is no matrix form.

    Components are scalars, for which the forms are one.
    """
    if checked_form(form) == "matrix" and len(derived.equations) == 1 and not _scalar(derived):
        equation = derived.equations[0]
        lhs = derived.lhs
        tree = None
        if not equation.is_scatter and lhs.tensor.rank <= 2:
            tree = matrix_form(equation.body, lhs.args)
        if tree is not None:
            printer = MatrixForm(style, derived.cost, derived.general)
            tree = laid_out(lhs.tensor, tree, style)
            return IndexForm(style, derived.cost).tensor(lhs.tensor), printer.show(tree)[0]
    return IndexForm(style, derived.cost, derived.renamed).sides(derived.lhs, derived.equations)


def _scalar(derived: Line) -> bool:
    """Whether an equation is one of components: its tensors are elements of others."""
    (equation,) = derived.equations
    tensors = [equation.tensor, *(element.tensor for element in equation.body.atoms(Element))]
    return any(tensor.component_of is not None for tensor in tensors)
