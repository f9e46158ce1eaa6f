"""tables: numbers as constants of a translation unit, which a small machine keeps in flash."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Tensor
from symbp.targets.c.expressions import literal
from symbp.targets.c.places import Field, Struct

__all__ = ["constants"]


def constants(
    struct: Struct, values: Mapping[Tensor, NDArray[Any]], prefix: str, dtype: str
) -> str:
    """Return the definition of a struct of constant parameters.

    Parameters
    ----------
    struct : Struct
        Has a field for each parameter, in their order.
    values : mapping of Tensor to ndarray
        The numbers of each parameter, in the same order.
    prefix : str
        What names of the unit start with.
    dtype : {"float32", "float64"}
        The precision in which they are written.
    """
    lines = ["/* The parameters, as they were trained. */", "static const struct {"]
    for field in struct.fields:
        size = "".join(f"[{extent}]" for extent in [_count(field)] if field.shape)
        lines.append(f"    real {field.name}{size};")
    lines.append(f"}} {prefix}_trained = {{")
    for field, (tensor, array) in zip(struct.fields, values.items(), strict=True):
        numbers = np.asarray(array, dtype=dtype)
        if not np.isfinite(numbers).all():
            raise SymbpError(f"parameter {tensor.name}: expected finite numbers of {dtype}")
        texts = [literal(number, dtype) for number in numbers.ravel()]
        if not field.shape:
            lines.append(f"    {texts[0]},")
            continue
        body = textwrap.fill(
            ", ".join(texts), 96, initial_indent=" " * 8, subsequent_indent=" " * 8
        )
        lines += ["    {", body, "    },"]
    return "\n".join([*lines, "};", ""])


def _count(field: Field) -> int:
    size = 1
    for extent in field.shape:
        size *= int(extent)
    return size
