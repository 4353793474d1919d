from collections.abc import Callable

import numpy as np
import pytest

from models.errors import GalleryError
from models.gallery.carried import CarriedOver
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.types import Float32

OLD = TemplateKey("tk-old", bytes(32))


def test_a_string_of_an_older_key_becomes_one_of_the_active_key(
    template_key: TemplateKey, protector: Protector, unit: Callable[..., Float32], near: Callable[..., Float32]
) -> None:
    carried = CarriedOver((OLD, template_key))
    x = unit(1)
    bits = carried.under(protector, Protector(OLD).protect(x), OLD.id)
    [vector] = protector.derive(np.frombuffer(bits, np.uint8)[np.newaxis])
    assert float(vector @ x) == pytest.approx(0.97, abs=0.02)
    assert float(vector @ near(x, 0.6, 2)) == pytest.approx(0.6, abs=0.08)
    assert abs(float(vector @ unit(3))) < 0.2


def test_a_string_of_the_active_key_stays_as_it_is(
    template_key: TemplateKey, protector: Protector, unit: Callable[..., Float32]
) -> None:
    bits = protector.protect(unit(1))
    assert CarriedOver((OLD, template_key)).under(protector, bits, template_key.id) is bits


def test_only_keys_that_are_there_are_known(template_key: TemplateKey) -> None:
    carried = CarriedOver((OLD, template_key))
    assert [carried.knows(key_id) for key_id in (OLD.id, template_key.id, "tk-other", "")] == [True, True, False, False]


def test_a_string_of_another_length_is_refused(protector: Protector) -> None:
    with pytest.raises(GalleryError, match="expected 128 bytes of bits, found 64"):
        CarriedOver((OLD,)).under(protector, bytes(64), OLD.id)
