"""Whether the brokers' files that were named are those of the topics' copies."""

from collections.abc import Collection

from streams.audit.facts import Facts
from streams.audit.files import Files
from streams.audit.finding import Findings


def look_for_copies(facts: Facts, files: Files, shorts: Collection[str], findings: Findings) -> None:
    """Note what is missing. Where every partition's files are there once, only further copies are unseen.

    Where one's are not, nothing can be said of what lies on the disks: records that are deleted, and values that are
    replaced, leave the broker's answers before they leave its files.
    """
    if not files.directories:
        findings.could_not_see("the brokers' files: none were named", core=True)
        return
    seen, copies = files.copies(), _copies(facts)
    wanted = [(short, number) for short in shorts for number in range(facts.topics.spec(short).partitions)]
    if missing := sum(not seen[place] for place in wanted):
        findings.could_not_see(
            f"the brokers' files: the directories that were named hold none of {missing} of {len(wanted)} partitions",
            core=True,
        )
    elif further := sum(max(0, copies.get(place[0], 1) - seen[place]) for place in wanted):
        findings.could_not_see(
            f"the files of {further} further copies of partitions: the directories that were named do not hold them"
        )


def _copies(facts: Facts) -> dict[str, int]:
    inspected = () if facts.inspection is None else facts.inspection.topics
    return {each.spec.short: each.found.copies for each in inspected if each.found is not None}
