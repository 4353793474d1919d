"""What a detector says of a picture in which nobody is."""

import numpy as np

from models.types import Detections

NO_FACES = Detections(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty((0,), np.float32))
