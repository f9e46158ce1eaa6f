"""Names for the tensors that passes make: never one that the program has already."""

__all__ = ["fresh_name"]


def fresh_name(wanted: str, taken: set[str]) -> str:
    """Return a name that is not taken, the wanted one if possible, and note it as taken.

    Parameters
    ----------
    wanted : str
        For example ``"z1_adjoint"``.
    taken : set of str
        The names in use; the result is added.

    Examples
    --------
    >>> fresh_name("z_sum", {"z_sum"})
    'z_sum2'
    """
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}{count}"
    taken.add(name)
    return name
