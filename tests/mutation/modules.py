"""Which tests are those of a file: for each module, its test files, quickest first."""

from pathlib import Path

__all__ = ["files_drawn_from", "tests_of"]

_C, _N, _D = "tests/calculus/test_", "tests/notation/test_", "tests/derivations/test_"
_L, _SCHEDULED = "tests/loops/test_", "tests/schedules/test_lower.py"
_PASSES = (f"{_L}listings.py", f"{_L}passes.py", f"{_L}build.py", f"{_L}epoch.py", _SCHEDULED,
           f"{_L}verify.py")  # fmt: skip
# Of each pass over loop programs, the tests that are its own.
_OWN = {
    "accumulate_strips": "accumulate_strips",
    "addends": "addends", "arrange": "teams", "batches": "gather", "build": "build",
    "divide": "teams", "expand_products": "few_rows", "few_rows": "few_rows",
    "flatten": "flatten", "fuse": "fuse fuse_choices", "gather": "gather", "hoist": "hoist",
    "inline_calls": "inline_calls", "name_values": "name_values", "order": "order build",
    "products": "products", "promote": "gather", "reuse": "reuse", "shares": "teams",
    "storage": "storage", "strip_mine": "teams", "unread_stores": "unread_stores",
    "unswitch": "unswitch",
}  # fmt: skip
_VALUES = (
    f"{_N}functions.py", f"{_C}forward.py", f"{_C}stabilise.py", f"{_C}normalise.py",
    f"{_C}stated_functions.py", f"{_N}arithmetic.py", f"{_C}reverse.py",
    f"{_C}singular_points.py",
)  # fmt: skip
_WRITTEN = (f"{_N}accepted.py", f"{_N}errors.py", f"{_N}mistakes.py", f"{_N}parser.py",
            f"{_C}normalise.py", f"{_N}arithmetic.py", f"{_C}unroll.py",
            f"{_C}reverse.py")  # fmt: skip

# The rules of training steps.
_OPTIMIZERS = {
    "adam": "optimizers", "adaptive": "optimizers", "gradient_descent": "optimizers",
    "gradient_changes": "gradient_changes", "learning_rates": "learning_rates",
    "hyperparameters": "optimizers learning_rates", "optimizer": "optimizers gradient_changes",
    "optimizers": "optimizers options", "updates": "optimizers gradient_changes learning_rates",
}  # fmt: skip

