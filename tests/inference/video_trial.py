"""Processes videos in processes of their own, and reports how each ended.

`python -m tests.inference.video_trial FOLDER` prints a line of JSON for each file: its outcome,
frames read and shown, seconds, megabytes of memory, bytes on disk.
"""

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_core.errors import FerError
from fer_core.inference.video_io import VideoReader
from fer_core.inference.video_task import recognize_video
from fer_core.inference.videos import Video
from fer_core.storage.files import write_json
from fer_core.vision.detection import Box, Face, Landmarks

SECONDS = 30  # for one file
MEMORY = 3 << 30  # bytes that one file may take
_POINT = (0.0, 0.0)


class OneFace:
    """Finds a face in the middle of every image, without TensorFlow."""

    def detect(self, image: np.ndarray, *_: object) -> list[Face]:
        height, width = image.shape[:2]
        box = Box(width // 4, height // 4, max(1, width // 2), max(1, height // 2))
        return [Face(box, Landmarks(_POINT, (1.0, 0.0), _POINT, _POINT, _POINT), 0.99)]

    def follow(self, image: np.ndarray, boxes: Sequence[Box], *_: object) -> list[Face]:
        return self.detect(image)


class Brightness:
    """Classifies by brightness, without TensorFlow."""

    class_names = ("sad", "happy")
    margin = 0.0

    def pixels(self, image: np.ndarray) -> np.ndarray:
        return np.full((1, 1, 1), image.mean(), np.uint8)

    def predict_pixels(self, pixels: Sequence[np.ndarray]) -> np.ndarray:
        happy = np.asarray(pixels, np.float32).reshape(-1, 1) / 255
        return np.column_stack([1 - happy, happy])

    def is_blurred(self, pixels: np.ndarray) -> bool:
        return False


def process(source: Path, directory: Path) -> dict[str, object]:
    """Processes a video and returns what came of it."""
    video = Video(directory)
    try:
        with VideoReader(source, source.name) as reader:
            summary = recognize_video(reader, video, OneFace(), Brightness(), lambda _: True)  # type: ignore[arg-type]
    except FerError as error:
        return {"outcome": "sentence", "text": str(error)}
    except BaseException:
        return {"outcome": "exception", "text": traceback.format_exc()}
    write_json(directory / "result.json", summary.to_record())
    assert video.summary == summary
    with VideoReader(video.annotated_file) as annotated:
        shown = sum(1 for _ in annotated.read())
    record = {"frames": summary.frames, "seconds": summary.seconds, "damaged": summary.damaged}
    return {"outcome": "result", "shown": shown, **record}


def trial(source: Path) -> dict[str, object]:
    """Processes a video in a child with limits; measures its time, memory and files."""
    directory = Path(tempfile.mkdtemp())
    started, answer = time.monotonic(), directory / "answer.json"
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        (directory / "task").mkdir()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = process(source, directory / "task")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
        answer.write_text(
            json.dumps(outcome | {"megabytes": (after - before) / 1024, "disk": size})
        )
        os._exit(0)
    _, status = os.waitpid(child, 0)
    outcome = json.loads(answer.read_text()) if answer.exists() else {"outcome": f"died {status}"}
    shutil.rmtree(directory)
    return {"name": source.name, **outcome, "time": time.monotonic() - started}


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).iterdir()):
        sys.stdout.write(json.dumps(trial(path)) + "\n")
