"""Writes MP4, Matroska and AVI byte by byte, so that any field can lie.

A well-behaved muxer refuses to write the files that the tests need.
"""

import io
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import av
import numpy as np

TIME_SCALE = 1000  # ticks a second of the MP4s


@dataclass(frozen=True)
class Encoded:
    """The packets of a video, without a container."""

    packets: tuple[bytes, ...]
    header: bytes  # the codec's, "extradata"
    height: int
    width: int


def encode_packets(
    codec: str, frames: Sequence[np.ndarray], pix_fmt: str = "yuv420p", **options: str
) -> Encoded:
    """Encodes frames, uint8 RGB; each is a packet."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        output.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as container:
        stream = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
        header = stream.codec_context.extradata or b""
    return Encoded(tuple(packets), header, *frames[0].shape[:2])


# --- MP4 ---


def box(kind: bytes, *parts: bytes, size: int | None = None) -> bytes:
    """Returns an MP4 box; a size that is given is a lie."""
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8 if size is None else size, kind) + content


def full_box(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    """Returns an MP4 box with version 0 and flags."""
    return box(kind, struct.pack(">I", flags), *parts)


def words(*values: int) -> bytes:
    """Returns 32-bit numbers, big-endian, modulo 2^32."""
    return b"".join(struct.pack(">I", value % 2**32) for value in values)


UPRIGHT = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


@dataclass(frozen=True)
class Mp4:
    """Fields of an MP4 with one track of H.264; what is None follows from the video."""

    video: Encoded
    deltas: Sequence[tuple[int, int]] | None = None  # (count, ticks)
    offsets: Sequence[tuple[int, int]] = ()  # (count, ticks): of composition
    time_scale: int = TIME_SCALE
    duration: int | None = None
    matrix: Sequence[int] = UPRIGHT
    size: tuple[int, int] | None = None  # (height, width) as the track states
    coded: tuple[int, int] | None = None  # as the sample description states
    pixel: tuple[int, int] | None = None  # aspect ratio of a pixel
    edits: Sequence[tuple[int, int, int]] = ()  # (duration, media time, rate)
    sizes: bytes | None = None  # content of `stsz`
    chunks: bytes | None = None  # content of `stsc`
    places: int = 1  # chunks, all at the same place
    entry: bytes = b"avc1"
    data_reference: bytes | None = None
    header: bytes | None = None  # content of `avcC`
    traks: int = 1
    extra: bytes = b""  # in `moov`
    index_last: bool = False

    def content(self) -> bytes:
        """Returns the file."""
        head = box(b"ftyp", b"isom", words(512), b"isomiso2avc1mp41")
        data = box(b"mdat", *self.video.packets)
        if self.index_last:
            return head + data + self._index(len(head) + 8)
        size = len(self._index(0))
        return head + self._index(len(head) + size + 8) + data

    def _index(self, place: int) -> bytes:
        duration = self._duration()
        movie = full_box(
            b"mvhd", words(0, 0, self.time_scale, duration, 1 << 16, 1 << 24, 0, 0),
            words(*UPRIGHT), words(0, 0, 0, 0, 0, 0, 2),
        )  # fmt: skip
        return box(b"moov", movie, self._trak(place) * self.traks, self.extra)

    def _duration(self) -> int:
        return 40 * len(self.video.packets) if self.duration is None else self.duration

    def _trak(self, place: int) -> bytes:
        height, width = self.size or (self.video.height, self.video.width)
        head = full_box(
            b"tkhd", words(0, 0, 1, 0, self._duration(), 0, 0, 0, 0), words(*self.matrix),
            words(width << 16, height << 16), flags=3,
        )  # fmt: skip
        edits = b""
        if self.edits:
            rows = b"".join(words(*edit) for edit in self.edits)
            edits = box(b"edts", full_box(b"elst", words(len(self.edits)), rows))
        media = full_box(b"mdhd", words(0, 0, self.time_scale, self._duration(), 0x55C40000))
        handler = full_box(b"hdlr", words(0), b"vide", words(0, 0, 0), b"video\0")
        reference = self.data_reference or full_box(b"url ", flags=1)
        references = box(b"dinf", full_box(b"dref", words(1), reference))
        kind = full_box(b"vmhd", words(0, 0), flags=1)
        table = box(b"minf", kind, references, self._table(place))
        return box(b"trak", head, edits, box(b"mdia", media, handler, table))

    def _table(self, place: int) -> bytes:
        count = len(self.video.packets)
        deltas = [(count, 40)] if self.deltas is None else self.deltas
        lengths = [len(packet) for packet in self.video.packets]
        parts = [
            full_box(b"stsd", words(1), self._description()),
            full_box(b"stts", words(len(deltas)), *(words(*each) for each in deltas)),
            full_box(b"stsz", self.sizes or words(0, count, *lengths)),
            full_box(b"stsc", self.chunks or words(1, 1, count, 1)),
            full_box(b"stco", words(self.places), words(place) * self.places),
        ]
        if self.offsets:
            rows = [words(*each) for each in self.offsets]
            parts.append(box(b"ctts", words(1 << 24, len(rows)), *rows))
        return box(b"stbl", *parts)

    def _description(self) -> bytes:
        height, width = self.coded or (self.video.height, self.video.width)
        fields = words(0, 1, 0, 0, 0, 0) + struct.pack(">HH", width, height)
        fields += words(0x480000, 0x480000, 0) + struct.pack(">H32sHh", 1, b"", 24, -1)
        pixel = box(b"pasp", words(*self.pixel)) if self.pixel else b""
        header = self.video.header if self.header is None else self.header
        return box(self.entry, fields, box(b"avcC", header), pixel)


# --- Matroska ---


def element(identifier: int, *parts: bytes, size: int | None = None) -> bytes:
    """Returns an EBML element; a size that is given is a lie, and -1 means unknown."""
    content = b"".join(parts)
    length = len(content) if size is None else size
    code = b"\x01" + b"\xff" * 7 if length == -1 else struct.pack(">Q", length | 1 << 56)
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big") + code + content


def number(identifier: int, value: int) -> bytes:
    """Returns an element with an unsigned number."""
    return element(identifier, (value % 2**64).to_bytes(8, "big"))


def real(identifier: int, value: float) -> bytes:
    """Returns an element with a real number."""
    return element(identifier, struct.pack(">d", value))


@dataclass(frozen=True)
class Mkv:
    """Fields of a Matroska file with one video track."""

    packets: Sequence[bytes]
    codec: bytes = b"V_MJPEG"
    header: bytes = b""
    height: int = 48
    width: int = 64
    times: Sequence[int] | None = None  # of each packet, in units of `scale`
    scale: int = 1_000_000  # nanoseconds
    duration: float | None = None
    frame_duration: int | None = 40_000_000  # nanoseconds
    display: tuple[int, int] | None = None  # (height, width)
    video: bytes = b""  # more elements of the track's `Video`
    track: bytes = b""  # more elements of the track
    segment: bytes = b""  # more elements after the tracks
    block_head: bytes = b"\x80"  # flags of each block, and lacing
    file_type: bytes = b"matroska"
    tracks: int = 1
    one_each: bool = False  # whether each packet is of the next track, instead of the first
    segment_size: int = -1

    def content(self) -> bytes:
        """Returns the file."""
        head = element(0x1A45DFA3, element(0x4282, self.file_type))
        info = number(0x2AD7B1, self.scale)
        if self.duration is not None:
            info += real(0x4489, self.duration)
        tracks = b"".join(self._track(place + 1) for place in range(self.tracks))
        segment = element(
            0x18538067, element(0x1549A966, info), element(0x1654AE6B, tracks), self.segment,
            *self._clusters(), size=self.segment_size,
        )  # fmt: skip
        return head + segment

    def _track(self, place: int) -> bytes:
        video = number(0xB0, self.width) + number(0xBA, self.height) + self.video
        if self.display:
            video += number(0x54B0, self.display[1]) + number(0x54BA, self.display[0])
        parts = [number(0xD7, place), number(0x73C5, place), number(0x83, 1)]
        parts += [element(0x86, self.codec), element(0xE0, video), self.track]
        if self.header:
            parts.append(element(0x63A2, self.header))
        if self.frame_duration is not None:
            parts.append(number(0x23E383, self.frame_duration))
        return element(0xAE, *parts)

    def _clusters(self) -> Iterable[bytes]:
        times = self.times or [40 * place for place in range(len(self.packets))]
        for place, (time, packet) in enumerate(zip(times, self.packets, strict=True), 1):
            track = bytes([0x80 | (place if self.one_each else 1)])
            block = element(0xA3, track, bytes(2), self.block_head, packet)
            yield element(0x1F43B675, number(0xE7, time), block)


# --- AVI ---


def chunk(kind: bytes, *parts: bytes, size: int | None = None) -> bytes:
    """Returns a RIFF chunk; a size that is given is a lie."""
    content = b"".join(parts)
    length = len(content) if size is None else size
    return struct.pack("<4sI", kind, length % 2**32) + content + b"\0" * (len(content) % 2)


@dataclass(frozen=True)
class Avi:
    """Fields of an AVI with one video stream."""

    packets: Sequence[bytes]
    fourcc: bytes = b"MJPG"
    height: int = 48
    width: int = 64
    scale: int = 1
    rate: int = 25
    length: int | None = None  # frames, as the stream states
    bits: int = 24
    header: bytes = b""  # after the bitmap header: a palette
    sample_size: int = 0
    extra: bytes = b""  # in the stream's list: an OpenDML index
    streams: bytes = b""  # more streams
    chunks: bytes = b""  # their packets
    with_index: bool = True

    def content(self) -> bytes:
        """Returns the file."""
        count = len(self.packets)
        length = count if self.length is None else self.length
        main = struct.pack(
            "<14I", 40_000, 0, 0, 0x10, count, 0, 1, 0, self.width % 2**32, self.height % 2**32,
            0, 0, 0, 0,
        )  # fmt: skip
        stream = struct.pack(
            "<4s4sIHHIIIIIIiI8s", b"vids", self.fourcc, 0, 0, 0, 0, self.scale, self.rate, 0,
            length % 2**32, 0, -1, self.sample_size, b"",
        )  # fmt: skip
        bitmap = struct.pack(
            "<IiiHH4sIiiII", 40 + len(self.header), self.width, self.height, 1, self.bits,
            self.fourcc, 0, 0, 0, 0, 0,
        )  # fmt: skip
        strl = chunk(
            b"LIST", b"strl", chunk(b"strh", stream), chunk(b"strf", bitmap, self.header),
            self.extra,
        )  # fmt: skip
        header = chunk(b"LIST", b"hdrl", chunk(b"avih", main), strl, self.streams)
        frames = (chunk(b"00dc", packet) for packet in self.packets)
        movie = chunk(b"LIST", b"movi", *frames, self.chunks)
        return chunk(b"RIFF", b"AVI ", header, movie, self._index() if self.with_index else b"")

    def _index(self) -> bytes:
        rows, place = [], 4
        for packet in self.packets:
            rows.append(struct.pack("<4sIII", b"00dc", 0x10, place, len(packet)))
            place += 8 + len(packet) + len(packet) % 2
        return chunk(b"idx1", *rows)
