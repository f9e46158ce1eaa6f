"""How indices print: by their names, or by others where two would print alike."""

from sympy.core.expr import Expr

from symbp.derivations.markup import Markup
from symbp.derivations.tensor_names import TensorNames
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["IndexNames", "Scope"]

Scope = dict[Index, str]

# Names for indices that would print like another one; l is the layer.
LETTERS = "ijkmpqrstuvabcdefgh"


class IndexNames(TensorNames):
    """Prints tensors, and names their indices apart.

    Parameters
    ----------
    style : Markup
        The language.
    cost : Tensor
        What is differentiated.
    renamed : bool
        Whether indices are called j, k, … whatever their names are.
    """

    def __init__(self, style: Markup, cost: Tensor, renamed: bool = False) -> None:
        super().__init__(style, cost)
        self.renamed = renamed
        self.symbols: set[str] = set()

    def note_symbols(self, *parts: Expr) -> None:
        """Note what tensors print as, so that no index is given the name of a gate i."""
        tensors = {element.tensor for part in parts for element in part.atoms(Element)}
        named = {tensor.adjoint_of or tensor for tensor in tensors}
        self.symbols = {self.style.tensor_name(tensor)[0] for tensor in named}

    def name(self, index: Index, scope: Scope) -> str:
        """Name an index so that it differs from those in scope, and remember it."""
        taken = {*scope.values(), *self.symbols}
        name = index.name
        if self.renamed:
            name = next((letter for letter in LETTERS[1:] if letter not in taken), f"{name}'")
        elif name in scope.values():
            after = LETTERS[LETTERS.find(name) + 1 :] + LETTERS
            name = next((letter for letter in after if letter not in taken), f"{name}'")
        scope[index] = name
        return self.style.name(name)
