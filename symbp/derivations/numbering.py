"""numbering: labels of equations, to refer to them: ``eq:bp1``, ``eq:z1``, ``eq:grad-W1``."""

import re
import unicodedata

from symbp.notation.tensor import Tensor

__all__ = ["EquationLabels", "key_of"]


def key_of(tensor: Tensor) -> str:
    """Return what the label of the equation that defines a tensor is made of.

    Examples
    --------
    >>> import symbp as bp
    >>> key_of(bp.tensor("z1"))
    'z1'
    """
    if tensor.adjoint_of is not None:
        return f"grad-{key_of(tensor.adjoint_of)}"
    if tensor.component_of is not None:
        whole, place = tensor.component_of
        return "-".join([key_of(whole), *(str(number + 1) for number in place)])
    return tensor.name


class EquationLabels:
    """Makes labels that TeX can read, each one once."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def of(self, key: str) -> str:
        """Return the label for a key, with a number if it is taken."""
        plain = unicodedata.normalize("NFKD", key)
        plain = re.sub(r"[^A-Za-z0-9:-]+", "-", plain).strip("-") or "equation"
        if re.fullmatch(r"BP\d", plain):
            plain = plain.lower()
        label, number = plain, 1
        while label in self.used:
            number += 1
            label = f"{plain}-{number}"
        self.used.add(label)
        return f"eq:{label}"
