"""Builds image files that are broken, hostile or odd."""

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

Tag = tuple[int, int, int, int]  # tag, type, count, value or offset
_GRAY = [(258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]  # 8 bits, uncompressed, black is 0


def encoded(format: str, size: tuple[int, int] = (16, 16), mode: str = "L", **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, format, **how)
    return buffer.getvalue()


def tiff(tags: list[Tag], rest: bytes = b"", *, big: bool = False) -> bytes:
    """A TIFF whose data begins at 8 + 2 + 12 n + 4, or, in a BigTIFF, 16 + 8 + 20 n + 8."""
    if big:
        head = b"II\x2b\0" + struct.pack("<HHQQ", 8, 0, 16, len(tags))
        return head + b"".join(struct.pack("<HHQQ", *tag) for tag in tags) + bytes(8) + rest
    head = b"II\x2a\0" + struct.pack("<LH", 8, len(tags))
    return head + b"".join(struct.pack("<HHLL", *tag) for tag in tags) + bytes(4) + rest


def gray_tiff(width: int, height: int, more: list[Tag], rest: bytes, *, big: bool = False) -> bytes:
    tags = {tag[0]: tag for tag in [(256, 4, 1, width), (257, 4, 1, height), *_GRAY, *more]}
    return tiff(sorted(tags.values()), rest, big=big)


def shared_tags(count: int, size: int) -> list[Tag]:
    """Tags of so many bytes that all lie in the same place."""
    return [(number + 1000, 1, size, 8) for number in range(count)]


def tile_bomb() -> bytes:
    tile = zlib.compress(bytes(20_000 * 20_000))
    tags = [(259, 3, 1, 8), (322, 4, 1, 20_000), (323, 4, 1, 20_000), (324, 4, 1, 200)]
    return gray_tiff(8, 8, [*tags, (325, 4, 1, len(tile))], bytes(100) + tile)


def png(width: int, height: int, bits: int, color: int, pixels: bytes, *chunks: bytes) -> bytes:
    header = struct.pack(">LLBBBBB", width, height, bits, color, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(pixels, 9))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + b"".join(chunks) + data + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def small_png(*chunks: bytes) -> bytes:
    return png(16, 16, 8, 0, bytes(17 * 16), *chunks)


def apng(frames: int) -> bytes:
    control = [
        chunk(b"fcTL", struct.pack(">LLLLLHHBB", 2 * i, 16, 16, 0, 0, 1, 9, 0, 0))
        + chunk(b"fdAT", struct.pack(">L", 2 * i + 1) + zlib.compress(bytes(17 * 16)))
        for i in range(1, frames)
    ]
    whole = small_png(chunk(b"acTL", struct.pack(">LL", frames, 0)))
    return whole[:-12] + b"".join(control) + whole[-12:]


def gif(frames: int = 1, comment: int = 0) -> bytes:
    whole = encoded("GIF", mode="P")
    start = 13 + 3 * 2 ** ((whole[10] & 7) + 1)
    words = b"\x21\xfe" + (b"\xff" + bytes(255)) * comment + b"\0" if comment else b""
    return whole[:start] + words + whole[start:-1] * frames + b";"


def jpeg_of_scans(side: int, scans: int) -> bytes:
    whole = encoded("JPEG", (side, side), progressive=True, quality=10)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    whole = encoded("JPEG")
    parts = [
        bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data for marker, data in segments
    ]
    return whole[:2] + b"".join(parts) + whole[2:]


def bmp(width: int, height: int, data: bytes, *, compression: int = 1) -> bytes:
    start = 54 + 1024
    head = b"BM" + struct.pack("<LHHL", start + len(data), 0, 0, start)
    info = (40, width, height, 1, 8, compression, len(data), 0, 0, 256, 0)
    return head + struct.pack("<LllHHLLllLL", *info) + bytes(1024) + data


def webp_canvas(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"VP8X" + struct.pack("<L", 10) + b"\x02\0\0\0" + sides
    body += b"ANIM" + struct.pack("<L", 6) + bytes(6)
    return b"RIFF" + struct.pack("<L", 4 + len(body)) + b"WEBP" + body


_EXIF = b"Exif\0\0"

# None of these is an image that may be imported.
REFUSED: dict[str, Callable[[], bytes]] = {
    "empty.png": lambda: b"",
    "text.jpg": lambda: b"not an image\n" * 50,
    "page.png": lambda: b"<html><img src=x></html>",
    "vector.png": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "document.jpg": lambda: b"%PDF-1.7\n1 0 obj\n",
    "postscript.jpg": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "pgm.png": lambda: b"P5\n60000 60000\n255\n" + bytes(100),
    "truncated.png": lambda: small_png()[:45],
    "truncated.jpg": lambda: encoded("JPEG", (64, 64))[:300],
    "header.png": lambda: png(8000, 8000, 8, 0, b""),
    "wide.png": lambda: png(60_000_000, 1, 8, 0, bytes(60_000_001)),
    "huge.png": lambda: png(100_000, 100_000, 8, 0, b""),
    "billions.png": lambda: png(2**31 - 1, 2**31 - 1, 8, 0, b""),
    "huge.gif": lambda: gif()[:6] + b"\xff\xff\xff\xff" + gif()[10:],
    "huge.webp": lambda: webp_canvas(16_384, 16_384),
    "huge.bmp": lambda: bmp(60_000, 60_000, b"", compression=0),
    "huge.tif": lambda: gray_tiff(60_000, 60_000, [(273, 4, 1, 8), (279, 4, 1, 9)], b""),
    "scans.jpg": lambda: jpeg_of_scans(8000, 400),
    "tiny_scans.jpg": lambda: jpeg_of_scans(16, 100_000),
    "segments.jpg": lambda: jpeg_with(*[(0xE5, b"")] * 500_000),
    "padding.jpg": lambda: encoded("JPEG")[:2] + b"\xff" * 20_000_000 + encoded("JPEG")[2:],
    "comment.gif": lambda: gif(comment=80_000),
    "chunks.png": lambda: small_png(chunk(b"teSt", b"") * 500_000),
    "text_chunk.png": lambda: small_png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8)))),
    "text_chunks.png": lambda: small_png(
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))) * 300
    ),
    "tags.tif": lambda: gray_tiff(8, 8, shared_tags(60_000, 10**6), bytes(10**6)),
    "tags_big.tif": lambda: gray_tiff(8, 8, shared_tags(60_000, 10**6), bytes(10**6), big=True),
    "few_tags.tif": lambda: gray_tiff(8, 8, shared_tags(3_000, 10**7), bytes(10**7)),
    "strips.tif": lambda: gray_tiff(
        1, 30_000, [(273, 4, 4_000_000, 200), (279, 4, 4_000_000, 200)], bytes(16_000_000)
    ),
    "tile.tif": tile_bomb,
    "comments.pgm": lambda: b"P2\n8 8\n255\n" + b"#\n" * 2_000_000,
    "runs.bmp": lambda: bmp(3000, 3000, (b"\1\5" * 3000 + b"\0\0") * 3000 + b"\0\1"),
    "animation.webp": lambda: webp_canvas(16_000, 16_000) + bytes(100_000),
}
# These are odd, and images all the same.
ACCEPTED: dict[str, Callable[[], bytes]] = {
    "frames.gif": lambda: gif(frames=20_000),
    "frames.png": lambda: apng(20_000),
    "exif.jpg": lambda: jpeg_with((0xE1, _EXIF + tiff(shared_tags(3_900, 10_000), bytes(10_000)))),
    "exifs.jpg": lambda: jpeg_with(*[(0xE1, _EXIF + tiff([], bytes(60_000)))] * 200),
    "index.jpg": lambda: jpeg_with(
        (0xE2, b"MPF\0" + tiff(shared_tags(3_900, 9_000), bytes(9_000)))
    ),
    "exif.png": lambda: small_png(chunk(b"eXIf", tiff(shared_tags(3_900, 10**6), bytes(10**6)))),
    "raw_exif.png": lambda: small_png(
        chunk(
            b"zTXt",
            b"Raw profile type exif\0\0"
            + zlib.compress(
                b"\n\n\n" + tiff(shared_tags(3_900, 9_000), bytes(9_000)).hex().encode()
            ),
        )
    ),
    "large.png": lambda: png(8000, 8000, 8, 0, bytes(8001 * 8000)),
    "large_alpha.png": lambda: png(8000, 8000, 8, 6, bytes(32_001 * 8000)),
    "large_16.png": lambda: png(8000, 8000, 16, 0, bytes(16_001 * 8000)),
    "large.jpg": lambda: encoded("JPEG", (8000, 8000), progressive=True),
    "pixel.png": lambda: png(1, 1, 8, 0, bytes(2)),
    "line.png": lambda: png(30_000, 1, 8, 0, bytes(30_001)),
    "column.png": lambda: png(1, 30_000, 8, 0, bytes(60_000)),
}
