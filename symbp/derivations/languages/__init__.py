"""languages: the words of derivations, reports and drawings, a file for each language.

To add one, copy ``en.py``, translate what stands at the right, and enter it below; a test
compares the keys, and the places for formulas in each sentence.
"""

from symbp.derivations.languages.en import ENGLISH
from symbp.derivations.languages.words import Words
from symbp.derivations.languages.zh import CHINESE

__all__ = ["LANGUAGES", "Words", "words_of"]

LANGUAGES: dict[str, Words] = {words.tag: words for words in (ENGLISH, CHINESE)}


def words_of(language: str) -> Words:
    """Return the words of a language by its tag, such as ``"en"``."""
    return LANGUAGES[language]
