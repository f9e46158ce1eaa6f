"""What may stand on the left of an equation: plain indices, or sums of them that stay inside.

``u[n, 12*c + 4*h + w] = x[n, c, h, w]`` writes each of its values to the place that it names. Where
several meet, they add up, and where none comes, there is 0: so a picture is flattened, channels are
put in groups and values are spread apart.
"""

from symbp.notation.axes import swapped
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.tensor import Element
from symbp.notation.whole_numbers import span_of

__all__ = ["check_left_hand_side"]


def check_left_hand_side(lhs: Element) -> set[Index]:
    """Return the indices on the left; raise :class:`NotationError` for what cannot stand there.

    Parameters
    ----------
    lhs : Element
        What an equation defines.

    Raises
    ------
    NotationError
        An index used twice or of another extent than its axis; a subscript that is data, a
        number, or that can leave its axis; a sequential index with something added to it.
    """
    seen: set[Index] = set()
    for position, subscript in enumerate(lhs.args):
        extent = lhs.tensor.indices[position].extent
        if isinstance(subscript, Index):
            inside = [subscript]
            if subscript.extent != extent:
                raise NotationError(
                    f"{lhs}: index {subscript} has extent {subscript.extent}, axis {position} of "
                    f"{lhs.tensor.name} has {extent}{swapped(lhs)}"
                )
        else:
            inside = _affine(lhs, position)
        for index in inside:
            if index in seen:
                raise NotationError(f"{lhs}: index {index} is used twice on the left")
            seen.add(index)
    return seen


def _affine(lhs: Element, position: int) -> list[Index]:
    """Return the indices of a subscript that is more than an index, if it stays in its axis."""
    subscript, extent = lhs.args[position], lhs.tensor.indices[position].extent
    if subscript.atoms(Element) or not subscript.atoms(Index):
        raise NotationError(
            f"{lhs}: the left-hand side takes indices, or sums of them such as 4*i + j, not "
            f"{subscript}"
        )
    found = sorted(subscript.atoms(Index), key=lambda index: index.dummy_index)
    for index in found:
        if index.sequential:
            raise NotationError(
                f"{lhs}: {subscript}: time stands on the left by itself, as {index}; write the "
                f"equation for step {index} and read other steps on the right"
            )
    unknown = [index.extent for index in found if not isinstance(index.extent, int)]
    if unknown or not isinstance(extent, int):
        raise NotationError(
            f"{lhs}: {subscript}: an axis or index of extent {(*unknown, extent)[0]} takes plain "
            f"indices of that extent only"
        )
    span = span_of(subscript)
    if not span.is_within(0, extent - 1):
        raise NotationError(
            f"{lhs}: subscript {subscript} on the left runs from {span.low} to {span.high}, axis "
            f"{position} of {lhs.tensor.name} from 0 to {extent - 1}"
        )
    return found
