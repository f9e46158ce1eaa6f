"""affine: facts about whole numbers, and what follows from them.

A *form* is an integer combination of variables and a constant, a *system* is a set of forms that
are not negative. Whether a system has a solution is decided by Fourier-Motzkin elimination with
coefficients divided by their common factor (Schrijver, "Theory of Linear and Integer Programming",
1986, §12.2): what it calls empty holds no whole numbers, for any values of the symbols.
"""

from collections.abc import Callable, Iterable, Mapping
from math import gcd

__all__ = [
    "CONSTANT",
    "Form",
    "Row",
    "System",
    "added",
    "constant",
    "replaced",
    "scaled",
    "shifted",
    "variable",
]

#: Variables are numbers: positive ones for one instance of a statement, negative for another's.
CONSTANT = 0
Form = Mapping[int, int]
Row = tuple[tuple[int, int], ...]
# Beyond this many inequalities nothing is claimed: elimination squares their number.
LARGEST = 160


def constant(number: int) -> Form:
    """Return the form of a number."""
    return {CONSTANT: number} if number else {}


def variable(number: int) -> Form:
    """Return the form of a variable."""
    return {number: 1}


def added(first: Form, second: Form, factor: int = 1) -> Form:
    """Return ``first + factor · second``."""
    result = dict(first)
    for name, coefficient in second.items():
        total = result.get(name, 0) + factor * coefficient
        if total:
            result[name] = total
        else:
            result.pop(name, None)
    return result


def scaled(form: Form, factor: int) -> Form:
    """Return a form times a number."""
    return {name: factor * coefficient for name, coefficient in form.items()} if factor else {}


def shifted(form: Form, number: int) -> Form:
    """Return a form plus a number."""
    return added(form, {CONSTANT: number})


def replaced(form: Form, name: int, value: Form) -> Form:
    """Return a form with a variable replaced by a form."""
    coefficient = form.get(name, 0)
    if not coefficient:
        return form
    rest = {other: c for other, c in form.items() if other != name}
    return added(rest, value, coefficient)


class System:
    """Forms that are not negative: of those with the same variables, the strongest.

    Parameters
    ----------
    rows : mapping of Row to int, optional
        For each combination of variables, the constant that is added to it.
    """

    __slots__ = ("_known", "contradictory", "rows")

    def __init__(self, rows: Mapping[Row, int] | None = None, contradictory: bool = False) -> None:
        self.rows: dict[Row, int] = dict(rows or {})
        self.contradictory = contradictory
        self._known: dict[tuple[Row, int], bool] = {}

    def copy(self) -> "System":
        """Return a system that can be added to without changing this one."""
        return System(self.rows, self.contradictory)

    def require(self, *forms: Form) -> "System":
        """Add that forms are not negative; returns the system itself."""
        for form in forms:
            row, number = _normal(form)
            self._require(row, number)
        return self

    def require_zero(self, form: Form) -> "System":
        """Add that a form is zero; returns the system itself."""
        return self.require(form, scaled(form, -1))

    def joined(self, other: "System") -> "System":
        """Return a new system with the forms of both."""
        result = self.copy()
        result.contradictory = self.contradictory or other.contradictory
        for row, number in other.rows.items():
            result._require(row, number)
        return result

    def _require(self, row: Row, number: int) -> None:
        if not row:
            self.contradictory = self.contradictory or number < 0
            return
        before = self.rows.get(row)
        if before is None or number < before:
            self.rows[row] = number
            self._known.clear()

    def forms(self) -> Iterable[Form]:
        """Yield the forms, each not negative."""
        for row, number in self.rows.items():
            form = dict(row)
            if number:
                form[CONSTANT] = number
            yield form

    def variables(self) -> set[int]:
        """Return the variables of all forms."""
        return {name for row in self.rows for name, _ in row}

    def renamed(self, name: Callable[[int], int]) -> "System":
        """Return the system with its variables renamed."""
        result = System(None, self.contradictory)
        for row, number in self.rows.items():
            new: dict[int, int] = {}
            for old, coefficient in row:
                fresh = name(old)
                new[fresh] = new.get(fresh, 0) + coefficient
            new[CONSTANT] = number
            result.require(new)
        return result

    def replaced(self, name: int, value: Form) -> "System":
        """Return the system with a variable replaced by a form."""
        result = System(None, self.contradictory)
        for form in self.forms():
            result.require(replaced(form, name, value))
        return result

    def is_empty(self) -> bool:
        """Whether no whole numbers can satisfy the system; False where that is not found out."""
        return self.contradictory or _infeasible(self.rows)

    def implies(self, form: Form) -> bool:
        """Whether a form is not negative wherever the system holds; False if not found out."""
        row, number = _normal(form)
        if not row:
            return number >= 0 or self.is_empty()
        stated = self.rows.get(row)
        if stated is not None and stated <= number:
            return True
        known = self._known.get((row, number))
        if known is None:
            negated, least = _normal(scaled(shifted(form, 1), -1))
            rows = _connected(self.rows, negated)
            known = self.contradictory or _infeasible(_stronger(rows, negated, least))
            self._known[row, number] = known
        return known

    def is_zero(self, form: Form) -> bool:
        """Whether a form is zero wherever the system holds."""
        return self.implies(form) and self.implies(scaled(form, -1))

    def example(self, tries: int = 400) -> dict[int, int] | None:
        """Return whole numbers that satisfy the system, or None if none were found."""
        if self.contradictory:
            return None
        budget = [tries]
        return _point(self.rows, {}, budget)


