"""PersonIDs, searched for in texts that must not hold one."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

_WORD: Final = re.compile(r"\w+")

LEAST_LETTERS: Final = 3
LEAST_DIGITS: Final = 4
"""A shorter id, or a shorter number, may stand in a text by chance; as a whole it is found whatever its length."""


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
            if word is None or len(person_id) < (LEAST_DIGITS if person_id.isdecimal() else LEAST_LETTERS):
                self.whole_alone += 1
            else:
                self._by_first_word[word.group()].append((person_id, word.start()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ids)

    def are(self, text: str | None) -> bool:
        """Whether the text is one of them."""
        return text in self._ids

    def stand_in(self, text: str) -> bool:
        """Whether one of them stands in the text, and no letter or digit goes on with it on either side."""
        return text in self._ids or any(
            _stands(person_id, text, word.start() - start)
            for word in _WORD.finditer(text)
            for person_id, start in self._by_first_word.get(word.group(), ())
        )


def _stands(person_id: str, text: str, begin: int) -> bool:
    if begin < 0 or not text.startswith(person_id, begin):
        return False
    behind = text[begin + len(person_id) :][:1]
    return not (_WORD.match(person_id[-1]) and _WORD.match(behind))
