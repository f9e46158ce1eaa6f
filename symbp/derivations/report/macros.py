"""macros: a report without an author's macros, for readers that know no definitions."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from symbp.derivations.report.blocks import Section
from symbp.derivations.style import Style

__all__ = ["without_macros"]


def without_macros(sections: Iterable[Section], style: Style) -> list[Section]:
    """Return sections in whose formulas the macros of a style are put in."""
    if not style.macros:
        return list(sections)
    return [_expanded(section, style) for section in sections]


def _expanded(part: Any, style: Style) -> Any:
    if isinstance(part, str):
        return style.expanded(part)
    if isinstance(part, tuple):
        return tuple(_expanded(each, style) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        names = [field.name for field in fields(part)]
        return replace(part, **{name: _expanded(getattr(part, name), style) for name in names})
    return part
