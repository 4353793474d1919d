"""Promise 7: every feature carries the statement of consent and what it rests on."""

from typing import Final

from streams.audit.checks.keys import feature_key
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.reading import Seen
from streams.wire.headers import CONSENT_BASES
from streams.wire.topics import FACE_FEATURES


class Consent:
    """Looks at the headers of every feature."""

    needs: Final = (FACE_FEATURES,)

    def __init__(self) -> None:
        self.findings = Findings(Promise.CONSENT)
        self._features = 0

    def take(self, seen: Seen) -> None:
        """Of face-features alone."""
        if seen.short != FACE_FEATURES or not seen.value:
            return
        key = feature_key(seen)
        if key is None or key.feature_id is None:
            return
        self._features += 1
        if not seen.headers.get("consent", "").strip():
            self.findings.broke("a feature without a statement of consent", seen.place)
        if seen.headers.get("consent_basis") not in CONSENT_BASES:
            self.findings.broke(f"a feature whose consent is not one of {', '.join(CONSENT_BASES)}", seen.place)

    def finding(self) -> Finding:
        """Nothing can be said of an empty topic."""
        if self._features:
            self.findings.saw(f"{self._features} features read, the consent and its basis of each")
        else:
            self.findings.could_not_see("face-features holds no feature", core=True)
        return self.findings.finding()
