import pytest

from streams.settings.gallery_rules import GalleryRules


def test_the_first_pattern_that_fits_counts_and_its_first_gallery_leads() -> None:
    rules = GalleryRules("lobby*=default,vip; *=default")

    assert rules.of("lobby-2") == ("default", "vip")
    assert rules.of("gate") == ("default",)
    assert rules.names() == ("default", "vip")


def test_a_camera_that_fits_no_pattern_searches_nothing() -> None:
    assert GalleryRules("lobby=default").of("Lobby") == ()


def test_written_form_reads_back() -> None:
    rules = GalleryRules("a*=x, y;*=z")

    assert str(rules) == "a*=x,y;*=z"
    assert GalleryRules(str(rules)) == rules
    assert rules != GalleryRules("*=z")


@pytest.mark.parametrize("text", ["", "a", "a=", "=x", "a=x,,y", "a=x;", ";a=x"])
def test_an_empty_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected pattern=gallery"):
        GalleryRules(text)
