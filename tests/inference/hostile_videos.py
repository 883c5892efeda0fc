"""Makes damaged, lying and oversized videos, and files that are none."""

import io
import math
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import cache, partial

import av
import numpy as np
from PIL import Image

from tests.inference.synthetic_video import gray_frames
from tests.inference.video_containers import (
    Avi,
    Encoded,
    Mkv,
    Mp4,
    box,
    chunk,
    element,
    encode_packets,
    full_box,
    number,
    real,
    words,
)

FRAMES = 12
HOUR = 3600
Files = dict[str, Callable[[], bytes]]  # functions that make the contents, by name


def readable() -> Files:
    """Files of which every frame can be read, whatever else is wrong."""
    return _times() | _sizes() | _structures() | _pixel_formats()


def unreadable() -> Files:
    """Files in which there is no frame to read, or which must not be read."""
    return _no_videos() | _no_frames()


def damaged() -> Files:
    """Files of which some frames may be readable."""
    return _damage() | _repetitions()


@cache
def h264() -> Encoded:
    """Twelve frames of H.264 that do not refer to each other."""
    return encode_packets("libx264", gray_frames(FRAMES), bf="0", g="1")


@cache
def jpegs(count: int = FRAMES, height: int = 48, width: int = 64) -> tuple[bytes, ...]:
    """Frames of Motion JPEG."""
    return tuple(jpeg(height, width, 20 * number) for number in range(count))


