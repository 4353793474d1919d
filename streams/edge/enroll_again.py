"""Whom a deployment cannot match any more, though they are enrolled, and why."""

from collections.abc import Collection, Iterator

from streams.edge.persons import Person, StoredFeature
from streams.wire.headers import states_consent


def reasons(person: Person, *, template_keys: Collection[str], model_version: str) -> list[str]:
    """Why there are features of this person that no worker can match, in words; empty where all can be.

    template_keys: ids of those in the key directory. model_version: of the encoder that workers run.
    """
    if person.person_id is None:
        return ["its key record is missing, or was wrapped with an account key that is not in the key directory"]
    found = (
        reason
        for feature in person.features
        for reason in _of_feature(feature, template_keys=template_keys, model_version=model_version)
    )
    return list(dict.fromkeys(found))


def _of_feature(feature: StoredFeature, *, template_keys: Collection[str], model_version: str) -> Iterator[str]:
    if not feature.opens:
        yield "does not open: it, or what is stated of it, was altered"
        return
    if feature.key_id not in template_keys:
        yield f"made with template key {feature.key_id or 'unnamed'}, which is not in the key directory"
    if feature.model_version != model_version:
        yield f"made by model {feature.model_version or 'unnamed'}, and {model_version} is in use"
    if not states_consent(feature.consent, feature.consent_basis):
        yield "stored without a consent"