TESTS: dict[str, tuple[str, ...]] = {
    **{f"loops/{name}": (*(f"{_L}{test}.py" for test in own.split()), *_PASSES)
       for name, own in _OWN.items()},
    "calculus/algebra": (f"{_N}parser.py", f"{_C}elementary.py", f"{_D}components.py"),
    "calculus/analysis": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/by_definition": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/counts": (f"{_C}counts.py", f"{_D}comparison.py"),
    "calculus/elementary": (f"{_C}elementary.py", f"{_D}statements.py", f"{_C}unroll.py"),
    "calculus/expand": (f"{_C}quotients.py", "tests/calculus/test_passes.py", f"{_C}precise.py"),
    "calculus/forward": (f"{_C}forward.py", f"{_C}singular_points.py", f"{_C}reverse.py"),
    "calculus/gradient_program": (f"{_C}gradient_program.py",),
    "calculus/grid": (f"{_C}precise.py",),
    "calculus/inline_denominators": (f"{_C}quotients.py", "tests/calculus/test_passes.py"),
    "calculus/interpreter": _VALUES,
    "calculus/intervals": (f"{_C}stated_functions.py", f"{_C}singular_points.py"),
    "calculus/log_form": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/log_sums": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/many_digits": (f"{_C}precise.py",),
    "calculus/normalise": (f"{_C}normalise.py", f"{_N}arithmetic.py"),
    "calculus/norms": (f"{_C}stated_functions.py", f"{_C}singular_points.py"),
    "calculus/partial": (f"{_C}quotients.py", *_VALUES),
    "calculus/path_counts": (f"{_C}counts.py", f"{_D}comparison.py"),
    "calculus/per_example": (f"{_C}counts.py", f"{_D}printed_equations.py", f"{_D}comparison.py"),
    "calculus/polynomials": (f"{_C}quotients.py", "tests/calculus/test_passes.py"),
    "calculus/precise": (f"{_C}precise.py",),
    "calculus/quotients": (f"{_C}quotients.py", "tests/calculus/test_passes.py"),
    "calculus/ranges": (f"{_C}stated_functions.py", f"{_C}forward.py", f"{_C}singular_points.py"),
    "calculus/reverse": _VALUES,
    "calculus/rounding": (f"{_C}precise.py",),
    "calculus/scaled": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/schedule": (f"{_C}unroll.py", f"{_C}forward.py", f"{_C}reverse.py"),
    "calculus/share": ("tests/calculus/test_passes.py", f"{_C}precise.py"),
    "calculus/sizes": (f"{_C}counts.py", f"{_C}unroll.py", f"{_D}comparison.py"),
    "calculus/stabilise": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/sums_of_scaled": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/unroll": (f"{_C}unroll.py", f"{_C}elementary.py", f"{_C}counts.py"),
    "calculus/weighted_sums": (f"{_C}stabilise.py", f"{_C}stable_spellings.py"),
    "calculus/zero_weights": (f"{_C}stated_functions.py", f"{_C}singular_points.py"),
    "notation/announced": (f"{_N}arithmetic.py", f"{_N}functions.py", f"{_C}stated_functions.py"),
    "notation/arguments": (f"{_N}accepted.py", f"{_N}errors.py", f"{_N}mistakes.py",
                           f"{_N}functions.py"),
    "notation/arithmetic": (f"{_N}parser.py", f"{_N}functions.py", f"{_N}arithmetic.py",
                            f"{_C}quotients.py", f"{_C}stabilise.py", f"{_C}normalise.py",
                            f"{_D}printing.py", f"{_C}reverse.py"),
    "notation/axes": _WRITTEN,
    "notation/bounds": (f"{_N}accepted.py", f"{_N}errors.py", f"{_N}mistakes.py",
                        f"{_C}normalise.py", f"{_C}counts.py", f"{_C}reverse.py",
                        f"{_C}singular_points.py"),
    "notation/by_identity": (f"{_C}partial.py", f"{_C}quotients.py", f"{_C}reverse.py",
                             "tests/calculus/test_passes.py"),
    "notation/collected": (f"{_N}arithmetic.py", f"{_C}quotients.py", f"{_C}normalise.py",
                           f"{_C}reverse.py", f"{_C}stabilise.py", f"{_D}components.py"),
    "notation/conditions": (f"{_N}mistakes.py", f"{_N}errors.py", f"{_N}accepted.py"),
    "notation/dependence": (f"{_N}errors.py", f"{_C}unroll.py", f"{_C}forward.py",
                            f"{_C}reverse.py"),
    "notation/derivative_functions": (f"{_N}functions.py", f"{_C}quotients.py",
                                      "tests/targets/numba/vector_maths/test_derivatives.py"),
    "notation/display": (f"{_N}display.py", "tests/test_notebook.py"),
    "notation/equation": _WRITTEN,
    "notation/errors": _WRITTEN,
    "notation/extents": _WRITTEN,
    "notation/files": (f"{_N}files.py",),
    "notation/forms": (f"{_C}forms.py",),
    "notation/functions": (f"{_N}functions.py", f"{_N}errors.py", f"{_C}elementary.py",
                           f"{_C}precise.py", f"{_C}reverse.py", f"{_C}singular_points.py"),
    "notation/identity": (f"{_N}pickling.py", f"{_N}errors.py"),
    "notation/index": _WRITTEN,
    "notation/mistakes": (f"{_N}parser.py", f"{_D}statements.py"),
    "notation/naming": (f"{_C}forward.py", f"{_C}normalise.py"),
    "notation/numpy_operands": (f"{_N}mistakes.py", f"{_N}arithmetic.py"),
    "notation/operation": (f"{_N}accepted.py", f"{_N}functions.py", f"{_N}errors.py",
                           f"{_N}mistakes.py", f"{_C}reverse.py", f"{_C}singular_points.py"),
    "notation/parser": (f"{_N}accepted.py", f"{_N}parser.py", f"{_D}statements.py"),
    "notation/prime": (f"{_N}functions.py", f"{_C}elementary.py", f"{_C}quotients.py",
                       "tests/calculus/test_passes.py", f"{_C}reverse.py"),
    "notation/program": (f"{_N}accepted.py", f"{_N}errors.py", f"{_N}mistakes.py",
                         f"{_C}forward.py", f"{_C}unroll.py", f"{_C}reverse.py"),
    "notation/reductions": _WRITTEN,
    "notation/refusals": (f"{_N}accepted.py", f"{_N}mistakes.py", f"{_N}errors.py"),
    "notation/scopes": (f"{_N}accepted.py", f"{_N}mistakes.py", f"{_N}errors.py"),
    "notation/singular": (f"{_C}stated_functions.py", f"{_C}precise.py",
                          f"{_C}singular_points.py"),
    "notation/standard": (f"{_N}parser.py", f"{_N}functions.py", f"{_N}arithmetic.py",
                          f"{_C}quotients.py", f"{_C}reverse.py"),
    "notation/tensor": (*_WRITTEN, f"{_N}pickling.py"),
    "notation/whole_file": (f"{_N}files.py",),
    **{f"networks/{name}": tuple(f"tests/networks/test_{test}.py" for test in own.split())
       for name, own in _OPTIMIZERS.items()},
    "schedules/lower": (f"{_L}listings.py", _SCHEDULED, f"{_L}verify.py"),
    "schedules/unroll": (f"{_L}listings.py", _SCHEDULED, f"{_L}verify.py"),
}  # fmt: skip


def files_drawn_from(root: Path, part: str) -> list[str]:
    """Return the files that mutants are drawn from: the derivation, or passes over loops."""
    if part == "loops":
        declared = (name for name in TESTS if name.startswith(("loops/", "schedules/")))
        return sorted(f"symbp/{name}.py" for name in declared)
    folders = ("symbp/calculus", "symbp/notation")
    found = [path for folder in folders for path in (root / folder).glob("*.py")]
    found += [root / f"symbp/networks/{name}.py" for name in _OPTIMIZERS]
    return sorted(str(path.relative_to(root)) for path in found if path.stem != "__init__")


def tests_of(file: str, root: Path) -> list[str]:
    """Return the test files of a module; its namesake alone where none are declared."""
    name = file.removeprefix("symbp/").removesuffix(".py")
    package, stem = name.split("/")
    declared = (*TESTS.get(name, ()), f"tests/{package}/test_{stem}.py")
    found = [test for test in dict.fromkeys(declared) if (root / test).exists()]
    if not found:
        raise FileNotFoundError(f"{file}: name its test files in tests/mutation/modules.py")
    return found
