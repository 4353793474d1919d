"""Promise 9: what stands on this account's topics is this account's, and the broker's rights keep others away."""

from collections import Counter
from typing import Final

from streams.audit.access import EVERYBODY_ELSEWHERE, Access
from streams.audit.facts import Facts
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.reading import Seen
from streams.wire.records import GalleryEvent
from streams.wire.topics import RUNNING_LOG


class Accounts:
    """Records by the account that they name; rights by whom they reach."""

    needs: Final = (RUNNING_LOG,)

    def __init__(self, facts: Facts) -> None:
        self.findings = Findings(Promise.ACCOUNTS_APART)
        self._facts = facts
        self._seen: Counter[str] = Counter()

    def take(self, seen: Seen) -> None:
        """Of every topic whose records name an account; so do receipts."""
        names = {getattr(seen.record, "account", None)} - {None}
        if isinstance(seen.record, GalleryEvent) and seen.record.receipt is not None:
            names.add(seen.record.receipt.account)
        if not names:
            return
        self._seen[seen.short] += 1
        for name in names - {self._facts.account}:
            self.findings.broke("a record of another account", f"{name!r} at {seen.place}")

    def finding(self) -> Finding:
        """Nothing can be said before the first record."""
        self._rights()
        if self._seen:
            counts = ", ".join(f"{count} on {short}" for short, count in sorted(self._seen.items()))
            self.findings.saw(
                f"records that name an account: {counts}; they were read on topics of {self._facts.account!r}"
            )
        else:
            self.findings.could_not_see("no record that names an account was found", core=True)
        return self.findings.finding()

    def _rights(self) -> None:
        access, topics = self._facts.access, self._facts.topics
        if access.grants is None:
            self.findings.could_not_see(f"the broker's rights: {access.why_none}", core=True)
            if not access.enforced and access.others:
                self.findings.broke(
                    "nothing keeps accounts apart",
                    f"{access.why_none}, and {len(access.others)} topics of other accounts stand beside this one's",
                )
            return
        for sentence in access.crossing(topics):
            self.findings.broke("rights that reach across accounts", sentence)
        principals = access.principals(topics)
        self.findings.saw(
            f"{len(access.grants)} rights on topics read; on this account's: {', '.join(principals) or 'nobody'}"
        )
        self._beside_rights(access)

    def _beside_rights(self, access: Access) -> None:
        """Who needs no right: everybody, where a topic bears none and the brokers are set so; and super users."""
        bare = access.bare(self._facts.topics)
        if access.everybody_elsewhere:
            self.findings.broke("a topic without rights is open to everybody", f"{EVERYBODY_ELSEWHERE} is true")
        elif access.everybody_elsewhere is None and bare:
            self.findings.could_not_see(
                f"whether {EVERYBODY_ELSEWHERE} opens the {len(bare)} topics without rights: the brokers do not tell",
                core=True,
            )
        self.findings.could_not_see("who is a super user of the brokers, and needs no right: they do not tell it")
