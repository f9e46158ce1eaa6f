"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

Every dependency and every extra must say where it begins (``name>=version``): what is printed is
what the step "lowest versions" of ``.ci/run`` installs, so that a bound is a version that was run.
"""

import re
import sys
import tomllib
from pathlib import Path

REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?>=(?P<lowest>[0-9.]+)(,.*)?")


def lowest(pyproject: str) -> dict[str, str]:
    """Return the lowest version of everything that a pyproject.toml asks for.

    Parameters
    ----------
    pyproject : str
        Its text.

    Returns
    -------
    dict of str to str
        Versions by name. Where two parts ask for one package, the higher bound holds.
    """
    content = tomllib.loads(pyproject)
    project = content["project"]
    asked = [
        *content["build-system"]["requires"],
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    found: dict[str, str] = {}
    for line in asked:
        if line.partition("[")[0] == project["name"]:
            continue  # an extra that holds other extras
        match = REQUIREMENT.fullmatch(line.partition(";")[0].replace(" ", ""))
        if match is None:
            raise SystemExit(f"pyproject.toml: {line!r} has no lowest version, write name>=version")
        name, version = match["name"].lower().replace("_", "-"), match["lowest"]
        found[name] = max(found.get(name, version), version, key=numbers)
    return found


def numbers(version: str) -> list[int]:
    """Return a version as numbers that can be compared."""
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "pyproject.toml"
    versions = lowest(path.read_text(encoding="utf-8"))
    sys.stdout.writelines(f"{name}=={version}\n" for name, version in sorted(versions.items()))
