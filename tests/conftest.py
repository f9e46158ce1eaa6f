"""One profile for the property tests: the same examples on every run, no time limit for each."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "symbp",
    derandomize=True,
    deadline=None,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("symbp")
