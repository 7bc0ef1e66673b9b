"""Names, addresses and ids of a customer's people in a text, by the customer's own directory.

The first line of a scan: exact, in any language, and cheaper than any model. A name that nobody registered is not
found here.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from governance.identities import Person
from governance.privacy.findings import Finding, Kind
from governance.privacy.ordinary_words import PARTICLES, PLACEHOLDERS, TITLES, WRITTEN_LARGE, WRITTEN_SMALL

NO_NAME_ALONE = WRITTEN_LARGE | PLACEHOLDERS
SHORTEST = 3  # letters of a name that counts by itself; shorter ones are syllables of other words too
LEAST_ID = 4  # characters of an id that counts; a shorter one is a number of ordinary talk
ABBREVIATED = 4  # letters up to which a point after a form of address is its own
# A run of letters that is no part of a word with digits, its accents written apart or not.
_WORD = re.compile(r"(?<!\w)(?:[^\W\d_][\u0300-\u036f]*)+(?!\w)")
# An id may hold these signs inside, not at its end: there they are the sentence's.
_ID = re.compile(r"\w+(?:[.@+\-/]+\w+)*")
_TELLING = re.compile(r"[\d@]")  # every id that counts has one of these
_PIECE = re.compile(r"\w+")
_BETWEEN = re.compile(r"[\s,'’\-‐]{1,3}")  # what may stand between the words of one name
_AFTER_INITIAL = re.compile(r"[\s.,'’\-‐]{1,3}")
INITIALS = 2  # letters up to which a point is part of the name
_OPENS = " \t\n\"'“”„«»‘’([¿¡*_"
_ENDS = ".!?…:;-–—\n"
# Scripts without spaces between words: Han, kana, hangul, Thai. Their names are sought inside longer runs.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_FLAT = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "’": "'"})
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


class KnownPeople:
    """The people of one customer, ready to be sought in texts."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._names: dict[str, set[tuple[str, ...]]] = {}
        self._unspaced: set[str] = set()
        self._ids: dict[str, Kind] = {}
        for person in people:
            self._add(person)
        self._longest = {first: sorted(some, key=len, reverse=True) for first, some in self._names.items()}
        self._lengths = sorted({len(name) for name in self._unspaced}, reverse=True)

    def find(self, text: str) -> list[Finding]:
        """Where people are named; findings may overlap."""
        return [*self._named(text), *self._identified(text), *self._written_together(text)]

    def _add(self, person: Person) -> None:
        name = person.name or ""
        for words in spellings(name):
            self._names.setdefault(words[0], set()).add(words)
        self._unspaced |= {each for each in _UNSPACED.findall(_joined(name)) if len(each) > 1}
        if person.email:
            self._ids[person.email.casefold()] = "email"
        for each in (person.learner_id, *person.accounts.values()):
            if tells(each):
                self._ids[each.casefold()] = "email" if "@" in each else "learner_id"

    def _named(self, text: str) -> Iterator[Finding]:
        if text.isascii() and self._longest.keys().isdisjoint(_WORD.findall(text.lower())):
            return  # most texts name nobody, and this is three times as quick
        words = list(_WORD.finditer(text))
        for at, word in enumerate(words):
            for first in forms(word[0]):
                for name in self._longest.get(first, ()):
                    end = _matched(text, words, at, name)
                    if end is not None and (len(name) > 1 or _counts(text, words, at)):
                        yield Finding("name", word.start(), end)
                        break

    def _identified(self, text: str) -> Iterator[Finding]:
        if not self._ids or not _TELLING.search(text):
            return
        for whole in _ID.finditer(text):
            for match in (whole, *_PIECE.finditer(text, *whole.span())):
                kind = self._ids.get(match[0].casefold())
                if kind is not None:
                    yield Finding(kind, *match.span())
                    break

    def _written_together(self, text: str) -> Iterator[Finding]:
        if not self._unspaced:
            return
        for run in _UNSPACED.finditer(text):
            for at in range(run.start(), run.end()):
                for length in self._lengths:
                    if at + length <= run.end() and text[at : at + length] in self._unspaced:
                        yield Finding("name", at, at + length)
                        break


