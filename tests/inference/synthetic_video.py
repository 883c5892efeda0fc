"""Films for tests: drawn ones, and a real face that crosses a gray picture."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from skimage import data

from fer_core.inference.video_io import VideoWriter
from fer_core.vision.images import resize

FACE = data.astronaut()[20:260, 100:340]  # 240×240 pixels; scikit-image's, NASA


def gray_frames(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Frames of one gray each, from dark to light."""
    shades = np.linspace(20, 230, count).astype(np.uint8)
    return [np.full((height, width, 3), shade, np.uint8) for shade in shades]


def face_frames(
    count: int, *, faces: int = 1, height: int = 240, width: int = 320
) -> list[np.ndarray]:
    """A face, or two side by side, that move to the right by two pixels a frame."""
    side = 120
    frames = []
    for number in range(count):
        frame = np.full((height, width, 3), 128, np.uint8)
        for face in range(faces):
            left = 10 + 2 * number + face * (side + 20)
            frame[60 : 60 + side, left : left + side] = resize(FACE, side, side)
        frames.append(frame)
    return frames


def write_film(
    path: Path, frames: Sequence[np.ndarray], seconds: Sequence[float] | None = None
) -> Path:
    """An MP4 of these frames, 25 a second unless told otherwise."""
    times = seconds if seconds is not None else [number / 25 for number in range(len(frames))]
    with VideoWriter(path) as writer:
        for frame, time in zip(frames, times, strict=True):
            writer.add(frame, time)
    return path


def encode_as(path: Path, codec: str, frames: Sequence[np.ndarray]) -> Path:
    """A film of another kind, by its suffix, 25 frames a second."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """A file with sound and no pictures."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 16_000, 1024 * number
            frame.time_base = Fraction(1, 16_000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def turn(path: Path, quarters: int) -> Path:
    """Marks an MP4 to be shown turned clockwise by so many quarters, as telephones do."""
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd")
    matrix = header + 4 + 40  # behind version, times, number, duration, layer and volume
    one, none = 1 << 16, 0
    a, b, c, d = [
        (one, none, none, one),
        (none, one, -one, none),
        (-one, none, none, -one),
        (none, -one, one, none),
    ][quarters]
    for place, value in zip((0, 4, 12, 16), (a, b, c, d), strict=True):
        content[matrix + place : matrix + place + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    return path
