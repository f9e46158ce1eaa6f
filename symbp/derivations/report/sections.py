"""sections: parts of the HTML report that other packages make.

Derivations know nothing of the code generator; what does (:mod:`symbp.training.listing`) is
registered here by :mod:`symbp.api`, and stands after the derivation in the order of registration.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from symbp.derivations.report.blocks import Block, Section

if TYPE_CHECKING:
    from symbp.derivations.derivation import Derivation

__all__ = ["further_sections", "register"]

Make = Callable[["Derivation"], Iterable[Block]]

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


def further_sections(derivation: "Derivation") -> list[Section]:
    """Return the registered sections for a derivation."""
    made = [(title, tuple(make(derivation))) for title, make in _registered.items()]
    return [Section(title, blocks) for title, blocks in made if blocks]
