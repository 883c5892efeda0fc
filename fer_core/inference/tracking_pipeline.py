"""Finds, classifies and numbers the faces of a video's frames."""

import time
from collections.abc import Iterable, Iterator, Sequence

from fer_core.inference.frame_pipeline import FramePipeline
from fer_core.inference.recognition import Classifier
from fer_core.inference.tracking import PATIENCE, TrackedFace, Tracker
from fer_core.inference.video_io import Frame
from fer_core.inference.videos import VideoSettings
from fer_core.vision import CutDetector, Face, FaceDetector

BATCH = 16  # frames; 44 MB at the maximum size
_MAX_BATCH_SECONDS = 5.0  # then even a smaller batch is processed, so that "Stop" is answered


class TrackingPipeline:
    """Finds, classifies and numbers the faces of one video. Not thread-safe."""

    def __init__(
        self,
        detector: FaceDetector,
        classifier: Classifier,
        settings: VideoSettings,
        scale: float,
        pause: float,
    ) -> None:
        """Takes the settings of a video.

        Args:
            scale: pixels of the frames per pixel of the video.
            pause: seconds between two frames.
        """
        smallest = settings.smallest_face and max(1, round(settings.smallest_face * scale))
        self._pipeline = FramePipeline(detector, classifier, smallest, settings.confidence)
        self.class_names = classifier.class_names
        self._cuts = CutDetector()
        # A face may be missed in two processed frames, however far apart they are.
        self._tracker = Tracker(settings.time_constant, max(PATIENCE, 3 * pause))
        self.faces = 0  # distinct faces so far

    def recognize(
        self, frames: Sequence[Frame]
    ) -> Iterator[tuple[Frame, list[tuple[Face, TrackedFace]]]]:
        """Yields the faces of the next frames, all classified in one batch."""
        cuts = [self._cuts.is_cut(frame.image) for frame in frames]
        results = self._pipeline.recognize(
            [(frame.image, frame.seconds, cut) for frame, cut in zip(frames, cuts, strict=True)]
        )
        for frame, found, cut in zip(frames, results, cuts, strict=True):
            if cut:
                self._tracker.forget()
            tracked = self._tracker.follow(frame.seconds, found)
            self.faces = max([self.faces, *(face.number for face in tracked)])
            yield frame, list(zip(found.faces, tracked, strict=True))


def batched_frames(frames: Iterable[Frame], size: int = BATCH) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    started = time.monotonic()
    for frame in frames:
        batch.append(frame)
        if len(batch) == size or time.monotonic() - started > _MAX_BATCH_SECONDS:
            yield batch
            batch, started = [], time.monotonic()
    if batch:
        yield batch
