"""A table as people have them: text, dates, missing values, identifiers; made by a script."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np

HEADER = ["id", "name", "class", "sex", "age", "fare", "port", "boarded", "survived"]


def passengers(path: Path, count: int = 160, delimiter: str = ",") -> Path:
    """Write a table of people on a ship, and whether they were saved, to a file."""
    random = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerow(HEADER)
        for number in range(1, count + 1):
            sex, degree = random.choice(["male", "female"]), int(random.integers(1, 4))
            age, day = random.uniform(1, 80), date(1912, 4, 1) + timedelta(int(random.integers(20)))
            saved = (sex == "female") + (degree == 1) + random.normal(0, 0.3) > 0.8
            table.writerow(
                [
                    number,
                    f'{"Mr." if sex == "male" else "Mrs."} "{number:c}", of\u2019Neill{number}',
                    degree,
                    sex,
                    "" if number % 7 == 0 else f"{age:.1f}",
                    f"{100 / degree + random.exponential(5):.2f}",
                    "NA" if number % 13 == 0 else random.choice(["S", "C", "Q"]),
                    "" if number % 11 == 0 else day.strftime("%d.%m.%Y"),
                    "yes" if saved else "no",
                ]
            )
    return path
