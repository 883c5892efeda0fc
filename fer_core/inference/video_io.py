"""Films read and written frame by frame: upright RGB, each frame at its own time, without sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.stream import Disposition

from fer_core.errors import FerError
from fer_core.vision import check_rgb

LONGEST_SIDE = 1280  # pixels; larger films are reduced to it as they are read
MAX_PIXELS = 7680 * 4320  # of a frame; some codecs keep sixteen of them

# FFmpeg reads more, some of it lists of other files and addresses: not from a stranger's upload.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_TIME_BASE = Fraction(1, 90_000)
_RATE = 25  # frames a second, where neither a frame nor the file tells any time
# Superfast looks at no frame ahead, so that what it keeps in memory does not depend on the film.
_H264 = {"preset": "superfast", "crf": "23"}
_LIMITED, _BT709 = 1, 1  # FFmpeg's numbers for a colour range and a colour space


@dataclass(frozen=True)
class Frame:
    """A picture of a film."""

    number: int  # from 0, of all frames in the file
    seconds: float  # since the first; later than that of the frame before
    image: np.ndarray  # uint8 RGB, (height, width, 3), the same size throughout the film


class VideoReader:
    """A film to be read once from its beginning; used in a `with` block.

    A turned film, as telephones take them, comes upright, and what was squeezed in its original
    width. What cannot be decoded is left out; `damaged` counts it.
    """

    def __init__(self, path: Path, name: str = "", longest_side: int = LONGEST_SIDE) -> None:
        """Opens the file, whose frames are reduced to at most so many pixels a side.

        Raises:
            FerError: it is no film, is damaged, has no pictures, or frames of more than
                `MAX_PIXELS` pixels.
        """
        self.name = name or path.name
        self.longest_side = longest_side
        self.damaged = 0  # pieces of the file that could not be decoded
        self.reached = 0.0  # seconds: the last frame so far, whether it was given out or not
        self._container = _opened(path, self.name)
        try:
            self._stream = self._pictures()
        except ValueError:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        self._shape: tuple[int, int] | None = None  # of all frames before they are turned

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def seconds(self) -> float | None:
        """How long the file says that the film is; not every file does."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        duration = self._container.duration
        return duration / av.time_base if duration else None

    @property
    def frames(self) -> int | None:
        """How many frames it should have, by what the file says; not every file does."""
        if self._stream.frames:
            return int(self._stream.frames)
        rate = self._stream.average_rate
        return round(self.seconds * rate) if self.seconds and rate else None

    @property
    def step(self) -> float:
        """Seconds from a frame to the next, on average."""
        return float(1 / (self._stream.average_rate or _RATE))

    @property
    def scale(self) -> float:
        """Pixels of a frame as it is read, for one pixel as it is shown; at most 1."""
        context = self._stream.codec_context
        longest = max(_shown_width(context.width, self._stream), context.height)
        return min(1.0, self.longest_side / longest)

    def read(self, every: int = 1) -> Iterator[Frame]:
        """Every frame, or one of so many.

        Raises:
            FerError: none of it can be decoded.
        """
        if every < 1:
            raise FerError(f"`every` must be at least 1 frame. Received: {every}")
        number, clock = -1, _Clock(self.step)
        for number, decoded in enumerate(self._decoded()):
            self.reached = clock.read(decoded.time)
            if number % every == 0:
                yield Frame(number, self.reached, self._image(decoded))
        if number < 0:
            raise FerError(
                f"{self.name} cannot be read as a video: none of its pictures can be decoded. It "
                "is damaged, or was cut off while it was copied."
            )

    def _pictures(self) -> av.VideoStream:
        """The stream of pictures; a cover that a piece of music has is none."""
        cover = Disposition.attached_pic
        streams = [one for one in self._container.streams.video if not one.disposition & cover]
        if not streams:
            holds = "only sound" if self._container.streams.audio else "nothing"
            raise FerError(f"{self.name} must hold moving pictures. It holds {holds}.")
        context = streams[0].codec_context
        if context is None:
            raise FerError(f"{self.name} is in a format that cannot be decoded here.")
        if context.width * context.height > MAX_PIXELS:
            raise FerError(
                f"{self.name} must have frames of at most {MAX_PIXELS / 1e6:.0f} megapixels. "
                f"Received: {context.width}×{context.height}."
            )
        return streams[0]

    def _decoded(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the rest of the file is missing
                self.damaged += 1
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                self.damaged += 1

    def _image(self, frame: av.VideoFrame) -> np.ndarray:
        """The frame's pixels, reduced and then turned: a small picture turns quickly."""
        if self._shape is None:
            width = _shown_width(frame.width, self._stream)
            factor = min(1.0, self.longest_side / max(width, frame.height))
            self._shape = max(1, round(frame.height * factor)), max(1, round(width * factor))
        height, width = self._shape
        image = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


class VideoWriter:
    """An MP4 (H.264) that browsers play, written frame by frame; used in a `with` block.

    When the block ends with an error, the file is not whole.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file for writing; an older one is overwritten."""
        # The index in front: a browser begins to play before it has all of it.
        self._container = av.open(str(path), "w", options={"movflags": "faststart"})
        self._stream: av.VideoStream | None = None
        self._last = -1

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._stream is not None:
                self._container.mux(self._stream.encode())
        finally:
            self._container.close()

    def add(self, image: np.ndarray, seconds: float) -> None:
        """Adds a frame, uint8 RGB, all of one size, that is shown from so many seconds on.

        Of an odd width or height the last column or row is left out: H.264 has none.

        Raises:
            FerError: it is no RGB image.
        """
        check_rgb(image)
        height, width = (max(2, side // 2 * 2) for side in image.shape[:2])
        if self._stream is None:
            self._stream = self._started(height, width)
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image[:height, :width]), format="rgb24"
        ).reformat(self._stream.width, self._stream.height, "yuv420p", dst_colorspace="ITU709")
        self._last = max(self._last + 1, round(seconds / _TIME_BASE))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def _started(self, height: int, width: int) -> av.VideoStream:
        stream = self._container.add_stream("libx264", options=dict(_H264))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = _TIME_BASE
        context.color_range, context.colorspace = _LIMITED, _BT709
        return stream


class _Clock:
    """Times of frames from what the file says, which may be nothing or nonsense."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.first: float | None = None
        self.last: float | None = None

    def read(self, time: float | None) -> float:
        """Seconds since the first frame, always later than at the last call."""
        if self.first is None:
            self.first = time
        if self.last is None:
            self.last = 0.0
        elif time is None or self.first is None or time - self.first <= self.last:
            self.last += self.step
        else:
            self.last = time - self.first
        return self.last


def _opened(path: Path, name: str) -> av.container.InputContainer:
    try:
        return av.open(str(path), options=_OPTIONS)
    except FileNotFoundError as error:
        raise FerError(f"There must be a file of that name. Received: {name}") from error
    except (av.error.FFmpegError, OSError) as error:
        raise FerError(f"{name} cannot be read as a video: {_reason(path)}.") from error


def _reason(path: Path) -> str:
    """Why a file could not be opened, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        return "it is empty"
    known = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    if known or head.startswith(b"\x1aE\xdf\xa3") or head[8:] == b"AVI ":
        return "it is damaged, or was cut off while it was copied"
    return "it is none of MP4, MOV, WebM, MKV or AVI"


def _shown_width(width: int, stream: av.VideoStream) -> int:
    """The width in pixels as high as wide; some films are squeezed."""
    return max(1, round(width * (stream.sample_aspect_ratio or 1)))
