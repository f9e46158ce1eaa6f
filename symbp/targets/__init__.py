"""Targets: the text of a program's functions in a language that something compiles."""
