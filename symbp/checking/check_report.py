"""What a check found, and how it prints."""

import math
from dataclasses import dataclass, field
from typing import Any

from symbp.notation.display import chosen

__all__ = ["CheckReport", "Kink", "ModuleCheck"]

# What a report without bounds of its own is judged by.
_DIFFERENCE_TOLERANCE = 1e-6
_MODULE_TOLERANCE = 1e-11
# So many lines of each kind are printed.
_SHOWN = 8


@dataclass(frozen=True)
class Kink:
    """A parameter at which the cost has a kink, with its one-sided derivatives there.

    Attributes
    ----------
    place : str
        The entry, such as ``"b1[2]"``.
    left, right : float
        The one-sided derivatives.
    gradient : float
        What the derived formulas give.
    draw : str
        At which values.
    """

    place: str
    left: float
    right: float
    gradient: float
    draw: str

    def __str__(self) -> str:
        return (
            f"{self.place}: derivative {self.left:.6g} from the left, {self.right:.6g} from the "
            f"right; the gradient is {self.gradient:.6g} ({self.draw})"
        )


@dataclass(frozen=True)
class ModuleCheck:
    """A generated module against the formulas evaluated in many digits.

    Attributes
    ----------
    dtype : str
        Its precision.
    errors : dict of str to float
        For each parameter, the largest error of the module's gradient, relative to the largest
        entry of the gradient.
    bounds : dict of str to float
        For each parameter, what that error may be by rounding alone: a small multiple of eps
        times the condition number of the computation. Empty where it is not known.
    cost : float
        The error of the cost, relative to it.
    step : float
        The largest error of the parameters after one step of descent, relative to the largest
        change.
    """

    dtype: str
    errors: dict[str, float]
    bounds: dict[str, float]
    cost: float
    step: float


@dataclass(frozen=True)
class CheckReport:
    """What :func:`check` found.

    Attributes
    ----------
    differences : dict of str to float
        For each parameter, the largest error of the derived formulas against differences of the
        cost as its equations were written, relative to the derivative.
    module : dict of str to float
        For each parameter, the largest error of the generated module against the formulas,
        relative to the largest entry of the gradient. Of the first module, if there are several.
    step : float
        The largest error of the parameters after one step of descent of the generated module,
        relative to the largest change.
    skipped : int
        Entries at which the cost has a kink (ReLU, maximum, absolute value).
    digits : int or None
        With how many digits formulas and differences were evaluated; None for double precision.
    examples : int or None
        The size of the batch.
    modules : tuple of ModuleCheck
        Each module that was compared.
    draws : tuple of str
        At which values, and whether they could be used.
    kinks : tuple of Kink
        The entries at a kink. A gradient there is a convention; it lies between the one-sided
        derivatives, or the entry counts as not compared.
    wrong : tuple of str
        What disagrees.
    left_out : tuple of str
        What could not be compared and had to be: a check with such entries does not pass.
    """

    differences: dict[str, float]
    module: dict[str, float]
    step: float
    skipped: int = 0
    digits: int | None = None
    examples: int | None = None
    modules: tuple[ModuleCheck, ...] = ()
    draws: tuple[str, ...] = ()
    kinks: tuple[Kink, ...] = ()
    wrong: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    _operations: int = field(default=0, repr=False)

    @property
    def passed(self) -> bool:
        """Whether everything was compared and agrees."""
        if self.wrong or self.left_out:
            return False
        if self.modules:  # each was judged by bounds of its own
            return all(map(math.isfinite, (*self.differences.values(), *self.module.values())))
        return all(e <= _DIFFERENCE_TOLERANCE for e in self.differences.values()) and all(
            e <= _MODULE_TOLERANCE for e in (self.step, *self.module.values())
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return chosen({"text/plain": str(self)}, include, exclude)

    def __str__(self) -> str:
        lines = [*self._table(), *self._notes()]
        for title, entries in (
            ("kinks", self.kinks), ("not compared", self.left_out), ("WRONG", self.wrong)
        ):  # fmt: skip
            if entries:
                lines.append(f"{title}:")
                lines += [f"  {entry}" for entry in entries[:_SHOWN]]
                more = len(entries) - _SHOWN
                lines += [f"  … and {more} more"] if more > 0 else []
        return "\n".join([*lines, f"gradient check {self._verdict()}"])

    def _verdict(self) -> str:
        entries = "entry" if self.skipped == 1 else "entries"
        kinks = f" ({self.skipped} {entries} at kinks)" if self.skipped else ""
        if self.passed:
            return f"passed{kinks}"
        if self.left_out and not self.wrong:
            return f"NOT PASSED: not everything could be compared{kinks}"
        return f"FAILED{kinks}"

    def _table(self) -> list[str]:
        modules = self.modules or (ModuleCheck("float64", self.module, {}, math.nan, self.step),)
        names = list(modules[0].errors)
        width = max(14, *(len(name) + 2 for name in names)) if names else 14
        head = [
            f"{'':<{width}}{'formulas against':>18}",
            f"{'parameter':<{width}}{'differences':>18}",
        ]
        rows = [f"{n:<{width}}{_printed(self.differences.get(n)):>18}" for n in names]
        end = [f"{what:<{width}}{'':>18}" for what in ("cost", "one step")]
        for module in modules:
            bounded = bool(module.bounds)
            head[0] += f"{module.dtype + ' module':>20}" + f"{'':>16}" * bounded
            head[1] += f"{'against formulas':>20}" + f"{'rounding allows':>16}" * bounded
            for i, name in enumerate(names):
                rows[i] += f"{module.errors.get(name, math.nan):>20.1e}"
                rows[i] += f"{module.bounds[name]:>16.1e}" if bounded else ""
            end[0] += f"{module.cost:>20.1e}" + f"{'':>16}" * bounded
            end[1] += f"{module.step:>20.1e}" + f"{'':>16}" * bounded
        if not self.modules:
            del end[0]
        return [line.rstrip() for line in (*head, *rows, *end)]

    def _notes(self) -> list[str]:
        if not self.draws:
            return []
        batch = "" if self.examples is None else f", batches of {self.examples}"
        if self.digits is None:
            how = f"in double precision ({self._operations} operations are too many for more)"
        else:
            how = f"in {self.digits} digits"
        return [f"formulas and differences {how}{batch}, at", *(f"  {draw}" for draw in self.draws)]


def _printed(error: float | None) -> str:
    return "not compared" if error is None else f"{error:.1e}"