def jpeg(height: int, width: int, shade: int = 128) -> bytes:
    """A JPEG of one gray."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (shade % 256,) * 3).save(buffer, "JPEG", quality=30)
    return buffer.getvalue()


def _mp4(**fields: object) -> Callable[[], bytes]:
    return lambda: Mp4(h264(), **fields).content()  # type: ignore[arg-type]


def _mkv(packets: Callable[[], Sequence[bytes]] = jpegs, **fields: object) -> Callable[[], bytes]:
    return lambda: Mkv(packets(), **fields).content()  # type: ignore[arg-type]


def _avi(packets: Callable[[], Sequence[bytes]] = jpegs, **fields: object) -> Callable[[], bytes]:
    return lambda: Avi(packets(), **fields).content()  # type: ignore[arg-type]


def _times() -> Files:
    ten_hours = 10 * HOUR * 1000
    disorder = [(1, ticks) for ticks in (400, 0, 300, -100, 90, 7) * 2]
    return {
        "mp4, a jump of ten hours": _mp4(deltas=[(6, 40), (1, ten_hours), (5, 40)]),
        "mp4, jumps of ten hours": _mp4(deltas=[(12, ten_hours)]),
        "mp4, jumps of 49 days": _mp4(deltas=[(12, 2**32 - 1)]),
        "mp4, jumps of 136 years": _mp4(deltas=[(12, 2**32 - 2)], time_scale=1),
        "mp4, all at one time": _mp4(deltas=[(12, 0)]),
        "mp4, times of 2^32 frames": _mp4(deltas=[(2**32 - 1, 40)]),
        "mp4, time scale 0": _mp4(time_scale=0),
        "mp4, time scale 1": _mp4(time_scale=1),
        "mp4, time scale 2^32-1": _mp4(time_scale=2**32 - 1),
        "mp4, negative times": _mp4(offsets=[(6, -5000), (6, -9000)]),
        "mp4, huge offsets": _mp4(offsets=[(3, 2**31 - 1), (3, -(2**31)), (6, 0)]),
        "mp4, disordered times": _mp4(offsets=disorder),
        "mp4, duration 2^32-2": _mp4(duration=2**32 - 2),
        "mp4, an empty edit": _mp4(edits=[(ten_hours, -1, 1 << 16), (480, 0, 1 << 16)]),
        "mp4, edits of rate 0": _mp4(edits=[(480, 0, 0)] * 4),
        "mkv, times beyond int64": _mkv(times=[2**62 + n for n in range(12)]),
        "mkv, jumps of 18 years": _mkv(times=[n * 2**59 for n in range(12)], scale=1),
        "mkv, time scale 0": _mkv(scale=0),
        "mkv, backwards": _mkv(times=[1000 - 40 * n for n in range(12)]),
        "mkv, to and fro": _mkv(times=[(n % 2) * ten_hours for n in range(12)]),
        "mkv, frames of 1 ns": _mkv(frame_duration=1),
        "mkv, frames of 2^63 ns": _mkv(frame_duration=2**63 - 1),
        "mkv, no frame duration": _mkv(frame_duration=None),
        "mkv, duration NaN": _mkv(duration=math.nan),
        "mkv, duration infinite": _mkv(duration=math.inf),
        "mkv, duration 1e308": _mkv(duration=1e308),
        "mkv, duration -1": _mkv(duration=-1.0),
        "avi, rate 0": _avi(rate=0),
        "avi, rate 1/0": _avi(scale=0),
        "avi, rate 0/0": _avi(scale=0, rate=0),
        "avi, rate 1e6": _avi(rate=1_000_000),
        "avi, rate 0.001": _avi(scale=1000, rate=1),
        "avi, rate 2^32-1": _avi(rate=2**32 - 1),
        "avi, rate 1/2^32": _avi(scale=2**32 - 1, rate=1),
        "avi, length 2^32-1": _avi(length=-1),
    }


def _sizes() -> Files:
    sizes = [(48, 64), (480, 640), (1, 1), (10, 1000), (47, 65), (2000, 3000)] * 2
    one, half = 1 << 16, 46341
    return {
        "mp4, size 0 in the track": _mp4(size=(0, 0)),
        "mp4, size 0 in the description": _mp4(coded=(0, 0)),
        "mp4, size 65535": _mp4(size=(65535, 65535), coded=(65535, 65535)),
        "mp4, pixels 65535:1": _mp4(pixel=(65535, 1)),
        "mp4, pixels 1:2^31": _mp4(pixel=(1, 2**31 - 1)),
        "mp4, pixels 0:0": _mp4(pixel=(0, 0)),
        "mp4, 45 degrees": _mp4(matrix=(half, half, 0, -half, half, 0, 0, 0, 1 << 30)),
        "mp4, a matrix of zeros": _mp4(matrix=[0] * 9),
        "mp4, a huge matrix": _mp4(matrix=[2**31 - 1] * 9),
        "mp4, mirrored": _mp4(matrix=(-one, 0, 0, 0, one, 0, 0, 0, 1 << 30)),
        "mkv, sizes that change": _mkv(lambda: [jpeg(*size) for size in sizes]),
        "mkv, other sizes than stated": _mkv(lambda: [jpeg(999, 999)] * 12, height=16, width=16),
        "mkv, size 0": _mkv(height=0, width=0),
        "mkv, size 2^32": _mkv(height=2**32, width=2**32),
        "mkv, size 1x1": _mkv(partial(jpegs, 12, 1, 1), height=1, width=1),
        "mkv, size 1x20000": _mkv(partial(jpegs, 12, 1, 20_000), height=1, width=20_000),
        "mkv, size 20000x1": _mkv(partial(jpegs, 12, 20_000, 1), height=20_000, width=1),
        "mkv, shown at 1x2^40": _mkv(display=(1, 2**40)),
        "mkv, shown at 0": _mkv(display=(0, 0)),
        "mkv, rolled by NaN": _mkv(video=_roll(math.nan)),
        "mkv, rolled by 33 degrees": _mkv(video=_roll(33.0)),
        "mkv, rolled by 1e308": _mkv(video=_roll(1e308)),
        "avi, height negative": _avi(height=-48),
        "avi, size 0": _avi(height=0, width=0),
        "avi, size 2^31-1": _avi(height=2**31 - 1, width=2**31 - 1),
    }


def _roll(degrees: float) -> bytes:
    return element(0x7670, number(0x7671, 0), real(0x7675, degrees))


def _structures() -> Files:
    nested = b""
    for _ in range(2000):
        nested = box(b"trak", nested)
    title = box(b"udta", box(b"\xa9nam", struct.pack(">HH", 4, 0), b"\xe9\xe8\xff\xfe"))
    elsewhere = box(b"alis", words(1), bytes(20), b"/etc/passwd", bytes(200))
    movie = box(b"rmra", box(b"rmda", full_box(b"rdrf", b"url ", words(18), b"file:///etc/passwd")))
    # An OpenDML index whose entries point at itself.
    entries = struct.pack("<QII", 0x100, 64, 12) * 2
    loop = chunk(b"indx", struct.pack("<HBBI4sIII", 4, 0, 0, 2, b"00dc", 0, 0, 0), entries)
    return {
        "mp4, index last": _mp4(index_last=True),
        "mp4, nested boxes": _mp4(extra=nested),
        "mp4, a title in Latin-1": _mp4(extra=title),
        "mp4, refers to a file": _mp4(data_reference=elsewhere),
        "mp4, refers to a URL": _mp4(data_reference=full_box(b"url ", b"http://127.0.0.1:9/\0")),
        "mp4, a reference movie": _mp4(extra=movie),
        "mkv": _mkv(),
        "mkv, of unknown kind": _mkv(file_type=b"zzzz"),
        "mkv, a title that is not UTF-8": _mkv(segment=_tag(b"\xff\xfe\xe9")),
        "mkv, a segment of 2^55 bytes": _mkv(segment_size=2**55),
        "mkv, an element of 2^55 bytes": _mkv(segment=element(0x1254C367, size=2**55)),
        "mkv, nested elements": _mkv(segment=_nested(500)),
        "mkv, 2,000 streams": _mkv(tracks=2000),
        "mkv, 500 damaged frames first": _mkv(lambda: [bytes(100)] * 500 + list(jpegs())),
        "avi": _avi(),
        "avi, no index": _avi(with_index=False),
        "avi, an index of itself": _avi(extra=loop),
        "avi, a playlist as subtitles": _avi(streams=_subtitle_stream(), chunks=_subtitle()),
        "avi, sample size 2^32-1": _avi(sample_size=2**32 - 1),
        "avi, 10,000 empty frames": _avi(lambda: [*jpegs(6), *[b""] * 10_000, *jpegs(6)]),
    }


def _tag(value: bytes) -> bytes:
    simple = element(0x67C8, element(0x45A3, b"TITLE"), element(0x4487, value))
    return element(0x1254C367, element(0x7373, element(0x63C0), simple))


def _nested(depth: int) -> bytes:
    content = element(0x45A3, b"NAME")
    for _ in range(depth):
        content = element(0x67C8, content)
    return element(0x1254C367, element(0x7373, content))


def _subtitle_stream() -> bytes:
    head = struct.pack("<4s4s10I8s", b"txts", b"", 0, 0, 0, 1, 25, 0, 12, 0, 0, 0, b"")
    return chunk(b"LIST", b"strl", chunk(b"strh", head), chunk(b"strf"))


def _subtitle() -> bytes:
    playlist = b"#EXTM3U\n#EXTINF:2,\n/etc/passwd\n#EXT-X-ENDLIST\n"
    sizes = struct.pack("<HIHI", 2, 0, 4, len(playlist))
    return chunk(b"01tx", b"GAB2\0", sizes, playlist)


def _pixel_formats() -> Files:
    kinds = [
        *(("png", name) for name in ("rgba", "rgba64be", "gray16be", "monob", "ya8")),
        *(("ffv1", name) for name in ("yuva444p", "gray", "gray16le", "gbrp16le", "yuv410p")),
        ("qtrle", "argb"), ("prores_ks", "yuva444p10le"), ("libx264", "gray"),
        ("libx264", "yuv444p10le"), ("libvpx-vp9", "yuva420p"), ("v210", "yuv422p10le"),
    ]  # fmt: skip
    return {
        **{f"{codec}, {pixels}": partial(_muxed, codec, pixels) for codec, pixels in kinds},
        "mpeg2video, interlaced": partial(_muxed, "mpeg2video", flags="+ildct+ilme", top="1"),
        "exr, gray": _avi(lambda: [open_exr(b"Y")] * 12, fourcc=b"EXR "),
    }


def _muxed(codec: str, pixels: str = "yuv420p", format: str = "", **options: str) -> bytes:
    buffer = io.BytesIO()
    known = "mov" if codec in ("png", "qtrle", "v210") else "matroska"
    with av.open(buffer, "w", format=format or known) as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = 48, 64, pixels
        for image in gray_frames(FRAMES):
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixels)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return buffer.getvalue()


def open_exr(*channels: bytes) -> bytes:
    """An OpenEXR image with 32-bit floats."""

    def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value

    height, width = 48, 64
    rows = [name + b"\0" + struct.pack("<4i", 2, 0, 1, 1) for name in channels]
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    header = b"".join(
        [
            b"\x76\x2f\x31\x01\x02\0\0\0",
            attribute(b"channels", b"chlist", b"".join(rows) + b"\0"),
            attribute(b"compression", b"compression", b"\0"),
            attribute(b"dataWindow", b"box2i", window),
            attribute(b"displayWindow", b"box2i", window),
            attribute(b"lineOrder", b"lineOrder", b"\0"),
            attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
            attribute(b"screenWindowCenter", b"v2f", bytes(8)),
            attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)) + b"\0",
        ]
    )
    line = struct.pack("<f", 0.5) * (width * len(channels))
    first = len(header) + 8 * height
    places = [first + row * (8 + len(line)) for row in range(height)]
    lines = [struct.pack("<ii", row, len(line)) + line for row in range(height)]
    return header + struct.pack(f"<{height}Q", *places) + b"".join(lines)


def _no_frames() -> Files:
    raw = {"codec": b"V_UNCOMPRESSED", "video": element(0x2EB524, b"BGR\x04")}
    zlib_header = element(0x6D80, element(0x6240, element(0x5034, number(0x4254, 0))))
    nonsense = words(2, 0, 0, 0, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    codecs = {"H.264": b"V_MPEG4/ISO/AVC", "HEVC": b"V_MPEGH/ISO/HEVC", "VP9": b"V_VP9"}
    codecs |= {"AV1": b"V_AV1", "JPEG": b"V_MJPEG"}
    return {
        "mp4, no times": _mp4(deltas=[]),
        "mp4, no sample": _mp4(sizes=words(0, 0), deltas=[(0, 0)]),
        "mp4, samples of 0 bytes": _mp4(sizes=words(0, 12, *[0] * 12)),
        "mp4, samples of 2 GB": _mp4(sizes=words(2**31 - 1, 12)),
        "mp4, 2^32 samples": _mp4(sizes=words(1, 2**32 - 1), chunks=words(1, 1, 2**32 - 1, 1)),
        "mp4, no chunks": _mp4(chunks=words(0)),
        "mp4, chunks from 0": _mp4(chunks=nonsense),
        "mp4, fragments of 2^32 frames": _fragments,
        "mp4, unknown codec": _mp4(entry=b"zzzz"),
        "mp4, encrypted": _mp4(entry=b"encv"),
        "mp4, no codec header": _mp4(header=b""),
        "mp4, 2,000 streams": _mp4(traks=2000),
        "mp4, only sound": partial(_sound, cover=False),
        "mp4, sound and a cover": partial(_sound, cover=True),
        "mkv, time scale 2^62": _mkv(scale=2**62),
        "mkv, cropped to nothing": _mkv(video=number(0x54AA, 100) + number(0x54CC, 100)),
        "mkv, size 65535 in JPEG": _mkv(lambda: [_resized(jpeg(48, 64), 65535)] * 12),
        "mkv, size 16383 in VP8": _mkv(_large_vp8, codec=b"V_VP8"),
        "mkv, packets of 0 bytes": _mkv(lambda: [b""] * 12),
        "mkv, 102,000 empty frames": _mkv(lambda: [b"\xff" + bytes(254)] * 400, block_head=b"\x82"),
        "mkv, laced beyond the block": _mkv(block_head=b"\x86"),
        "mkv, zlib bombs": _mkv(lambda: [zlib.compress(bytes(1 << 26))] * 4, track=zlib_header),
        "mkv, not zlib": _mkv(track=zlib_header),
        "mkv, only a cover": _mkv(list, segment=_attachment()),
        "mkv, unknown codec": _mkv(codec=b"V_ZZZZ"),
        "mkv, raw of 4 bits": _mkv(lambda: [bytes(48 * 64)] * 12, **raw),
        **{f"mkv, noise as {name}": _mkv(_noise, codec=codec) for name, codec in codecs.items()},
        "avi, size -2^31": _avi(height=-(2**31), width=-(2**31)),
        "avi, raw of 65535": _avi(fourcc=bytes(4), height=65535, width=65535),
        "avi, raw of 99 bits": _avi(fourcc=bytes(4), bits=99),
        "avi, screen codec of 16000": _avi(_screens, fourcc=b"ZMBV", height=16_000, width=16_000),
        "avi, unknown codec": _avi(fourcc=b"ZZZZ"),
        "avi, no digital video": _avi(fourcc=b"dvsd"),
        "avi, a list of 2^32 bytes": lambda: chunk(b"RIFF", b"AVI ", chunk(b"LIST", size=-1)),
        # FFmpeg aborts the process when it converts these pixels.
        "exr, gray with alpha": _avi(lambda: [open_exr(b"A", b"Y")] * 12, fourcc=b"EXR "),
    }


def _fragments() -> bytes:
    run = full_box(b"trun", words(2**32 - 1), flags=1)
    fragment = box(
        b"moof", full_box(b"mfhd", words(1)), box(b"traf", full_box(b"tfhd", words(1)), run)
    )
    extends = box(b"mvex", full_box(b"trex", words(1, 1, 40, 0, 0)))
    return Mp4(h264(), extra=extends).content() + 10 * fragment


def _resized(content: bytes, side: int) -> bytes:
    """A JPEG whose header states another size."""
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", side, side) + content[place + 4 :]


def _large_vp8() -> list[bytes]:
    packets = encode_packets("libvpx", gray_frames(3)).packets
    size = struct.pack("<HH", 16383, 16383)
    return [packet[:6] + size + packet[10:] for packet in packets]


def _noise() -> list[bytes]:
    return [random.Random(seed).randbytes(3000) for seed in range(100)]


def _screens() -> list[bytes]:
    return [b"\x01\x00\x01\x01\x08\x10\x10" + zlib.compress(bytes(1 << 22), 9)] * 12


def _attachment() -> bytes:
    name, kind = element(0x466E, b"cover.jpg"), element(0x4660, b"image/jpeg")
    cover = element(0x465C, jpeg(48, 64)) + number(0x46AE, 1)
    return element(0x1941A469, element(0x61A7, name, kind, cover))


def _sound(*, cover: bool) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=16_000)
        picture = output.add_stream("mjpeg", rate=1) if cover else None
        if picture is not None:
            picture.height, picture.width, picture.pix_fmt = 48, 64, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
        for position in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 16_000, 1024 * position
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if picture is not None:
            output.mux(picture.encode(av.VideoFrame.from_ndarray(gray_frames(1)[0], "rgb24")))
            output.mux(picture.encode())
    return buffer.getvalue()


def _no_videos() -> Files:
    texts = {
        "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        "concat list": "ffconcat version 1.0\nfile /etc/passwd\n",
        "session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "image sequence": "%03d.png",
        "subfile": "subfile,,start,0,end,100,,:/etc/passwd",
        "data URL": "data:video/mp4;base64,AAAA",
        "crypto URL": "crypto:/etc/passwd",
        "DASH manifest": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
        'type="static"><Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>'
        "http://127.0.0.1:9/a</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "metadata": ";FFMETADATA1\ntitle=a\n",
        "diary": "Dear diary, today nothing happened.\n",
    }
    return {
        **{name: text.encode for name, text in texts.items()},
        "empty": bytes,
        "one byte": partial(bytes, 1),
        "zeros": partial(bytes, 1_000_000),
        "noise": lambda: random.Random(5).randbytes(1_000_000),
        "GIF": partial(_animation, "GIF"),
        "animated WebP": partial(_animation, "WEBP"),
        "JPEG": partial(jpeg, 48, 64),
        "archive": lambda: b"PK\x03\x04" + bytes(1000),
        "Flash video": partial(_muxed, "flv1", format="flv"),
        "transport stream": partial(_muxed, "mpeg2video", format="mpegts"),
    }


def _animation(format: str) -> bytes:
    buffer = io.BytesIO()
    first, *others = (Image.new("RGB", (64, 48), (9 * shade,) * 3) for shade in range(9))
    first.save(buffer, format, save_all=True, append_images=others)
    return buffer.getvalue()


def _damage() -> Files:
    whole = {"mp4": _mp4(), "mp4, index last": _mp4(index_last=True), "mkv": _mkv(), "avi": _avi()}
    shares = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.999)
    late = [*jpegs(6), *[_resized(jpeg(48, 64), 65535)] * 3, *jpegs(6)]
    garbled_header = random.Random(1).randbytes(39)
    return {
        "mkv, size 65535 in three frames": _mkv(lambda: late),
        "mp4, garbled codec header": _mp4(header=garbled_header),
        **{
            f"{name}, cut at {share:.1%}": partial(_cut, make, share)
            for name, make in whole.items()
            for share in shares
        },
        **{
            f"{name}, garbled {seed}": partial(_garble, make, seed)
            for name, make in whole.items()
            for seed in range(8)
        },
    }


def _cut(make: Callable[[], bytes], share: float) -> bytes:
    content = make()
    return content[: int(share * len(content))]


def _garble(make: Callable[[], bytes], seed: int) -> bytes:
    chance, content = random.Random(seed), bytearray(make())
    for _ in range(1 + seed % 30):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def _repetitions() -> Files:
    # 16 megapixels are more than is decoded on opening.
    large = [jpeg(4096, 4096)] * 40
    return {
        "mp4, one frame a million times": partial(_repeated, 1, 1_000_000),
        "mp4, a thousand frames a thousand times": partial(_repeated, 1000, 1000),
        "mp4, one frame ten thousand times": partial(_repeated, 10_000, 1),
        "mp4, 500 edits": _mp4(edits=[(480, 0, 1 << 16)] * 500),
        "mkv, 40 streams of 16 megapixels": _mkv(lambda: large, tracks=40, one_each=True),
    }


def _repeated(chunks: int, samples: int) -> bytes:
    """An MP4 whose chunks, of so many samples each, are all at one place in the file."""
    count, size = chunks * samples, len(h264().packets[0])
    return Mp4(
        h264(),
        sizes=words(size, count),
        chunks=words(1, 1, samples, 1),
        places=chunks,
        deltas=[(count, 40)],
    ).content()
