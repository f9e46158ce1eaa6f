"""scikit-learn's own checks of an estimator: all pass, with none expected to fail."""

import warnings

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from symbp.sklearn import SymbpClassifier, SymbpRegressor, SymbpTransformer

ESTIMATORS = [SymbpClassifier(), SymbpRegressor(), SymbpTransformer()]
#: Those that train nothing.
QUICK = {
    "check_estimator_cloneable",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimators_unfitted",
    "check_estimators_empty_data_messages",
    "check_complex_data",
    "check_fit1d",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@parametrize_with_checks(ESTIMATORS)
def test_the_checks_of_an_estimator(estimator, check) -> None:
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_the_checks_that_train_nothing(estimator) -> None:
    found = set()
    for each, check in estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        if name in QUICK:
            found.add(name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(each)
    assert len(found) >= 10
