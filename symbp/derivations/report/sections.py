"""sections: parts of the HTML report that other packages make.

Derivations know nothing of the code generator; what does (:mod:`symbp.listing.code_listing`) is
registered here by :mod:`symbp.api`, and stands after the derivation in the order of registration.
"""

from collections.abc import Callable, Iterable

from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.languages import words_of
from symbp.derivations.report.blocks import Block, Section

__all__ = ["further_sections", "register"]

Make = Callable[[GradientEquations], Iterable[Block]]

_registered: dict[str, Make] = {}


def register(title: str, make: Make) -> None:
    """Add a section to HTML reports.

    Parameters
    ----------
    title : str
        Its heading; a second section with the same title takes the first one's place.
    make : callable
        Maps a derivation to the section's blocks; without blocks the section is left out.
    """
    _registered[title] = make


def further_sections(derivation: GradientEquations) -> list[Section]:
    """Return the registered sections for a derivation."""
    words = words_of(derivation.style.language)
    made = [(title, tuple(make(derivation))) for title, make in _registered.items()]
    return [
        Section(words.note(title), blocks, anchor=title.lower().replace(" ", "-"))
        for title, blocks in made
        if blocks
    ]
