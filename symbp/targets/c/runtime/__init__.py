"""What is pasted into a translation unit, as it is used; see :mod:`symbp.targets.c.paste`."""