def forms(word: str) -> tuple[str, ...]:
    """A word as it is compared, in small letters: without its accents, and with its umlauts spelled out."""
    if word.isascii():
        return (word.lower(),)
    small = unicodedata.normalize("NFC", word.casefold())
    flat = _flat(small)
    return tuple(dict.fromkeys((flat, _flat(small.translate(_SPELLED)))))


def spellings(name: str) -> set[tuple[str, ...]]:
    """Every way in which a name is sought, as folded words: in full, turned round, first and last, each alone."""
    parts = [part for part in (_parts(each) for each in re.split(r"[\s,]+", name)) if part]
    bare = [part for part in parts if "".join(part) not in PARTICLES and len("".join(part)) > 1]
    found = {tuple(word for part in some for word in part) for some in _orders(parts, bare)}
    for part in bare:
        if len(part) > 1:  # O'Brien is also heard as Obrien, and Anna-Lena called Lena
            found |= {("".join(part),), *((word,) for word in part if len(word) >= SHORTEST)}
    umlauts = {tuple(forms(word)[-1] for word in words) for words in found}
    return {tuple(forms(word)[0] for word in words) for words in found} | umlauts


def tells(identifier: str) -> bool:
    """Whether an id in a text can be told from ordinary words and numbers."""
    digits = sum(sign.isdigit() for sign in identifier)
    if "@" in identifier:
        return True
    return len(identifier) >= LEAST_ID and (digits >= 6 or 0 < digits < len(identifier))


def _orders(parts: Sequence[Sequence[str]], bare: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
    orders = [[part] for part in bare]
    if len(bare) > 1:
        orders += [list(parts), list(bare), [bare[0], bare[-1]], [bare[-1], bare[0]], [bare[-1], *bare[:-1]]]
    return orders


def _parts(part: str) -> tuple[str, ...]:
    return tuple(match[0].casefold() for match in _WORD.finditer(part))


def _joined(name: str) -> str:
    """A name with and without its spaces: in scripts that write none, texts hold it without."""
    return f"{name} {''.join(name.split())}"


def _flat(small: str) -> str:
    plain = unicodedata.normalize("NFKD", small.translate(_FLAT))
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _matched(text: str, words: Sequence[re.Match[str]], at: int, name: tuple[str, ...]) -> int | None:
    """Where a name that begins at word ``at`` ends, or ``None`` where other words follow."""
    if at + len(name) > len(words):
        return None
    for step in range(1, len(name)):
        before, here = words[at + step - 1], words[at + step]
        between = _AFTER_INITIAL if len(before[0]) <= INITIALS else _BETWEEN
        if name[step] not in forms(here[0]) or not between.fullmatch(text, before.end(), here.start()):
            return None
    return words[at + len(name) - 1].end()


def _counts(text: str, words: Sequence[re.Match[str]], at: int) -> bool:
    """Whether a single word that is somebody's name means a person here.

    A word that is no other word always does, in any case of letters. A short one, or one that is a word of its own,
    does after a form of address; one that is usually written small also where a capital inside a sentence, or a
    comma after it at the beginning, shows that somebody is meant.
    """
    known = forms(words[at][0])
    large = any(each in NO_NAME_ALONE for each in known) or all(len(each) < SHORTEST for each in known)
    if not large and not any(each in WRITTEN_SMALL for each in known):
        return True
    if _addressed(text, words, at):
        return True
    word = words[at][0]
    if large or not word[0].isupper() or (word.isupper() and len(word) > 1):
        return False
    return not _begins(text, words[at].start()) or text[words[at].end() : words[at].end() + 1] == ","


def _addressed(text: str, words: Sequence[re.Match[str]], at: int) -> bool:
    """Whether a form of address stands before the word, or before its "von", and no sentence ends with it."""
    before = at - 1
    while before >= 0 and forms(words[before][0])[0] in PARTICLES - TITLES:
        before -= 1
    title = forms(words[before][0])[0] if before >= 0 else ""
    between = text[words[before].end() : words[before + 1].start()] if title in TITLES else ""
    return between.isspace() or (len(title) <= ABBREVIATED and between.strip() == ".")


def _begins(text: str, at: int) -> bool:
    """Whether a sentence begins at this place."""
    before = text[:at].rstrip(_OPENS)
    return not before or before[-1] in _ENDS or "\n" in text[len(before) : at]
