"""Which galleries a camera may search, by the pattern of its id."""

from fnmatch import fnmatchcase
from typing import Final


class GalleryRules:
    """Patterns (`*`, `?`, `[a-z]`, case counts) and the galleries of cameras that fit; the first that fits counts.

    text: `lobby*=default,vip;*=default`. Raises ValueError if a part of it is empty or missing.
    """

    __slots__ = ("_rules",)

    def __init__(self, text: str) -> None:
        rules = []
        for rule in text.split(";"):
            pattern, equals, galleries = rule.partition("=")
            names = tuple(name.strip() for name in galleries.split(","))
            if not (equals and pattern.strip() and all(names)):
                raise ValueError("expected pattern=gallery,...;pattern=gallery,...")
            rules.append((pattern.strip(), names))
        self._rules: Final = tuple(rules)

    def of(self, camera_id: str) -> tuple[str, ...]:
        """The galleries of this camera, its default first; empty if no pattern fits."""
        return next((galleries for pattern, galleries in self._rules if fnmatchcase(camera_id, pattern)), ())

    def names(self) -> tuple[str, ...]:
        """Every gallery that some camera may search, in the order of the rules."""
        return tuple(dict.fromkeys(name for _, galleries in self._rules for name in galleries))

    def __str__(self) -> str:
        return ";".join(f"{pattern}={','.join(galleries)}" for pattern, galleries in self._rules)

    def __repr__(self) -> str:
        return f"GalleryRules({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GalleryRules) and self._rules == other._rules

    def __hash__(self) -> int:
        return hash(self._rules)
