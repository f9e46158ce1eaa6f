"""Where the time is limited, what is reached is a sample of all tests."""

from tests.mixing import TOGETHER, mixed

NAMES = [f"{file}.py::test[{case}]" for file in "abcdefgh" for case in range(100)]


def test_every_test_is_there_once_and_the_order_is_always_the_same() -> None:
    order = mixed(NAMES)
    assert sorted(order) == sorted(NAMES)
    assert order == mixed(NAMES) != NAMES


def test_every_file_is_among_the_first_tests_and_neighbours_stay_together() -> None:
    order = mixed(NAMES)
    assert {name[0] for name in order[: len(NAMES) // 3]} == set("abcdefgh")
    place = {name: position for position, name in enumerate(order)}
    first = [f"a.py::test[{case}]" for case in range(TOGETHER)]
    assert [place[name] - place[first[0]] for name in first] == list(range(TOGETHER))
