"""Settings reach the models; what is not set stays the models' own."""

from models.vision.follow.settings import FollowSettings
from models.vision.quality import QualitySettings
from streams.app.vision import follow_settings, quality_settings
from streams.settings import Settings
from streams.settings.words import rows


def settings(**given: str) -> Settings:
    return Settings.from_environment({f"FACESTREAMS_{name.upper()}": value for name, value in given.items()})


def test_unset_is_the_models_own() -> None:
    assert quality_settings(settings()) == QualitySettings()
    assert follow_settings(settings()) == FollowSettings()


def test_the_defaults_that_are_shown_are_the_models_own() -> None:
    shown = {row.name: row.default for row in rows(Settings)}
    quality, follow = QualitySettings(), FollowSettings()
    assert {
        "min_face_px": quality.min_face_px,
        "min_sharpness": quality.min_sharpness,
        "max_yaw_deg": quality.max_yaw_deg,
        "min_confidence": quality.min_confidence,
        "encodings_per_frame": follow.max_encodings_per_frame,
        "recheck_s": follow.recheck_ms / 1000,
    } == {
        name: float(shown[name])
        for name in (
            "min_face_px",
            "min_sharpness",
            "max_yaw_deg",
            "min_confidence",
            "encodings_per_frame",
            "recheck_s",
        )
    }


def test_set_is_handed_on_and_nothing_else_changes() -> None:
    given = settings(min_face_px="30", min_sharpness="0.3", max_yaw_deg="35", min_confidence="0.8")
    assert quality_settings(given) == QualitySettings(30, 0.3, 35, 0.8)
    assert follow_settings(settings(encodings_per_frame="2", recheck_s="1.5")) == FollowSettings(
        max_encodings_per_frame=2, recheck_ms=1500
    )
