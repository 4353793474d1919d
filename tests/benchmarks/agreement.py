"""How far a system says what the slow reference says."""

from systems import Names

from streams.demo.truth import iou

MIN_IOU = 0.3


def agreement(names: Names, reference: Names) -> float | None:
    """Of the face-frames that the reference names, the share that bears the same name; None if it names none.

    Faces are the same from an overlap of MIN_IOU on. What the reference leaves without a name counts neither
    way: a followed face keeps its name while it turns away, which a frame by itself cannot know.
    """
    named = same = 0
    for frame, faces in reference.items():
        said = names.get(frame, ())
        for box, name in faces:
            if name is None:
                continue
            named += 1
            nearest = max(said, key=lambda face: iou(face[0], box), default=None)
            same += nearest is not None and iou(nearest[0], box) >= MIN_IOU and nearest[1] == name
    return same / named if named else None
