"""Reports of a derivation: a LaTeX document, Markdown, and one page of HTML.

All three are written from the same blocks (:mod:`~symbp.derivations.report.contents`).
"""

from symbp.derivations.report.sections import register

__all__ = ["register"]
