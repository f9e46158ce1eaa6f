"""Draw mutants at random: which file, which operator and which place is the generator's choice.

A file is drawn with the number of its lines as weight. Then, with equal chances, an operator of
cosmic-ray or one of this field's own (:mod:`tests.mutation.domain`), among those that find a place
in the file; then one of its places. cosmic-ray has a class for each pair of exchanged operators:
a kind (all exchanges of binary operators, say) is drawn first.
"""

import ast
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

from tests.mutation.domain import replacements
from tests.mutation.positions import Span, forbidden, is_inside, span

__all__ = ["Mutant", "draw", "places"]


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    line: int
    operator: str
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class Place:
    """Where an operator applies; ``make`` numbers or holds what it does there."""

    kind: str
    operator: str
    where: Span
    make: Any


class _Steadied:
    """An operator of cosmic-ray that passes over what it stumbles at: ``x = None`` has no parts."""

    def __init__(self, operator: Any) -> None:
        self.operator = operator

    def mutation_positions(self, node: Any) -> list[Any]:
        try:
            return list(self.operator.mutation_positions(node))
        except AttributeError:
            return []

    def mutate(self, node: Any, index: int) -> Any:
        try:
            return self.operator.mutate(node, index)
        except (AttributeError, IndexError):
            return node


def _tool_operators(source: str) -> list[tuple[str, Any]]:
    """Return the names of cosmic-ray's operators and instances that are ready to be applied."""
    named = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)]
    set_here = sorted({n.id for n in named if isinstance(n.ctx, ast.Store)})
    generator = random.Random(len(source))
    provider = OperatorProvider()
    result = []
    for name in provider:
        operator = provider[name]
        if name == "VariableReplacer":
            result += [(f"{name}({v})", _Steadied(operator(v))) for v in set_here]
        elif name == "VariableInserter":
            for effect in set_here:
                cause = generator.choice(set_here)
                if cause != effect:
                    result.append((f"{name}({cause})", _Steadied(operator(cause, effect))))
        else:
            result.append((name, operator()))
    return result


def _nodes(node: Any) -> Iterator[Any]:
    """Yield the nodes of a tree in the order in which cosmic-ray visits them."""
    yield node
    for child in getattr(node, "children", ()):
        yield from _nodes(child)


def places(source: str) -> dict[str, dict[str, list[Place]]]:
    """Return every place of a source that may be changed: by origin, by kind."""
    unseen = forbidden(source)
    found: dict[str, dict[str, list[Place]]] = {
        "cosmic-ray": defaultdict(list), "domain": defaultdict(list),
    }  # fmt: skip
    nodes = list(_nodes(parso.parse(source)))
    for name, operator in _tool_operators(source):
        kind = re.split(r"[_(]", name)[0]
        found_here = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(found_here):
            if not is_inside((*start, *end), unseen):
                place = Place(kind, name, (*start, *end), (operator, occurrence))
                found["cosmic-ray"][kind].append(place)
    lines = source.splitlines()
    for name, node, text in replacements(source):
        where = span(node, lines)
        if not is_inside(where, unseen):
            found["domain"][name].append(Place(name, name, where, text))
    return found


def _applied(source: str, place: Place) -> str | None:
    if isinstance(place.make, str):
        first, start, last, end = place.where
        lines = source.splitlines(keepends=True)
        head = "".join(lines[: first - 1]) + lines[first - 1][:start]
        tail = lines[last - 1][end:] + "".join(lines[last:])
        text: str | None = head + place.make + tail
    else:
        operator, occurrence = place.make
        text = mutate_code(source, operator, occurrence)
    if text is None or text == source:
        return None
    try:
        # What parses to the same tree is the same program.
        same = ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))
    except SyntaxError:
        return None
    return None if same else text


def _mutant(file: str, source: str, place: Place) -> Mutant | None:
    text = _applied(source, place)
    if text is None:
        return None
    old, new = source.splitlines(), text.splitlines()
    first = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(old) - 1
    )
    same = 0
    while same < min(len(old), len(new)) - first - 1 and old[-1 - same] == new[-1 - same]:
        same += 1
    before = "\n".join(line.strip() for line in old[first : len(old) - same])
    after = "\n".join(line.strip() for line in new[first : len(new) - same])
    return Mutant(file, first + 1, place.operator, before, after, text)


def draw(root: Path, files: list[str], count: int, seed: int) -> list[Mutant]:
    """Return distinct mutants of the files below ``root``, the same for the same seed."""
    generator = random.Random(seed)
    random.seed(seed)  # two operators of cosmic-ray draw their numbers from it
    sources = {file: (root / file).read_text(encoding="utf-8") for file in files}
    weights = [len(sources[file].splitlines()) for file in files]
    known: dict[str, dict[str, dict[str, list[Place]]]] = {}
    drawn: dict[str, Mutant] = {}
    while len(drawn) < count:
        file = generator.choices(files, weights)[0]
        if file not in known:
            known[file] = places(sources[file])
        kinds = known[file][generator.choice(["cosmic-ray", "domain"])]
        if not kinds:
            continue
        kind = generator.choice(sorted(kinds))
        place = generator.choice(kinds[kind])
        mutant = _mutant(file, sources[file], place)
        if mutant is not None:
            drawn.setdefault(mutant.source, mutant)
    return list(drawn.values())
