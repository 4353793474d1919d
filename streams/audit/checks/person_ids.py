"""PersonIDs, searched for in texts that must not hold one."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

_WORD: Final = re.compile(r"\w+")

LEAST_LETTERS: Final = 3
"""A shorter id, or a number of whatever length, may stand in a text by chance; as a whole field it is found."""


class PersonIds:
    """Each text is read once, however many ids there are.

    whole_alone: how many are not searched for inside of texts, since they may stand there by chance.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = frozenset(ids)
        self._by_first_word: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self.whole_alone = 0
        for person_id in self._ids:
            word = _WORD.search(person_id)
            if word is None or len(person_id) < LEAST_LETTERS or person_id.isdecimal():
                self.whole_alone += 1
            else:
                self._by_first_word[word.group()].append((person_id, word.start()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ids)

    def being(self, text: str | None) -> Iterator[str]:
        """The one that the text is, if it is one."""
        if text is not None and text in self._ids:
            yield text

    def standing_in(self, text: str) -> Iterator[str]:
        """Those that stand in the text, so that no letter or digit goes on with them on either side."""
        yield from self.being(text)
        for word in _WORD.finditer(text):
            for person_id, start in self._by_first_word.get(word.group(), ()):
                if _stands(person_id, text, word.start() - start):
                    yield person_id


def _stands(person_id: str, text: str, begin: int) -> bool:
    if begin < 0 or not text.startswith(person_id, begin):
        return False
    behind = text[begin + len(person_id) :][:1]
    return not (_WORD.match(person_id[-1]) and _WORD.match(behind))
