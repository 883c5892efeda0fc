"""Photos and zipped folders of them, some from people who mean no good."""

import io
import struct
import zipfile

import pytest

from fer_core.inference import photos
from fer_core.inference.photos import read_uploads, unique_names

JPEG = b"\xff\xd8 a photo, say"


def zipped(**members: bytes) -> io.BytesIO:
    return zipped_list([(name.replace("__", "."), content) for name, content in members.items()])


def zipped_list(members: list[tuple[str, bytes]]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer


def test_photos_are_listed_in_order_and_read_lazily() -> None:
    folder = zipped_list([("beach/b.jpg", b"b"), ("a.PNG", b"a")])
    given = read_uploads(
        [("one.jpg", "1", io.BytesIO(b"1")), ("f.zip", "2", folder), ("z.png", "3", io.BytesIO())]
    )
    names = ["one.jpg", "f.zip/beach/b.jpg", "f.zip/a.PNG", "z.png"]
    assert [photo.name for photo in given.photos] == names
    assert [photo.read() for photo in given.photos] == [b"1", b"b", b"a", b""]
    assert given.photos[0].read() == b"1"  # again
    assert len({photo.key for photo in given.photos}) == 4
    assert not given.errors and not given.notes


def test_duplicate_names_are_made_unique() -> None:
    assert unique_names(["a", "a", "a (2)", "a"]) == ["a", "a (2)", "a (2) (2)", "a (3)"]


def test_members_with_paths_outside_the_archive_are_skipped() -> None:
    members = [("../evil.jpg", JPEG), ("/etc/evil.jpg", JPEG), ("C:\\evil.jpg", JPEG)]
    given = read_uploads([("f.zip", "1", zipped_list([*members, ("good.jpg", JPEG)]))])
    assert [photo.name for photo in given.photos] == ["f.zip/good.jpg"]
    assert given.errors[0] == (
        "f.zip: The archive must only contain plain files. Received a path outside the archive: "
        "../evil.jpg"
    )
    assert len(given.errors) == 3


def test_a_decompression_bomb_is_refused() -> None:
    bomb = zipped_list([(f"{number}.png", bytes(40_000_000)) for number in range(4)])
    (sentence,) = read_uploads([("bomb.zip", "1", bomb)]).errors
    assert sentence.startswith("bomb.zip: The archive must take at most 0.1 GB")


def test_an_image_that_is_too_large_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MAX_PHOTO_BYTES", 2_000_000)
    given = read_uploads([("f.zip", "1", zipped(a__jpg=bytes(3_000_000), b__jpg=JPEG))])
    assert [photo.name for photo in given.photos] == ["f.zip/b.jpg"]
    sentence = "f.zip: An image file must have at most 2 MB. Received: a.jpg, 3 MB"
    assert given.errors == (sentence,)


def test_a_member_larger_than_declared_is_refused_when_read() -> None:
    content = zipped(a__jpg=b"x" * 1000).getvalue()
    # The size before compression, in the directory at the end.
    place = content.index(b"PK\x01\x02") + 24
    lying = content[:place] + struct.pack("<L", 10) + content[place + 4 :]
    (photo,) = read_uploads([("f.zip", "1", io.BytesIO(lying))]).photos
    with pytest.raises(ValueError, match="archive"):
        photo.read()


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive at all", zipped(a__jpg=JPEG).getvalue()[:40]],
    # An archive holds the time it was made at, and a test's name must be the same in all processes.
    ids=["empty", "other", "truncated"],
)
def test_a_file_that_is_not_an_archive_is_reported(content: bytes) -> None:
    given = read_uploads([("f.zip", "1", io.BytesIO(content)), ("a.jpg", "2", io.BytesIO(JPEG))])
    assert given.errors[0].startswith("f.zip: The archive must be a complete .zip file. Received: ")
    assert [photo.name for photo in given.photos] == ["a.jpg"]


def test_members_that_are_not_images_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [("a.jpg", JPEG), ("notes.txt", b""), ("__MACOSX/._a.jpg", b"")]
    given = read_uploads([("f.zip", "1", zipped_list(members))])
    assert given.notes == ("f.zip: 2 files skipped, without the name of an image.",)
    given = read_uploads([("f.zip", "1", zipped_list(members[1:]))])
    sentence = "f.zip: An archive must contain between 1 and 5,000 images. Received: 0"
    assert given.errors == (sentence,)
    monkeypatch.setattr(photos, "MAX_PHOTOS", 1)
    given = read_uploads([("f.zip", "1", zipped(a__jpg=JPEG, b__jpg=JPEG))])
    assert given.errors[0].endswith("Received: 2")
