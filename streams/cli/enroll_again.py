"""`facestreams persons --enroll-again`: whom the workers cannot match any more, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streams.cli.output import result, say
from streams.settings import Settings

if TYPE_CHECKING:
    from models.gallery.keys import KeyDirectory
    from streams.edge.persons import Person


def show_whom_to_enroll_again(
    settings: Settings, keys: "KeyDirectory", persons: Sequence["Person"], *, as_json: bool
) -> None:
    """One line a person of whom some feature cannot be matched, with the reasons; a count of them on stderr.

    Raises PackError where the model pack, which tells the encoder in use, cannot be loaded.
    """
    import msgspec  # noqa: PLC0415

    from models.packs import load_pack  # noqa: PLC0415  takes seconds where it is prepared first
    from streams.edge.enroll_again import reasons  # noqa: PLC0415  imports the Kafka client

    model_version = load_pack(settings.model_pack, settings.cache_dir).model_version
    template_keys = {key.id for key in keys.template_keys()}
    unmatched = 0
    for person in persons:
        found = reasons(person, template_keys=template_keys, model_version=model_version)
        if not found:
            continue
        unmatched += 1
        if as_json:
            named = {"gallery": person.gallery, "reference": person.reference, "person_id": person.person_id}
            result(msgspec.json.encode({**named, "reasons": found}).decode())
        else:
            name = person.person_id or f"{person.reference} (its name cannot be read)"
            result(f"{person.gallery}/{name}: {'; '.join(found)}")
    say(f"{unmatched} of {len(persons)} to be enrolled again")
