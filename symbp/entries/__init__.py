"""Entry points: what a module's functions read, write and return, each made from a program."""
