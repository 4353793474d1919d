"""Promise 7: every feature carries the statement of consent and what it rests on."""

from typing import Final

from streams.audit.checks.keys import feature_key
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.reading import Seen
from streams.wire.headers import states_consent
from streams.wire.topics import FACE_FEATURES


class Consent:
    """Looks at the headers of every feature."""

    needs: Final = (FACE_FEATURES,)

    def __init__(self) -> None:
        self.findings = Findings(Promise.CONSENT)
        self._features = 0

    def take(self, seen: Seen) -> None:
        """Of face-features alone."""
        if seen.short != FACE_FEATURES or seen.form == "tombstone":
            return
        key = feature_key(seen)
        if key is None or key.feature_id is None:
            return
        self._features += 1
        if not states_consent(seen.headers.get("consent"), seen.headers.get("consent_basis")):
            self.findings.broke("a feature without a consent, or without what it rests on", seen.place)

    def finding(self) -> Finding:
        """Nothing can be said of an empty topic."""
        if self._features:
            self.findings.saw(f"{self._features} features read, the consent and its basis of each")
        else:
            self.findings.could_not_see("face-features holds no feature", core=True)
        return self.findings.finding()
