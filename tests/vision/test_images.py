"""Reading and cropping images."""

import io
import random
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from fer_core.errors import FerError
from fer_core.vision import images
from fer_core.vision.images import Box, crop_face, decode, encode, face_pixels

# Four corners that cannot be taken for one another, large enough to survive JPEG.
CORNERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}


def corners_image() -> Image.Image:
    """60 wide, 40 high: red, green in the upper corners, blue, white in the lower."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :30], pixels[:20, 30:] = CORNERS["red"], CORNERS["green"]
    pixels[20:, :30], pixels[20:, 30:] = CORNERS["blue"], CORNERS["white"]
    return Image.fromarray(pixels)


def file_of(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def rotated_file(orientation: int, format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return file_of(corners_image(), format, exif=exif)


def corner_names(image: np.ndarray) -> list[str]:
    """The colours of the upper left, upper right, lower left and lower right corners."""
    points = [image[5, 5], image[5, -5], image[-5, 5], image[-5, -5]]
    distance = {
        name: [np.abs(point.astype(int) - color).sum() for point in points]
        for name, color in CORNERS.items()
    }
    return [min(CORNERS, key=lambda name: distance[name][corner]) for corner in range(4)]


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises width × height pixels and holds none of them."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    chunks = [b"IHDR" + size + bytes([8, 2, 0, 0, 0]), b"IDAT"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        for chunk in chunks
    )


@pytest.mark.parametrize(
    ("orientation", "corners"),
    {
        1: ["red", "green", "blue", "white"],
        2: ["green", "red", "white", "blue"],
        3: ["white", "blue", "green", "red"],
        4: ["blue", "white", "red", "green"],
        5: ["red", "blue", "green", "white"],
        6: ["blue", "red", "white", "green"],
        7: ["white", "green", "blue", "red"],
        8: ["green", "white", "red", "blue"],
        9: ["red", "green", "blue", "white"],
    }.items(),
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_stands_upright_whatever_its_exif_orientation(
    orientation: int, corners: list[str], format: str
) -> None:
    image = decode(rotated_file(orientation, format))
    assert image.shape == ((60, 40, 3) if 5 <= orientation <= 8 else (40, 60, 3))
    assert corner_names(image) == corners


def test_broken_exif_does_not_spoil_a_photo() -> None:
    jpeg = rotated_file(6)
    start = jpeg.index(b"Exif")
    for position in range(start + 6, start + 30):
        for value in (0, 0xFF):
            broken = jpeg[:position] + bytes([value]) + jpeg[position + 1 :]
            assert decode(broken).dtype == np.uint8


def test_photos_with_exif_of_real_cameras_stand_upright(photos_dir: Path) -> None:
    upright = decode(photos_dir / "hopper.jpg").astype(int)
    for orientation in (3, 6):
        turned = decode(photos_dir / f"hopper_orientation_{orientation}.jpg")
        assert np.abs(turned - upright).mean() < 12
    assert decode(photos_dir / "hopper_bad_exif.jpg").shape == (500, 500, 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "YCbCr", "LAB", "RGBA", "LA", "PA"])
def test_every_mode_becomes_uint8_rgb(mode: str) -> None:
    format = "JPEG" if mode in ("CMYK", "YCbCr") else "TIFF" if mode in ("LAB", "PA") else "PNG"
    source = corners_image().convert("LA" if mode == "PA" else "RGB").convert(mode)
    image = decode(file_of(source, format))
    assert image.dtype == np.uint8
    assert image.shape == (40, 60, 3)
    assert image[-5, -5].min() > 240  # white stays white


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    clear = Image.new(mode, (4, 4), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    half = Image.new(mode, (4, 4), (0, 0, 0, 128) if mode == "RGBA" else (0, 128))
    assert (decode(file_of(clear)) == 255).all()
    assert np.abs(decode(file_of(half)).astype(int) - 127).max() <= 1


def test_a_transparent_palette_or_colour_lies_on_white() -> None:
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30])
    assert (decode(file_of(palette)) == (10, 20, 30)).all()
    assert (decode(file_of(palette, transparency=0)) == 255).all()
    assert (decode(file_of(Image.new("L", (4, 4), 7), transparency=7)) == 255).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled_by_its_range_and_not_by_its_values(format: str) -> None:
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    assert decode(file_of(Image.fromarray(values), format))[0, :, 0].tolist() == [0, 1, 128, 255]
    dark = file_of(Image.fromarray(np.full((3, 3), 2570, np.uint16)), format)
    assert (decode(dark) == 10).all()


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_32_bits_a_channel_are_refused_since_white_is_unknown(kind: type) -> None:
    tiff = file_of(Image.fromarray(np.ones((3, 3), kind)), "TIFF")
    with pytest.raises(ValueError, match=r"^scan\.tif must have 8 or 16 bits .* Received: 32"):
        decode(tiff, name="scan.tif")


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (6, 6), color) for color in ("red", "blue")]
    gif = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode(gif) == CORNERS["red"]).all()


def test_a_photo_with_a_second_picture_inside_is_read() -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("white", "black")]
    assert decode(file_of(frames[0], "MPO", save_all=True, append_images=frames[1:])).min() > 250


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.jpg cannot be read as an image: it is empty."),
        (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
            "it is none of BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "it is none of BMP"),
        (file_of(corners_image(), "JPEG")[:-400], "the file is truncated"),
        (file_of(corners_image(), "PNG")[:90], "the file is truncated"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    for source in (content, tmp_path / "a.jpg"):
        with pytest.raises(ValueError, match="^a.jpg cannot be read as an image: ") as error:
            decode(source, name="a.jpg")
        assert sentence in str(error.value)


def test_a_truncated_photo_is_refused(photos_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"^truncated\.jpg cannot be read as an image: "):
        decode(photos_dir / "truncated.jpg")


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none.png cannot be read as an image: no such file"):
        decode(tmp_path / "none.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="^folder.png cannot be read as an image: "):
        decode(tmp_path / "folder.png")


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    # These files hold a header alone: decoding them would complain of missing data instead.
    with pytest.raises(ValueError, match="at most 64 megapixels. Received: 8001×8000, 64 mega"):
        decode(png_header(8001, 8000))
    with pytest.raises(ValueError, match="it has more than 64 megapixels"):
        decode(png_header(100_000, 100_000))
    with pytest.raises(ValueError, match="truncated"):
        decode(png_header(8000, 8000))


def test_a_decoding_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = file_of(Image.effect_noise((500, 500), 90))
    assert decode(photo).shape == (500, 500, 3)
    monkeypatch.setattr("fer_core.vision.image_limits._MAX_SECONDS", -1.0)
    with pytest.raises(FerError, match="takes more than a minute"):
        decode(photo)


def test_comments_that_are_removed_in_quadratic_time_are_refused() -> None:
    assert decode(b"P2 # by hand\n2 1\n255\n0 255\n").tolist() == [[[0] * 3, [255] * 3]]
    started = time.thread_time()
    with pytest.raises(FerError):
        decode(b"P2 2 1 255 " + b"#\n" * 500_000 + b"0 255\n")  # a minute in Pillow
    assert time.thread_time() - started < 5


def test_damaged_files_raise_nothing_but_a_named_value_error() -> None:
    draw = random.Random(0)
    for format in ("JPEG", "PNG", "BMP", "WEBP", "GIF"):
        file = file_of(corners_image(), format)
        for _ in range(150):
            damaged = bytearray(file)
            for _ in range(6):
                damaged[draw.randrange(min(200, len(file)))] = draw.randrange(256)
            try:
                images.check_rgb(decode(bytes(damaged), name="damaged"))
            except ValueError as error:
                assert str(error).startswith("damaged ")


def test_gray_through_rgb_and_back_is_exact() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = decode(encode(gray))
    assert (face_pixels(image, (16, 16), 1)[..., 0] == gray).all()


def test_face_pixels_have_the_networks_shape_from_any_picture() -> None:
    draw = np.random.default_rng(0)
    for height, width in [(1, 1), (48, 48), (500, 3), (17, 300), (700, 900)]:
        image = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for size in [(48, 48), (32, 100)]:
            for channels in (1, 3):
                pixels = face_pixels(image, size, channels)
                assert pixels.shape == (*size, channels)
                assert pixels.dtype == np.uint8


def test_face_pixels_do_not_depend_on_the_memory_layout() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    for view in (image[:, ::-1], image[::2, ::3], image.transpose(1, 0, 2), image[10:40, 5:50]):
        for channels in (1, 3):
            expected = face_pixels(np.ascontiguousarray(view), (24, 24), channels)
            assert (face_pixels(view, (24, 24), channels) == expected).all()


def test_face_pixels_keep_a_flat_colour_and_do_not_stretch_contrast() -> None:
    for value in (0, 3, 128, 255):
        flat = np.full((100, 80, 3), value, np.uint8)
        assert (face_pixels(flat, (48, 48), 1) == value).all()
        assert (face_pixels(flat, (200, 200), 3) == value).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_uint8_rgb_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 RGB .* Received: \w+ of shape"):
        face_pixels(image, (48, 48), 1)


def test_a_crop_is_the_square_around_the_boxs_centre() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    assert (crop_face(image, Box(10, 12, 20, 20)) == image[12:32, 10:30]).all()
    assert (crop_face(image, Box(10, 12, 10, 20)) == image[12:32, 5:25]).all()
    assert (crop_face(image, Box(10, 12, 20, 20), margin=0.5) == image[7:37, 5:35]).all()
    assert crop_face(image, Box(10, 12, 20, 20), margin=-0.5).shape == (10, 10, 3)


@pytest.mark.parametrize("box", [Box(-6, -6, 20, 20), Box(70, 40, 20, 20), Box(-30, -30, 200, 200)])
def test_beyond_the_border_a_crop_repeats_it(box: Box) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    far = 300
    padded = np.pad(image, ((far, far), (far, far), (0, 0)), mode="edge")
    top, left = box.y + far, box.x + far
    expected = padded[top : top + box.height, left : left + box.width]
    assert (crop_face(image, box) == expected).all()


@pytest.mark.parametrize("angle", [-70, -20, 35, 90])
def test_a_crop_that_stands_aslant_comes_upright(angle: int) -> None:
    rows, columns = np.mgrid[:121, :121]
    image = np.dstack([rows * 2, columns * 2, np.full_like(rows, 9)]).astype(np.uint8)
    matrix = cv2.getRotationMatrix2D((60, 60), -angle, 1)  # OpenCV's angles go the other way
    aslant = cv2.warpAffine(image, matrix, (121, 121))
    crop = crop_face(aslant, Box(40, 40, 41, 41), tilt=angle)
    assert crop.shape == (41, 41, 3)
    assert np.abs(crop.astype(int) - image[40:81, 40:81]).max() <= 2


@pytest.mark.parametrize(
    "box", [Box(80, 0, 5, 5), Box(-5, 0, 5, 5), Box(0, 50, 5, 5), Box(3, 3, 0, 5)]
)
def test_a_box_without_a_pixel_in_the_image_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match=r"must overlap the image of 80×50. Received: Box\("):
        crop_face(np.zeros((50, 80, 3), np.uint8), box)


def test_scaling_a_box_keeps_neighbours_neighbours() -> None:
    left, right = Box(10, 10, 15, 15), Box(25, 10, 15, 15)
    for factor in (0.3, 0.77, 1.0, 2.5):
        assert left.scaled(factor).x + left.scaled(factor).width == right.scaled(factor).x
    assert Box(5, 5, 10, 10).scaled(0.001) == Box(0, 0, 1, 1)


def test_a_png_comes_back_as_it_was() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (decode(encode(image)) == image).all()
    assert (decode(encode(image[..., :1])) == image[..., :1]).all()


def test_a_jpeg_comes_back_nearly_as_it_was() -> None:
    jpeg = encode(np.full((40, 60, 3), (200, 100, 50), np.uint8), "JPEG")
    assert jpeg.startswith(b"\xff\xd8")
    assert np.abs(decode(jpeg).astype(int) - (200, 100, 50)).max() <= 3
