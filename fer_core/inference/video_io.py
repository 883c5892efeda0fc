"""Reads and writes videos frame by frame: upright RGB with time stamps, without sound."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO

import av
import numpy as np
from av.stream import Disposition

from fer_core.errors import FerError
from fer_core.storage import DamagedFileError, open_regular
from fer_core.vision import check_rgb

MAX_SIDE = 1280  # pixels; larger videos are reduced while reading
MAX_PIXELS = 8192 * 4352  # of a frame: 8K
MAX_FRAME_BYTES = 150_000_000  # some codecs keep twenty frames; 8K in HDR takes 142 MB
MAX_CUTS = 1_000
MAX_GAP = 60.0  # seconds; longer gaps between frames are shortened when written

_OPTIONS = {
    # FFmpeg reads more formats, some of which refer to other files and URLs: unsafe for uploads.
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    "protocol_whitelist": "none",  # the file is open already, and no other is needed
    # Opening a file decodes a frame of each of its streams, and keeps all of them.
    "max_streams": "32",
    "max_pixels": str(4096 * 2304),
}
_MAX_THREADS = 4  # of the decoder, which keeps a frame for each
_MAX_REPETITIONS = 4  # of the file: an index of a few bytes can repeat frames a million times
_MAX_KEPT = 64_000_000  # bytes of packets from a key frame to the start of a clip
_PATIENCE = 30.0  # seconds without a frame after which the rest of the file is given up
_MAX_SECONDS = 1e10  # of a time stamp, 300 years; a float still tells frames apart there
_STEP_RANGE = 1e-3, 3600.0  # seconds between frames that a file may state
_PIXEL_RANGE = Fraction(1, 8), Fraction(8)  # width of a pixel by its height
_UNREADABLE = ("yaf32le", "yaf32be")  # FFmpeg 8.0 ends the process when it converts these pixels
_TIME_BASE = Fraction(1, 90_000)
_DEFAULT_RATE = 25  # frames a second, if neither the frames nor the file have times
# Superfast uses no lookahead, so that memory does not depend on the video.
_H264 = {"preset": "superfast", "crf": "23"}
_LIMITED, _BT709 = 1, 1  # FFmpeg's numbers for a color range and a color space


@dataclass(frozen=True)
class Frame:
    """Holds a frame of a video."""

    number: int  # from 0, counting all frames of the file
    seconds: float  # since the first frame; strictly increasing
    image: np.ndarray  # uint8 RGB, (height, width, 3); all frames have the same size


class VideoReader:
    """Reads a video once from its beginning; use it in a `with` block.

    Applies the rotation that phones record, and non-square pixels. Skips what cannot be decoded
    and counts it in `damaged`. Ends early where the file repeats itself or nothing can be decoded
    for long, and counts the rest as one damaged part. Opens no other file, whatever is written in
    this one.
    """

    def __init__(self, path: Path, name: str = "", max_side: int = MAX_SIDE) -> None:
        """Opens the file; frames are reduced to at most `max_side` pixels a side.

        Raises:
            FerError: the file is not a video, is damaged, has no video stream, or frames of more
                than `MAX_PIXELS` pixels.
        """
        self.name = name or path.name
        self.max_side = max_side
        self.damaged = 0  # parts of the file that could not be decoded
        self.reached = 0.0  # seconds: time of the last frame read, whether yielded or skipped
        with ExitStack() as opened:
            file = _open_file(opened, path, self.name)
            self._bytes = os.fstat(file.fileno()).st_size
            self._container = opened.enter_context(_open_container(file, self.name))
            self._stream = self._video_stream()
            context = self._stream.codec_context
            context.thread_type, context.thread_count = "AUTO", _threads()
            context.options = {"max_pixels": str(MAX_PIXELS)}
            self._opened = opened.pop_all()
        self._form = _Form(context.height, context.width, self._stream, max_side)
        self._has_form = False  # whether it is that of the first frame, which all others get

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    @property
    def seconds(self) -> float | None:
        """Returns the duration that the file states; None if it states none that is possible."""
        duration, unit = self._stream.duration, self._stream.time_base
        if not duration or not unit:
            duration, unit = self._container.duration, Fraction(1, av.time_base)
        seconds = float(duration * unit) if duration else 0.0
        return seconds if 0 < seconds < _MAX_SECONDS else None

    @property
    def frames(self) -> int | None:
        """Returns the number of frames that the file states or implies; None if not possible."""
        count = int(self._stream.frames)
        if not count and self.seconds:
            count = round(self.seconds / self.step)
        return count if 0 < count <= self._bytes else None

    @property
    def step(self) -> float:
        """Returns the average seconds between frames."""
        lowest, highest = _STEP_RANGE
        step = float(1 / (self._stream.average_rate or _DEFAULT_RATE))
        return min(max(step, lowest), highest)

    @property
    def scale(self) -> float:
        """Returns the pixels of the frames read per pixel of the video; at most 1.

        Until a frame is read, follows from the size that the file states.
        """
        return self._form.scale

    def read(
        self,
        every: int = 1,
        *,
        per_second: float | None = None,
        start: float = 0.0,
        end: float = math.inf,
    ) -> Iterator[Frame]:
        """Yields every frame, every Nth, or so many per second, of all or of a part.

        Args:
            every: 1 for every frame; counts from the first frame of the part.
            per_second: frames in a second, the first of each interval; `every` then does not count.
            start: seconds at which the part begins.
            end: seconds at which it ends; a frame at that time still belongs to it.

        Raises:
            FerError: no frame can be decoded, none is in the part, or one takes more than
                `MAX_FRAME_BYTES`.
        """
        if every < 1:
            raise FerError(f"`every` must be at least 1 frame. Received: {every}")
        clock, sampler = _Clock(self.step), _Sampler(every, per_second, start)
        number, has_frame = -1, False
        for number, decoded in self._decoded(start):
            seconds = clock.read(decoded.time)
            if seconds > end:
                break
            self.reached = seconds
            image = self._image(decoded) if sampler.takes(seconds) else None
            if image is not None:
                has_frame = True
                yield Frame(number, seconds, image)
        if number >= 0 and self.reached < start:
            until = "" if math.isinf(end) else f" to {end:g}"
            raise FerError(
                f"{self.name} must have a frame in the part from {start:g}{until} s. The last one "
                f"before it is at {self.reached:.2f} s."
            )
        if not has_frame:
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

    def _decoded(self, start: float) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yields frames with their numbers: the first, and those from shortly before `start` on."""
        left, last = _MAX_REPETITIONS * self._bytes, time.monotonic()
        number, jump = 0, _Jump(start)
        for packet in self._packets():
            left -= max(1, packet.size)
            if left < 0 or time.monotonic() - last > _PATIENCE:
                self.damaged += 1
                return
            needed = jump.add(packet)
            if not needed:
                last = time.monotonic()
                continue
            if jump.lands:
                self._stream.codec_context.flush_buffers()
                number = jump.land()
            for each in needed:
                frames = self._decode(each)
                for frame in frames:
                    jump.start_at(frame.time)
                    yield number, frame
                    number += 1
                if frames:
                    last = time.monotonic()

    def _decode(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            return list(packet.decode())
        except av.error.FFmpegError:
            self.damaged += 1
            return []

    def _packets(self) -> Iterator[av.Packet]:
        try:
            yield from self._container.demux(self._stream)
        except av.error.FFmpegError:  # the rest of the file is missing
            self.damaged += 1

    def _image(self, frame: av.VideoFrame) -> np.ndarray | None:
        """Returns the frame's pixels, reduced before rotation, which is then faster.

        Returns None, and counts it as damaged, if the pixels have a format that cannot be
        converted.
        """
        if not self._has_form:
            self._check_frame_size(frame)
            turns = round(frame.rotation / 90)
            self._form = _Form(frame.height, frame.width, self._stream, self.max_side, turns)
            self._has_form = True
        height, width = self._form.fit(frame.height, _display_width(frame.width, self._stream))
        try:
            if frame.format.name in _UNREADABLE:
                raise ValueError(frame.format.name)
            image = frame.to_ndarray(format="rgb24", width=width, height=height)
        except (av.error.FFmpegError, ValueError):
            self.damaged += 1
            return None
        return self._form.place(image)

    def _check_frame_size(self, frame: av.VideoFrame) -> None:
        size = sum(plane.buffer_size for plane in frame.planes)
        if size > MAX_FRAME_BYTES:
            raise FerError(
                f"{self.name} must have frames of at most {MAX_FRAME_BYTES / 1e6:.0f} MB. "
                f"Received: {frame.width}×{frame.height} as {frame.format.name}, "
                f"{size / 1e6:.0f} MB. Convert it to a smaller size or to 8 bits."
            )


class _Form:
    """Holds the size and rotation of all frames of a video."""

    def __init__(
        self, height: int, width: int, stream: av.VideoStream, max_side: int, turns: int = 0
    ) -> None:
        """Takes the size of a frame, in its own pixels, and quarter turns counterclockwise."""
        height, width = max(1, height), _display_width(width, stream)
        self.scale = min(1.0, max_side / max(height, width))
        self._shape = max(1, round(height * self.scale)), max(1, round(width * self.scale))
        self._turns = turns

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """Returns the size in which a frame of any size fits, with the same proportions."""
        factor = min(self._shape[0] / height, self._shape[1] / width)
        return max(1, round(height * factor)), max(1, round(width * factor))

    def place(self, image: np.ndarray) -> np.ndarray:
        """Returns an image that `fit` as a frame: in the middle of a black one, and upright."""
        if image.shape[:2] != self._shape:
            margins = np.subtract(self._shape, image.shape[:2])
            image = np.pad(image, [*((m // 2, m - m // 2) for m in margins.tolist()), (0, 0)])
        return np.ascontiguousarray(np.rot90(image, self._turns))


class VideoWriter:
    """Writes an MP4 (H.264) that browsers play, frame by frame; use it in a `with` block.

    Shortens gaps between frames to `MAX_GAP`: nobody waits for ten hours, and an MP4 cannot hold
    such a gap. If the block ends with an error, the file is incomplete.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file for writing; overwrites an existing one."""
        # With the index first, browsers start playing before the download ends.
        self._container = av.open(str(path), "w", options={"movflags": "faststart"})
        self.shortened = 0.0  # seconds by which all gaps together were shortened
        self._cuts: list[tuple[float, float]] = []
        self._stream: av.VideoStream | None = None
        self._last = -1  # ticks and seconds of the last frame
        self._last_seconds = 0.0

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

        Times increase. Drops the last row or column of odd sizes, which H.264 does not support.

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
        if seconds - self._last_seconds > MAX_GAP:
            self.shortened += seconds - self._last_seconds - MAX_GAP
            self._cuts.append((round(seconds, 3), round(self.shortened, 3)))
        self._last_seconds = seconds
        self._last = max(self._last + 1, round((seconds - self.shortened) / _TIME_BASE))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._container.mux(self._stream.encode(frame))

    @property
    def cuts(self) -> tuple[tuple[float, float], ...]:
        """Returns the time after each shortened gap, and the seconds cut up to there.

        Returns none if there are more than `MAX_CUTS`.
        """
        return tuple(self._cuts) if len(self._cuts) <= MAX_CUTS else ()

    def _add_stream(self, height: int, width: int) -> av.VideoStream:
        stream = self._container.add_stream("libx264", options=dict(_H264))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = _TIME_BASE
        context.color_range, context.colorspace = _LIMITED, _BT709
        return stream


class _Sampler:
    """Chooses among successive frames those that are read."""

    def __init__(self, every: int, per_second: float | None, start: float) -> None:
        self._every, self._per_second, self._start = every, per_second, start
        self._count = 0  # frames since the start
        self._slot = -1  # interval of the last frame taken

    def takes(self, seconds: float) -> bool:
        """Tells whether the next frame, which has this time, is one of them."""
        if seconds < self._start:
            return False
        self._count += 1
        if self._per_second is None:
            return (self._count - 1) % self._every == 0
        # Times in files are rounded: a frame at 0.9999 s opens the interval that begins at 1 s.
        slot = math.floor((seconds - self._start) * self._per_second + 0.01)
        is_first, self._slot = slot > self._slot, max(slot, self._slot)
        return is_first


class _Jump:
    """Leaves out packets before the last key frame at or before a time: they need no decoding.

    Reads packet by packet instead of seeking: frames keep their numbers, and files without an
    index, or with a wrong one, give the same frames.
    """

    def __init__(self, start: float) -> None:
        self._start = start  # seconds since the first frame
        self._first: float | None = None  # time stamp of that frame
        self._is_over = start <= 0
        self._kept: list[av.Packet] = []  # since the last key frame
        self._bytes = 0
        self._count = 0  # packets so far
        self._key: tuple[float, int] | None = None  # time and number of that key frame
        self.lands = False  # whether packets were left out before those just returned

    def start_at(self, time: float | None) -> None:
        """Begins to leave out packets, after the first frame, which has this time stamp."""
        if self._first is None and not self._is_over:
            self._first, self._is_over = time, time is None

    def add(self, packet: av.Packet) -> list[av.Packet]:
        """Returns the packets to be decoded next; none while they may be left out."""
        number = self._count
        self._count += not packet.is_discard
        if self._is_over or self._first is None:
            return [packet]
        stamp, unit = packet.pts, packet.time_base
        seconds = None if stamp is None or not unit else float(stamp * unit) - self._first
        is_usual = seconds is not None and (self._key is None or seconds >= self._key[0])
        if seconds is not None and packet.is_keyframe and is_usual and seconds <= self._start:
            self._key, self._kept, self._bytes = (seconds, number), [], 0
        self._kept.append(packet)
        self._bytes += packet.size
        # Also ends where the times are unusual, or where a key frame is too long ago.
        if seconds is None or seconds >= self._start or self._bytes > _MAX_KEPT:
            return self._release()
        return []

    def land(self) -> int:
        """Returns the number of the first frame after those left out."""
        self.lands = False
        return self._key[1] if self._key else 0

    def _release(self) -> list[av.Packet]:
        self._is_over, self.lands = True, self._key is not None
        kept, self._kept = self._kept, []
        return kept


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
        elif (
            time is None
            or self.first is None
            or not self.last < time - self.first <= max(self.last, _MAX_SECONDS)
        ):
            self.last += self.step
        else:
            self.last = time - self.first
        return self.last


def _open_file(opened: ExitStack, path: Path, name: str) -> IO[bytes]:
    try:
        return opened.enter_context(open_regular(path))
    except FileNotFoundError as error:
        raise FerError(f"The video must exist. Received: {name}") from error
    except DamagedFileError as error:
        raise FerError(f"{name} {error.problem}.") from error


def _open_container(file: IO[bytes], name: str) -> av.container.InputContainer:
    try:
        return av.open(file, "r", options=_OPTIONS, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        raise FerError(f"{name} cannot be read as a video: {_reason(file)}.") from error


def _reason(file: IO[bytes]) -> str:
    """Tells why a file could not be opened, by its first bytes."""
    file.seek(0)
    head = file.read(12)
    if not head:
        return "it is empty"
    known = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    if known or head.startswith(b"\x1aE\xdf\xa3") or head[8:] == b"AVI ":
        return "it is damaged or incompletely copied"
    return "it is none of MP4, MOV, WebM, MKV or AVI"


def _threads() -> int:
    return min(_MAX_THREADS, os.cpu_count() or 1)


def _display_width(width: int, stream: av.VideoStream) -> int:
    """Returns the width in square pixels; some videos have other ones."""
    narrowest, widest = _PIXEL_RANGE
    ratio = stream.sample_aspect_ratio or Fraction(1)
    return max(1, round(width * ratio) if narrowest <= ratio <= widest else width)
