"""The tables of the vectorised functions are what the script that fits them prints."""

import importlib

import numpy as np
import pytest

from symbp.targets.numba import fit_more_vector_maths
from symbp.targets.numba.fit_vector_maths import FITS, rounded, split_constants

DTYPES = ("float32", "float64")
ALL_FITS = (*FITS, *fit_more_vector_maths.FITS)


def runtime(dtype):
    return importlib.import_module(f"symbp.targets.numba.runtime.vector_maths_{dtype}")


def check(fit, dtype):
    module = runtime(dtype)
    for file in ("trigonometry", "special_functions"):
        other = importlib.import_module(f"symbp.targets.numba.runtime.{file}_{dtype}")
        module = other if hasattr(other, fit.name) and not hasattr(module, fit.name) else module
    numerator, denominator, _ = rounded(fit, dtype)
    np.testing.assert_array_equal(getattr(module, fit.name), np.asarray(numerator, dtype))
    if denominator:
        table = getattr(module, f"{fit.name}_DENOMINATOR")
        np.testing.assert_array_equal(table, np.asarray(denominator, dtype))


@pytest.mark.parametrize("name", ["LOG", "SIN", "TANH", "ATAN", "DIGAMMA_FAR"])
def test_short_tables_are_what_the_script_fits(name):
    (fit,) = (fit for fit in ALL_FITS if fit.name == name and "float32" in fit.numerator)
    check(fit, "float32")


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param("float32", marks=pytest.mark.slow),
        pytest.param("float64", marks=pytest.mark.exhaustive),
    ],
)
def test_all_tables_are_what_the_script_fits(dtype):
    for fit in ALL_FITS:
        if dtype in fit.numerator:
            check(fit, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_split_constants_are_what_the_script_splits(dtype):
    module = runtime(dtype)
    for name, value in split_constants(dtype).items():
        assert getattr(module, name) == np.dtype(dtype).type(value), name
