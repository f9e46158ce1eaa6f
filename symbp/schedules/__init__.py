"""Schedules: how a function is computed, decided in one place, and the arrows that make it so."""
