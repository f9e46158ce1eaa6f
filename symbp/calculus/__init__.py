"""Passes: pure functions from programs to programs, one a file; and the interpreter."""
