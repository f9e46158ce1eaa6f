"""The gradient of a program, checked in two ways: against differences, and as it was compiled."""
