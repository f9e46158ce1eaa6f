"""Words: the sentences of one language, with places for formulas and names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """One language.

    Attributes
    ----------
    tag : str
        As in HTML's ``lang``: ``"en"``.
    sentences : mapping of str to str
        What is said, by a key, with names in braces for what is put in.
    notes : mapping of str to str
        Conventions of functions, which come in English, with ``{}`` for names; empty in English.
    preamble : str
        What a LaTeX document in this language needs.
    letters : str
        A regular expression of letters that the document prints as they are, besides ASCII.
    """

    tag: str
    sentences: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    preamble: str = ""
    letters: str = ""

    def say(self, key: str, **parts: object) -> str:
        """Return a sentence with its parts put in."""
        return self.sentences[key].format(**parts)

    def count(self, key: str, count: int, **parts: object) -> str:
        """Return the sentence for one (``key.one``) or for several (``key.many``)."""
        return self.say(f"{key}.{'one' if count == 1 else 'many'}", count=count, **parts)

    def listed(self, parts: Sequence[str]) -> str:
        """Return ``a``, ``a and b`` or ``a, b and c``."""
        if len(parts) < 2:
            return "".join(parts)
        return self.say("list.comma").join(parts[:-1]) + self.say("list.and") + parts[-1]

    def note(self, text: str) -> str:
        """Return a convention in this language; as it came where nobody has translated it."""
        for english, own in self.notes.items():
            pattern = re.escape(english).replace(r"\{\}", "(.+?)")
            found = re.fullmatch(pattern, text)
            if found is not None:
                return own.format(*found.groups())
        return text

    def sentence(self, text: str) -> str:
        """Return a text as a sentence: with a capital, and with a full stop."""
        return text[:1].upper() + text[1:].rstrip(".。") + self.say("full stop")
