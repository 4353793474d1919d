import re

import pytest

from models.vision.follow.settings import FollowSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"coast_ms": -1}, "coast_ms: expected 0 or more, found -1"),
        ({"max_encodings_per_frame": 0}, "max_encodings_per_frame: expected 1 or more, found 0"),
        ({"coast_ms": 10_001}, "coast_ms: expected at most max_gap_ms (10000), found 10001"),
        ({"doubt_similarity": 0.5}, "doubt_similarity: expected -1 to below rejoin_similarity, found 0.5"),
        ({"split_similarity": -1.5}, "split_similarity: expected -1 to below rejoin_similarity, found -1.5"),
    ],
)
def test_refuses_what_cannot_be_meant(wrong, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FollowSettings(**wrong)
