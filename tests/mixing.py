"""An order of tests in which any first part is a sample of them all."""

import hashlib
import itertools

# So many neighbours stay together: they share what they compile.
TOGETHER = 8


def mixed(names: list[str]) -> list[str]:
    """Return the names of tests in another order, the same in every run.

    The cases of a test are spread evenly over the whole, in groups of up to eight neighbours; a
    hash of its name says where the first of them stands.
    """
    placed: list[tuple[float, str, list[str]]] = []
    for test, found in itertools.groupby(names, lambda name: name.partition("[")[0]):
        cases = list(found)
        groups = [cases[i : i + TOGETHER] for i in range(0, len(cases), TOGETHER)]
        groups.sort(key=_hash)
        start = _hash([test]) / 2**64
        placed += [((n + start) / len(groups), test, group) for n, group in enumerate(groups)]
    return [name for _, _, group in sorted(placed) for name in group]


def _hash(group: list[str]) -> int:
    return int.from_bytes(hashlib.sha256(group[0].encode()).digest()[:8])
