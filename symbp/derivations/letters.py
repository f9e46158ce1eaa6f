"""Which letter an index prints as, beside other indices and the symbols of tensors."""

from collections.abc import Set

from symbp.notation.index import Index

__all__ = ["letter_of"]

# Names for indices that would print like another one; l is the layer.
LETTERS = "ijkmpqrstuvabcdefgh"


def letter_of(index: Index, others: Set[str], symbols: Set[str], renamed: bool) -> str:
    """Return the letter of an index.

    Parameters
    ----------
    index : Index
        What is named.
    others : set of str
        The names of the indices in scope.
    symbols : set of str
        What tensors print as: no index is given such a letter, only one of its own name has it.
    renamed : bool
        Whether indices are called j, k, … whatever their names are.
    """
    taken, name = {*others, *symbols}, str(index.name)
    if renamed:
        return next((letter for letter in LETTERS[1:] if letter not in taken), f"{name}'")
    if name not in others:
        return name
    after = LETTERS[LETTERS.find(name) + 1 :] + LETTERS
    return next((letter for letter in after if letter not in taken), f"{name}'")
