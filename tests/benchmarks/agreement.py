"""How far a system says what the slow reference says."""

from systems import Names

from streams.demo.truth import iou

MIN_IOU = 0.3


def agreement(names: Names, reference: Names) -> float | None:
    """Of the face-frames that the reference sees, the share that bears the same name; None if it sees none.

    Faces are the same from an overlap of MIN_IOU on. Where the reference states no name, to state none is the same,
    be it that the face was not seen.
    """
    seen = same = 0
    for frame, faces in reference.items():
        said = names.get(frame, ())
        for box, name in faces:
            seen += 1
            nearest = max(said, key=lambda face: iou(face[0], box), default=None)
            stated = nearest[1] if nearest is not None and iou(nearest[0], box) >= MIN_IOU else None
            same += stated == name
    return same / seen if seen else None
