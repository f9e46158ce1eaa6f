"""The C99 target: one translation unit and its header."""
