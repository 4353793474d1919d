"""Promise 7: every feature carries the statement of consent and what it rests on, those it was enrolled with."""

from typing import Final

from streams.audit.checks.features import has_sealed_form
from streams.audit.checks.keys import feature_key
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import states_consent
from streams.wire.topics import FACE_FEATURES


class Consent:
    """Looks at the headers of every feature, which its seal binds. gallery: fed with face-features before this is."""

    needs: Final = (FACE_FEATURES,)

    def __init__(self, gallery: Gallery) -> None:
        self.findings = Findings(Promise.CONSENT)
        self._gallery = gallery
        self._features = self._authentic = self._nobodys = self._unopened = 0

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
        self._authenticate(key, seen)

    def finding(self) -> Finding:
        """Nothing can be said of an empty topic, nor of headers that no seal vouches for."""
        if not self._features:
            self.findings.could_not_see("face-features holds no feature", core=True)
            return self.findings.finding()
        self.findings.saw(
            f"{self._features} features read, the consent and its basis of each;"
            f" {self._authentic} opened with the headers that they were enrolled with"
        )
        if self._unopened:
            self.findings.could_not_see(
                f"whether the headers of {self._unopened} features are those that they were enrolled with: nothing at"
                " hand opens these",
                core=True,
            )
        if self._nobodys:
            self.findings.could_not_see(
                f"the headers of {self._nobodys} features without a key of their person: nobody matches these",
                core=not self._authentic,
            )
        return self.findings.finding()

    def _authenticate(self, key: FeatureKey, seen: Seen) -> None:
        kept = self._gallery.kept.get((key.gallery, key.reference))
        if kept is None or not kept.has_key:
            self._nobodys += 1
        elif kept.data_key is None or not has_sealed_form(seen.value):
            self._unopened += 1
        elif self._gallery.opens(key, seen):
            self._authentic += 1
        else:
            self.findings.broke("a feature that does not open with its headers: they or it were altered", seen.place)
