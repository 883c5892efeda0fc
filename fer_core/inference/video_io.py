"""Reads and writes videos frame by frame: upright RGB with time stamps, without sound."""

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

MAX_SIDE = 1280  # pixels; larger videos are reduced while reading
MAX_PIXELS = 7680 * 4320  # of a frame; some codecs keep sixteen frames in memory

# FFmpeg reads more formats, some of which refer to other files and URLs: unsafe for uploads.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_TIME_BASE = Fraction(1, 90_000)
_DEFAULT_RATE = 25  # frames a second, if neither the frames nor the file have times
# Superfast uses no lookahead, so that memory does not depend on the video.
_H264 = {"preset": "superfast", "crf": "23"}
_LIMITED, _BT709 = 1, 1  # FFmpeg's numbers for a color range and a color space


@dataclass(frozen=True)
class Frame:
    """A frame of a video."""

    number: int  # from 0, counting all frames of the file
    seconds: float  # since the first frame; strictly increasing
    image: np.ndarray  # uint8 RGB, (height, width, 3); all frames have the same size


class VideoReader:
    """Reads a video once from its beginning; use it in a `with` block.

    Applies the rotation that phones record, and non-square pixels. Skips what cannot be decoded
    and counts it in `damaged`.
    """

    def __init__(self, path: Path, name: str = "", max_side: int = MAX_SIDE) -> None:
        """Opens the file; frames are reduced to at most `max_side` pixels a side.

        Raises:
            FerError: the file is not a video, is damaged, has no video stream, or frames of more
                than `MAX_PIXELS` pixels.
        """
        self.name = name or path.name
        self.max_side = max_side
        self.damaged = 0  # packets that could not be decoded
        self.reached = 0.0  # seconds: time of the last frame read, whether yielded or skipped
        self._container = _open(path, self.name)
        try:
            self._stream = self._video_stream()
        except FerError:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        self._shape: tuple[int, int] | None = None  # of all frames before rotation

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
        """Duration that the file states; None if it states none."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        duration = self._container.duration
        return duration / av.time_base if duration else None

    @property
    def frames(self) -> int | None:
        """Number of frames that the file states or implies; None if unknown."""
        if self._stream.frames:
            return int(self._stream.frames)
        rate = self._stream.average_rate
        return round(self.seconds * rate) if self.seconds and rate else None

    @property
    def step(self) -> float:
        """Average seconds between frames."""
        return float(1 / (self._stream.average_rate or _DEFAULT_RATE))

    @property
    def scale(self) -> float:
        """Pixels of the frames read per pixel of the video; at most 1."""
        context = self._stream.codec_context
        longer_side = max(_display_width(context.width, self._stream), context.height)
        return min(1.0, self.max_side / longer_side)

    def read(self, every: int = 1) -> Iterator[Frame]:
        """Yields every frame, or every Nth.

        Raises:
            FerError: no frame can be decoded.
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
                f"{self.name} cannot be read as a video: no frame can be decoded. It is damaged or "
                "incompletely copied."
            )

    def _video_stream(self) -> av.VideoStream:
        """Returns the first video stream that is not the cover image of an audio file."""
        cover = Disposition.attached_pic
        streams = [each for each in self._container.streams.video if not each.disposition & cover]
        if not streams:
            content = "only sound" if self._container.streams.audio else "nothing"
            raise FerError(f"{self.name} must contain a video stream. It contains {content}.")
        context = streams[0].codec_context
        if context is None:
            raise FerError(f"{self.name} uses a codec that is not supported here.")
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
        """Returns the frame's pixels, reduced before rotation, which is then faster."""
        if self._shape is None:
            width = _display_width(frame.width, self._stream)
            factor = min(1.0, self.max_side / max(width, frame.height))
            self._shape = max(1, round(frame.height * factor)), max(1, round(width * factor))
        height, width = self._shape
        image = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


class VideoWriter:
    """Writes an MP4 (H.264) that browsers play, frame by frame; use it in a `with` block.

    If the block ends with an error, the file is incomplete.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file for writing; overwrites an existing one."""
        # With the index first, browsers start playing before the download ends.
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
        """Adds a frame, uint8 RGB, that is shown from `seconds` on; all have the same size.

        Drops the last row or column of odd sizes, which H.264 does not support.

        Raises:
            FerError: the image is not RGB.
        """
        check_rgb(image)
        height, width = (max(2, side // 2 * 2) for side in image.shape[:2])
        if self._stream is None:
            self._stream = self._add_stream(height, width)
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image[:height, :width]), format="rgb24"
        ).reformat(self._stream.width, self._stream.height, "yuv420p", dst_colorspace="ITU709")
        self._last = max(self._last + 1, round(seconds / _TIME_BASE))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def _add_stream(self, height: int, width: int) -> av.VideoStream:
        stream = self._container.add_stream("libx264", options=dict(_H264))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = _TIME_BASE
        context.color_range, context.colorspace = _LIMITED, _BT709
        return stream


class _Clock:
    """Makes increasing times of the time stamps in a file, which may be missing or wrong."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.first: float | None = None
        self.last: float | None = None

    def read(self, time: float | None) -> float:
        """Returns seconds since the first frame, always more than at the last call."""
        if self.first is None:
            self.first = time
        if self.last is None:
            self.last = 0.0
        elif time is None or self.first is None or time - self.first <= self.last:
            self.last += self.step
        else:
            self.last = time - self.first
        return self.last


def _open(path: Path, name: str) -> av.container.InputContainer:
    try:
        return av.open(str(path), options=_OPTIONS)
    except FileNotFoundError as error:
        raise FerError(f"The video must exist. Received: {name}") from error
    except (av.error.FFmpegError, OSError) as error:
        raise FerError(f"{name} cannot be read as a video: {_reason(path)}.") from error


def _reason(path: Path) -> str:
    """Tells why a file could not be opened, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        return "it is empty"
    known = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    if known or head.startswith(b"\x1aE\xdf\xa3") or head[8:] == b"AVI ":
        return "it is damaged or incompletely copied"
    return "it is none of MP4, MOV, WebM, MKV or AVI"


def _display_width(width: int, stream: av.VideoStream) -> int:
    """Returns the width in square pixels; some videos have other ones."""
    return max(1, round(width * (stream.sample_aspect_ratio or 1)))
