"""``python -m symbp`` is the ``symbp`` console script."""

from symbp.cli import main

main()
