"""Scripted scenes: who stands where in which frame; faces have seeded vectors, galleries count what they are asked."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from models.types import Candidate, Detections, Match, Quality, RejectReason, Searched, SearchResult
from models.vision.follow.follower import Follower, Scene
from models.vision.follow.settings import FollowSettings
from models.vision.follow.tracker import MotionTracker

DIMENSION = 16


def axis(number):
    """A face's vector: cosine 0 to every other axis."""
    vector = np.zeros(DIMENSION, np.float32)
    vector[number] = 1.0
    return vector


def leaning(cosine, number, towards=DIMENSION - 1):
    """A unit vector at this cosine to an axis, the rest along another."""
    return (cosine * axis(number) + np.sqrt(1 - cosine**2) * axis(towards)).astype(np.float32)


def quality(score=0.8, face_px=100, reject=None, yaw_deg=0.0):
    return Quality(score=score, face_px=face_px, sharpness=0.8, yaw_deg=yaw_deg, reject_reason=reject)


def detections(*boxes):
    boxes_xyxy_px = np.array(boxes, np.float32).reshape(-1, 4)
    n = len(boxes_xyxy_px)
    return Detections(boxes_xyxy_px, np.zeros((n, 5, 2), np.float32), np.full(n, 0.9, np.float32))


def box_at(x, y=200, size=100):
    return (x - size / 2, y - size / 2, x + size / 2, y + size / 2)


@dataclass
class Actor:
    """A face in one frame: where it is, what it looks like to the encoder, how well it is seen."""

    x: float
    vector: np.ndarray
    score: float = 0.8
    face_px: int = 100
    reject: RejectReason | None = None
    y: float = 200
    yaw_deg: float = 0.0


@dataclass
class Stated:
    track_id: str
    match: Match
    encoded: bool

    @property
    def status(self):
        return str(self.match.status)


@dataclass
class FakeGallery:
    """Cosine to one vector a person. `blind`: the default search does not see these persons (an HNSW's miss)."""

    people: dict[str, np.ndarray] = field(default_factory=dict)
    limit: float = 0.5
    blind: set[str] = field(default_factory=set)
    revision: int = 1
    asked: list[str] = field(default_factory=list)

    @property
    def size(self):
        return len(self.people)

    def __contains__(self, person_id):
        return person_id in self.people

    def threshold(self):
        return self.limit

    def add(self, person_id, vector):
        self.people[person_id] = vector
        self.revision += 1

    def forget(self, person_id):
        del self.people[person_id]
        self.revision += 1

    def search(self, probe, *, k=2, exact=False):
        self.asked.append("exact" if exact else "hnsw")
        found = [
            Candidate(name, float(vector @ probe))
            for name, vector in self.people.items()
            if exact or name not in self.blind
        ]
        found.sort(key=lambda each: -each.similarity)
        searched = Searched.EXACT if exact else Searched.HNSW
        return SearchResult(tuple(found[:k]), searched, len(self.people), len(self.people))


class Stage:
    """One camera, from scripted frames to statements."""

    def __init__(self, settings, gallery):
        self.settings = settings
        self.gallery = gallery
        self.scene = Scene()
        self.encodings = 0
        tracker = MotionTracker(coast_ms=settings.coast_ms, max_gap_ms=settings.max_gap_ms)
        self.follower = Follower(tracker, settings)

    def frame(self, at_ms, *actors, ref=None):
        moment = self.follower.follow(
            self.scene,
            detections(*(box_at(actor.x, actor.y) for actor in actors)),
            [quality(actor.score, actor.face_px, actor.reject, actor.yaw_deg) for actor in actors],
            frame_ref=ref or f"f{at_ms}",
            at_ms=at_ms,
        )
        rows = moment.rows
        self.encodings += len(rows)
        vectors = [actors[row].vector for row in rows]
        moment = self.follower.learn(moment, np.array(vectors, np.float32).reshape(-1, DIMENSION))
        matches, self.scene = self.follower.state(moment, self.gallery)
        return [
            Stated(track.track_id, match, row in rows)
            for row, (track, match) in enumerate(zip(moment.seen, matches, strict=True))
        ]


@pytest.fixture
def stage():
    """Makes a stage: `stage(gallery, setting=value)`."""

    def make(gallery=None, **settings):
        return Stage(FollowSettings(**settings), FakeGallery() if gallery is None else gallery)

    return make


@pytest.fixture
def scripted():
    """The builders of scripted scenes, by name."""
    from types import SimpleNamespace

    return SimpleNamespace(
        Actor=Actor,
        FakeGallery=FakeGallery,
        axis=axis,
        leaning=leaning,
        quality=quality,
        detections=detections,
        box_at=box_at,
    )
