"""Equations to something to read: names for what is derived, LaTeX and text."""