def _normal(form: Form) -> tuple[Row, int]:
    """Return a form's variables without a common factor, and the constant rounded down."""
    row = tuple(sorted(item for item in form.items() if item[0] != CONSTANT and item[1]))
    number = form.get(CONSTANT, 0)
    divisor = gcd(*(coefficient for _, coefficient in row)) if row else 1
    if divisor > 1:
        row = tuple((name, coefficient // divisor) for name, coefficient in row)
        number //= divisor
    return row, number


def _connected(rows: Mapping[Row, int], start: Row) -> dict[Row, int]:
    """Return the rows that share variables with a row, directly or through others."""
    reached = {name for name, _ in start}
    left, found = list(rows.items()), {}
    grown = True
    while grown and left:
        grown, rest = False, []
        for row, number in left:
            if any(name in reached for name, _ in row):
                found[row] = number
                reached.update(name for name, _ in row)
                grown = True
            else:
                rest.append((row, number))
        left = rest
    return found


def _stronger(rows: Mapping[Row, int], row: Row, number: int) -> dict[Row, int]:
    result = dict(rows)
    result[row] = min(number, result.get(row, number))
    return result


def _infeasible(rows: Mapping[Row, int]) -> bool:
    """Whether elimination of all variables ends in a contradiction."""
    work: dict[Row, int] | None = dict(rows)
    while work:
        found = _opposites(work)
        if found is None:
            return True
        if found:
            work = _substituted(work, *found)
        else:
            chosen = _best_variable(work)
            if chosen is None:
                return False
            work = _without(work, chosen)
        if work is None:
            return True
        if len(work) > LARGEST:
            return False
    return False


def _opposites(rows: Mapping[Row, int]) -> tuple[int, Form] | tuple[()] | None:
    """Return a variable and the form that it equals, nothing if there is none.

    None if two rows contradict each other.
    """
    equal: tuple[Row, int] | None = None
    for row, number in rows.items():
        if row[0][1] > 0:
            opposite = rows.get(tuple((name, -coefficient) for name, coefficient in row))
            if opposite is not None:
                if number + opposite < 0:
                    return None
                if number + opposite == 0 and equal is None:
                    equal = row, number
    if equal is not None:
        row, number = equal
        for name, coefficient in row:
            if abs(coefficient) == 1:
                value = {n: -coefficient * c for n, c in row if n != name}
                value[CONSTANT] = -coefficient * number
                return name, value
    return ()


def _substituted(rows: Mapping[Row, int], name: int, value: Form) -> dict[Row, int] | None:
    """Return rows with a variable replaced; None if they contradict each other."""
    result: dict[Row, int] = {}
    for row, number in rows.items():
        coefficient = next((c for n, c in row if n == name), 0)
        if coefficient:
            total = {n: c for n, c in row if n != name}
            for n, c in value.items():
                total[n] = total.get(n, 0) + coefficient * c
            total[CONSTANT] = total.get(CONSTANT, 0) + number
            row, number = _normal(total)
            if not row:
                if number < 0:
                    return None
                continue
        before = result.get(row)
        if before is None or number < before:
            result[row] = number
    return result


def _best_variable(rows: dict[Row, int]) -> int | None:
    """Return the variable whose elimination adds the fewest rows.

    Rows with a variable that is bounded on one side only say nothing: they are taken away. None if
    no rows are left.
    """
    while rows:
        above: dict[int, int] = {}
        below: dict[int, int] = {}
        for row in rows:
            for name, coefficient in row:
                side = above if coefficient > 0 else below
                side[name] = side.get(name, 0) + 1
        loose = above.keys() ^ below.keys()
        if not loose:
            return min(above, key=lambda n: (above[n] * below[n] - above[n] - below[n], n))
        for row in [row for row in rows if any(name in loose for name, _ in row)]:
            del rows[row]
    return None


def _without(rows: Mapping[Row, int], name: int) -> dict[Row, int] | None:
    """Return what the rows say of the other variables; None if they contradict each other."""
    result: dict[Row, int] = {}
    lower: list[tuple[Row, int, int]] = []
    upper: list[tuple[Row, int, int]] = []
    for row, number in rows.items():
        for other, coefficient in row:
            if other == name:
                (lower if coefficient > 0 else upper).append((row, number, abs(coefficient)))
                break
        else:
            result[row] = number
    for row, number, a in lower:
        for other_row, other_number, b in upper:
            total: dict[int, int] = {n: b * c for n, c in row}
            for n, c in other_row:
                total[n] = total.get(n, 0) + a * c
            total[CONSTANT] = b * number + a * other_number
            new, least = _normal(total)
            if not new:
                if least < 0:
                    return None
                continue
            before = result.get(new)
            if before is None or least < before:
                result[new] = least
    return result


def _point(
    rows: Mapping[Row, int], found: dict[int, int], budget: list[int]
) -> dict[int, int] | None:
    """Return a solution in whole numbers, tried variable by variable near its bounds."""
    budget[0] -= 1
    if budget[0] < 0 or _infeasible(rows):
        return None
    names = {name for row in rows for name, _ in row}
    if not names:
        return found
    name = min(names, key=lambda n: (abs(n), n))
    only: Mapping[Row, int] = rows
    for other in names - {name}:
        smaller = _without(only, other)
        if smaller is None:
            return None
        only = smaller
    least = max((-(n // c) for ((_, c),), n in only.items() if c > 0), default=None)
    most = min((n // -c for ((_, c),), n in only.items() if c < 0), default=None)
    if least is None:
        least = 0 if most is None else most - 3
    most = least + 4 if most is None else most
    for value in dict.fromkeys((*range(least, min(least + 4, most + 1)), most)):
        system = System(rows).replaced(name, constant(value))
        if not system.contradictory:
            point = _point(system.rows, {**found, name: value}, budget)
            if point is not None:
                return point
    return None
