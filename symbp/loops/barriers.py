"""barriers: which statements are kept apart by the meetings of a team.

Two statements of different members are apart if every way from one to the other leads over a
barrier. Conditions and loops around barriers are uniform (`uniform` checks that), so all members
take the same way.
"""

from collections.abc import Iterator

from symbp.loops.nodes import AllReduce, Barrier, For, If, Statement
from symbp.loops.pairs import common_loops
from symbp.loops.survey import Access, Loop, Path, Survey
from symbp.notation.affine import added, shifted

__all__ = ["Barriers"]


class Barriers:
    """What is known of the barriers of a function."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._sure: dict[int, bool] = {}
        self._possible: dict[int, bool] = {}
        self._turns: dict[int, bool] = {}
        for control in survey.controls:
            if isinstance(control.statement, For):
                low, high = control.forms
                assert low is not None
                assert high is not None
                trip = shifted(added(high, low, -1), -1)
                some = survey.variables.with_facts(control.domain).implies(trip)
                key = id(control.statement)
                self._turns[key] = some and self._turns.get(key, True)

    def sure(self, statement: Statement) -> bool:
        """Whether whoever runs a statement meets the others in it."""
        if isinstance(statement, Barrier | AllReduce):
            return True
        if not isinstance(statement, For | If):
            return False
        key = id(statement)
        if key not in self._sure:
            inside = any(map(self.sure, statement.body))
            if isinstance(statement, For):
                self._sure[key] = inside and self._turns.get(key, False)
            else:
                self._sure[key] = inside and any(map(self.sure, statement.otherwise))
        return self._sure[key]

    def possible(self, statement: Statement) -> bool:
        """Whether there is a barrier in a statement."""
        if isinstance(statement, Barrier | AllReduce):
            return True
        if not isinstance(statement, For | If):
            return False
        key = id(statement)
        if key not in self._possible:
            parts = statement.body + (statement.otherwise if isinstance(statement, If) else ())
            self._possible[key] = any(map(self.possible, parts))
        return self._possible[key]

    def in_each_turn(self, loop: Loop) -> bool:
        """Whether each turn of a loop has a barrier."""
        return any(map(self.sure, loop.node.body))

    def leaves_freely(self, path: Path, level: int) -> bool:
        """Whether from a statement to the end of a block around it there may be no barrier.

        Parameters
        ----------
        path : tuple
            Of the statement.
        level : int
            Which of the blocks of the path, from outside.
        """
        return not any(
            self.sure(later) for block, place in path[level:] for later in block[place + 1 :]
        )

    def reached_freely(self, path: Path, level: int) -> bool:
        """Whether from the beginning of a block to a statement in it there may be no barrier."""
        return not any(
            self.sure(before) for block, place in path[level:] for before in block[:place]
        )

    def passes_freely(self, first: Path, second: Path, level: int) -> bool:
        """Whether between two statements, in one block at a level, there may be no barrier."""
        block, place = first[level]
        between = block[place + 1 : second[level][1]]
        return (
            not any(map(self.sure, between))
            and self.leaves_freely(first, level + 1)
            and self.reached_freely(second, level + 1)
        )

    def before(self, later: Access, earlier: Access) -> Iterator[tuple[int, bool]]:
        """Yield how another member's access may come before one: equal turns, and one earlier.

        In loops without barriers each member is at a turn of its own.
        """
        turns = 0
        for loop in later.loops[: common_loops(later, earlier)]:
            if not any(map(self.possible, loop.node.body)):
                break
            yield turns, True
            turns += 1
        yield turns, False

    @staticmethod
    def level(loop: Loop, access: Access) -> int:
        """Return which block of an access's path is the body of a loop."""
        return next(i for i in range(len(access.path)) if _is_body(loop, i, access.path))

    @staticmethod
    def parting(first: Path, second: Path) -> int:
        """Return the first level at which two paths differ, or the length of both."""
        for level, (one, other) in enumerate(zip(first, second, strict=False)):
            if one[0] is not other[0] or one[1] != other[1]:
                return level
        return min(len(first), len(second))


def _is_body(loop: Loop, level: int, path: Path) -> bool:
    if not level:
        return False
    around, place = path[level - 1]
    return around[place] is loop.node and path[level][0] is loop.node.body
