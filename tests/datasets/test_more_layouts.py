"""Layouts of known datasets and the forms of tables that people bring are read as they are."""

import io
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer_core.datasets.class_mapping import change_mapping
from fer_core.datasets.image_reader import ImageReader
from fer_core.datasets.importing import import_source, preview_of, previewing
from fer_core.datasets.layouts import Choices, choices_of
from fer_core.datasets.registry import open_dataset
from fer_core.expressions import EXPRESSIONS
from fer_core.vision.heif import heif_formats
from fer_core.vision.images import decode
from tests.datasets.test_layouts import notes_of, read
from tests.datasets.trees import (
    counts_of,
    pixel_rows,
    write_ck_plus,
    write_fer2013,
    write_image,
    write_tree,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 20, 20, 3), dtype=np.uint8)


def write_pixels(
    path: Path, cell: Callable[[np.ndarray], str], header: str = "emotion,pixels"
) -> Path:
    """A table of seven images, one of each class of FER2013."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{number},{cell(image)}" for number, image in enumerate(PIXELS)]
    path.write_text("\n".join([*([header] if header else []), *rows]))
    return path


def gray(image: np.ndarray) -> np.ndarray:
    return image[..., 0].ravel()


@pytest.mark.parametrize(
    ("cell", "header"),
    [
        (lambda image: f'"{gray(image).tolist()}"', "emotion,pixels"),
        (lambda image: f'"{",".join(map(str, gray(image)))}"', "emotion,pixels"),
        (lambda image: " ".join(f"{value}.0" for value in gray(image)), "emotion,pixels"),
        (lambda image: " ".join(f"{value / 255:.5f}" for value in gray(image)), "emotion,pixels"),
        (lambda image: " ".join(map(str, gray(image))), ""),
        (
            lambda image: ",".join(map(str, gray(image))),
            ",".join(["emotion", *(f"pixel{number}" for number in range(400))]),
        ),
        (lambda image: ",".join(map(str, gray(image))), ""),
    ],
)
def test_pixels_are_read_in_every_form(tmp_path, cell, header):
    path = write_pixels(tmp_path / "faces" / "faces.csv", cell, header)
    found = read(path)
    assert found.index["expression"].tolist() == list(EXPRESSIONS)
    np.testing.assert_array_equal(
        np.load(tmp_path / "faces" / "copied" / "images.npy"), PIXELS[..., 0]
    )


@pytest.mark.parametrize("planar", [False, True])
def test_color_pixels_are_read_as_pixels_or_planes(tmp_path, planar):
    ramp = np.linspace(0, 200, 20).astype(np.uint8)
    images = np.stack(
        [
            np.broadcast_to(ramp[:, None, None], (20, 20, 3)) + PIXELS[i] % 9 + [0, 20, 40]
            for i in range(7)
        ]
    ).astype(np.uint8)
    cells = [image.transpose(2, 0, 1) if planar else image for image in images]
    rows = [f"{i},{' '.join(map(str, cell.ravel()))}" for i, cell in enumerate(cells)]
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "rgb.csv").write_text("\n".join(["emotion,pixels", *rows]))
    read(tmp_path / "faces" / "rgb.csv")
    stored = np.load(tmp_path / "faces" / "copied" / "images.npy")
    np.testing.assert_array_equal(stored, images)


def test_tables_of_pixels_named_after_splits_are_these_splits(tmp_path):
    for name in ("train", "val", "test"):
        path = write_fer2013(tmp_path / "fer" / f"{name}.csv", header="emotion,pixels")
        path.write_text("\n".join(path.read_text().splitlines()[: 8 if name == "val" else 15]))
    found = read(tmp_path / "fer")
    assert found.index["split"].value_counts().to_dict() == {"train": 14, "test": 14, "val": 7}


@pytest.mark.parametrize("form", ["pixels", "paths"])
def test_a_quotation_mark_that_is_not_closed_is_refused_with_its_line(tmp_path, form):
    root = write_tree(tmp_path / "data", {"faces": 8})
    cells = pixel_rows(8, side=16) if form == "pixels" else [f"faces/00{i}.png" for i in range(8)]
    cells[4] = '"' + cells[4]
    rows = [f"{cell},happy" for cell in cells]
    (root / "labels.csv").write_text("\n".join(["image,label", *rows]))
    with pytest.raises(ValueError, match=r"line 6 has one \(\"\) that is not closed"):
        read(root / "labels.csv")


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "é"), ("utf-32", "é"), ("latin-1", "é"), ("gb18030", "高兴"), ("utf-8-sig", "é")],
)
def test_tables_are_read_in_their_encoding(tmp_path, encoding, name):
    root = tmp_path / "data"
    for number in range(4):
        write_image(root / f"{name}{number}.png", number)
    rows = [f"{name}{number}.png;{('happy', 'sad')[number % 2]}" for number in range(4)]
    (root / "labels.csv").write_bytes("\n".join(["image;expression", *rows]).encode(encoding))
    found = read(root / "labels.csv")
    assert len(found.index) == 4
    assert ("is not UTF-8" in notes_of(found)) == (encoding != "utf-8-sig")


@pytest.mark.parametrize(
    "header",
    [
        "subDirectory_filePath,expression",
        "img_name,label",
        "image_id,label",
        "ImageName,Class",
        "filename,emotions",
        "picture no,what it is",
        "# drawn by hand\nimage,label",
        "sep=,\nimage,label",
        "",
    ],
)
def test_columns_are_found_by_their_names_or_by_what_is_in_them(tmp_path, header):
    root = write_tree(tmp_path / "data", {"faces": 3})
    rows = [f"faces/00{i}.png,{name}" for i, name in enumerate(["happy", "sad", "happy"])]
    (root / "labels.csv").write_text("\n".join([*([header] if header else []), *rows]))
    assert read(root).index["expression"].tolist() == ["happy", "sad", "happy"]


def test_columns_are_asked_for_and_can_be_chosen(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 2})
    lines = ["file,first,second", "faces/000.png,happy,sad", "faces/001.png,sad,sad"]
    (root / "labels.csv").write_text("\n".join(lines))
    (question,) = read(root).questions
    assert question.about == "columns" and question.options == ("first", "second")
    found = read(root, columns={"label": "second"})
    assert not found.questions and set(found.index["expression"]) == {"sad"}
    with pytest.raises(ValueError, match="A chosen column must be one of"):
        read(root, columns={"label": "third"})


def test_columns_of_zeros_and_ones_name_the_expression(tmp_path):
    root = write_tree(tmp_path / "data", {"train": 2, "valid": 2})
    for split in ("train", "valid"):
        rows = ["filename, angry, happy", "000.png, 1, 0", "001.png, 0, 1"]
        (root / split / "_classes.csv").write_text("\n".join(rows))
    found = read(root)
    assert counts_of(found.index)["val", "happy"] == counts_of(found.index)["train", "angry"] == 1
    assert not any(name.startswith("votes_") for name in found.index.columns)


ONE_HOT = {
    "words": ("happy,sad,fear", ("1,0,0", "0,1,0", "0,0,1")),
    "prefixed": ("is_happy,is_sad,is_fear", ("1.0,0.0,0.0", "0.0,1.0,0.0", "0.0,0.0,1.0")),
    "flags": ("Happy,Sad,Fear", ("True,False,False", "False,True,False", "False,False,True")),
    "numbers": ("3,4,2", ("1,0,0", "0,1,0", "0,0,1")),
}


@pytest.mark.parametrize("form", ONE_HOT)
def test_a_column_for_each_class_is_read_in_every_form(tmp_path, form):
    names, cells = ONE_HOT[form]
    files = sorted((write_tree(tmp_path, {"images": 3}) / "images").iterdir())
    rows = [f"{file.name},{marks},x" for file, marks in zip(files, cells, strict=True)]
    (tmp_path / "images/labels.csv").write_text("\n".join([f"filename,{names},notes", *rows]))
    numbering = "fer2013" if form == "numbers" else ""
    found = read(tmp_path / "images", numbering=numbering)
    assert found.index["expression"].tolist() == ["happy", "sad", "fear"]
    assert "not used: notes" in notes_of(found)


def test_images_are_found_by_name_and_ambiguous_names_are_asked_about(tmp_path):
    root = write_tree(tmp_path / "data", {"a/deep": 2})
    (root / "labels.csv").write_text("image,label\n000.png,happy\n001.png,sad\n")
    found = read(root)
    assert found.index["path"].tolist() == ["a/deep/000.png", "a/deep/001.png"]
    assert "Found 2 images by name" in notes_of(found)
    write_tree(root, {"b": 1})
    (question,) = read(root).questions
    assert question.about == "images" and "a/deep/000.png or b/000.png" in question.text
    (root / "labels.csv").write_text("image,label\n000.png,happy\n")
    with pytest.raises(ValueError, match=r"a/deep/000\.png or b/000\.png"):
        read(root)
    (root / "labels.csv").write_text("image,label\n001.jpg,happy\ndeep/000.jpg,sad\n")
    assert read(root).index["path"].tolist() == ["a/deep/000.png", "a/deep/001.png"]


def test_splits_are_told_by_a_column_of_any_name_and_labels_may_come_first(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 3})
    rows = ["faces/000.png|happy|train", "faces/001.png|sad|dev", "faces/002.png|fear|evaluation"]
    (root / "labels.csv").write_text("\n".join(["image|label|stage", *rows]))
    assert read(root).index["split"].tolist() == ["train", "val", "test"]
    (root / "labels.csv").unlink()
    (root / "labels.txt").write_text("happy faces/000.png\nsad faces/001.png\n")
    assert read(root).index["expression"].tolist() == ["happy", "sad"]


def test_face_boxes_that_are_not_in_pixels_are_refused(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 2})
    rows = ["faces/000.png,happy,0.1,0.2,0.6,0.7", "faces/001.png,sad,0.0,0.1,0.5,1"]
    (root / "labels.csv").write_text("\n".join(["image,label,xmin,ymin,xmax,ymax", *rows]))
    with pytest.raises(ValueError, match="boxes in pixels"):
        read(root)


def test_images_that_a_table_leaves_out_are_counted(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 3})
    (root / "labels.csv").write_text("image,label\nfaces/000.png,happy\nfaces/001.png,sad\n")
    assert "Skipped 1 image that labels.csv does not list" in notes_of(read(root))


def test_a_table_and_folders_that_disagree_are_asked_about(tmp_path):
    root = write_tree(tmp_path / "data", {"happy": 2, "sad": 2})
    rows = [
        f"{folder}/00{i}.png,{('fear', 'sad')[i]}" for folder in ("happy", "sad") for i in (0, 1)
    ]
    (root / "labels.csv").write_text("\n".join(["image,label", *rows]))
    (question,) = read(root).questions
    assert question.about == "layout" and question.options == ("table", "folders")
    assert set(read(root, layout="table").index["expression"]) == {"fear", "sad"}
    assert set(read(root, layout="folders").index["expression"]) == {"happy", "sad"}


def test_folders_of_persons_give_way_to_a_table(tmp_path):
    root = write_tree(tmp_path / "data", {"1": 2, "2": 2})
    rows = [f"{folder}/00{i}.png,{('fear', 'sad')[i]}" for folder in "12" for i in (0, 1)]
    (root / "labels.csv").write_text("\n".join(["image,label", *rows]))
    found = read(root)
    assert not found.questions and set(found.index["expression"]) == {"fear", "sad"}


def test_several_faces_of_an_image_are_images_of_their_own(tmp_path):
    root = tmp_path / "data"
    write_image(root / "pair.png", 0, size=40)
    rows = ["pair.png,0,0,20,40,happy", "pair.png,20,0,20,20,sad", "pair.png,0,20,20,20,sad"]
    (root / "boxes.csv").write_text("\n".join(["image,x,y,w,h,label", *rows]))
    dataset = import_source(root / "boxes.csv", "pairs")
    assert dataset.images == 3 and dataset.image(1).shape == (20, 20, 3)
    assert dataset.index["row"].tolist() == [0, 1, 2]
    dataset.exclude([1], "blurred")
    assert len(dataset.with_corrections().select("excluded")) == 1
    assert "pair.png, face 2" in dataset.reader.name(1)


def test_expw_lists_are_read_by_their_columns(tmp_path):
    root = tmp_path / "data"
    write_image(root / "image" / "a b.png", 0, size=40)
    (root / "label").mkdir()
    (root / "label" / "label.lst").write_text(
        "a b.png 0 5 0 20 30 48.5 3\na b.png 1 5 20 40 25 9.1 6\n"
    )
    found = read(root)
    assert found.index["expression"].tolist() == ["happy", "neutral"]
    assert found.index[["x", "y", "width", "height"]].to_numpy().tolist() == [
        [0, 5, 20, 25],
        [20, 5, 20, 20],
    ]


def test_ferplus_lists_take_the_class_with_most_votes(tmp_path):
    root = tmp_path / "data"
    votes = {
        "FER2013Train": ["8,1,1,0,0,0,0,0,0,0", "1,8,1,0,0,0,0,0,0,0", "0,0,0,5,5,0,0,0,0,0"],
        "FER2013Valid": ["0,0,0,0,9,0,0,0,1,0", "0,0,0,0,0,0,0,0,0,9"],
    }
    for folder, rows in votes.items():
        for number in range(len(rows)):
            write_image(root / folder / f"{folder}{number}.png", number)
        lines = [f'{folder}{i}.png,"(0, 0, 48, 48)",{row}' for i, row in enumerate(rows)]
        (root / folder / "label.csv").write_text("\n".join(lines))
    found = read(root)
    assert counts_of(found.index) == {
        ("train", "neutral"): 1,
        ("train", "happy"): 1,
        ("val", "angry"): 1,
    }
    assert "Left out 2 images" in notes_of(found)


def test_affectnet_is_read_by_its_table_not_by_its_numbered_folders(tmp_path):
    root = write_tree(tmp_path / "data", {"Images/1": 3, "Images/103": 9})
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,expression,valence,arousal"
    rows = [f"103/00{i}.png,1,1,8,8,{i},0,0" for i in range(9)]
    (root / "training.csv").write_text("\n".join([head, *rows]))
    found = read(root)
    assert found.index["expression"].tolist()[:3] == ["neutral", "happy", "sad"]
    assert len(found.index) == 8 and "no expressions" in notes_of(found)


def test_affectnet_arrays_are_read_without_pickles(tmp_path):
    root = write_tree(tmp_path / "data", {"train_set/images": 3, "val_set/images": 2})
    for split, count in (("train_set", 3), ("val_set", 2)):
        (root / split / "annotations").mkdir()
        for number in range(count):
            np.save(root / split / "annotations" / f"{number:03d}_exp.npy", np.array(str(number)))
    np.save(root / "train_set" / "annotations" / "002_exp.npy", np.array([None]))
    found = read(root)
    assert counts_of(found.index) == {
        ("train", "neutral"): 1,
        ("train", "happy"): 1,
        ("val", "neutral"): 1,
        ("val", "happy"): 1,
    }
    assert "1 label file without a class number" in notes_of(found)


def test_ck_plus_asks_how_many_last_frames_of_a_sequence_carry_its_label(tmp_path):
    root = write_ck_plus(tmp_path / "data", sequences=(3, 0, 5), frames=3)
    with previewing(root) as plan, pytest.raises(ValueError, match="--last-frames 1"):
        plan.check_decided()
    found = read(root, last_frames=1)
    assert found.index["expression"].tolist() == ["disgust", "happy"]
    assert found.index["path"].str.endswith("_00000003.png").all()
    assert "1 sequence without a label" in notes_of(found)
    more = read(root, last_frames=2, first_frame_neutral=True)
    counts = more.index["expression"].value_counts().to_dict()
    assert counts == {"disgust": 2, "happy": 2, "neutral": 2}
    assert more.index.groupby("group").size().tolist() == [3, 3]
    every = read(root, last_frames=9, first_frame_neutral=True).index
    assert sorted(every["expression"].unique()) == ["disgust", "happy"] and len(every) == 6
    assert preview_of(more).has_sequences
    assert choices_of(more.choices.as_record()) == more.choices
    with pytest.raises(ValueError, match="from 1 to"):
        Choices(last_frames=-1)


@pytest.mark.parametrize(
    "names",
    [
        ["AF01/AF01HAS.JPG", "AF01/AF01SAS.JPG", "BM02/BM02AFS.JPG"],
        ["AF01/AF01HAS_crop.png", "AF01/AF01SAS_crop.png", "BM02/BM02AFS_crop.png"],
        ["KA.HA1.29.tiff", "KA.SA2.30.tiff", "KM.FE1.31.tiff"],
        ["KA-HA1-29.png", "KA-SA2-30.png", "KM-FE1-31.png"],
        ["img001_happy.jpg", "img002-SAD.jpg", "FearPerson3.jpg"],
        ["1/a_happy.png", "1/b_sad.png", "2/c_fear.png"],
    ],
)
def test_expressions_in_file_names_are_read(tmp_path, names):
    for number, name in enumerate(names):
        write_image(tmp_path / "data" / name, number)
    found = read(tmp_path / "data")
    assert set(found.index["expression"]) == {"happy", "sad", "fear"}
    assert "told by its file name" in notes_of(found)


def test_compound_expressions_are_told_from_basic_ones(tmp_path):
    root = tmp_path / "compound"
    for number in range(1, 12):
        write_image(root / "Image" / "aligned" / f"train_{number:05d}_aligned.jpg", number)
    lines = [f"train_{number:05d}.jpg {number}" for number in range(1, 12)]
    (root / "EmoLabel").mkdir()
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    found = read(root)
    assert found.layout == "RAF-DB, compound expressions"
    assert found.index["expression"].iloc[0] == "happily surprised"


def test_a_photo_of_a_phone_is_read_or_it_is_said_what_is_missing(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    for number, name in enumerate(("happy", "sad")):
        write_image(tmp_path / "data" / name / "1.png", number, size=64)
        pixels = Image.open(tmp_path / "data" / name / "1.png").convert("RGB")
        photo = tmp_path / "data" / name / "2.heic"
        heif.from_pillow(pixels).save(photo, quality=-1, chroma=444)
    turned = Image.Exif()
    turned[0x112] = 6  # the camera was held upright
    wide = Image.fromarray(np.zeros((32, 64, 3), np.uint8))
    heif.from_pillow(wide).save(tmp_path / "wide.heic", exif=turned.tobytes())
    dataset = import_source(tmp_path / "data", "faces")
    assert dataset.images == 4
    difference = dataset.image(0).astype(int) - dataset.image(1)
    assert np.abs(difference).max() <= 3
    assert decode(tmp_path / "wide.heic").shape == (64, 32, 3)
    data = photo.read_bytes()
    for broken in (data[: len(data) // 2], data[:300] + b"\xff" * 40 + data[340:]):
        with pytest.raises(ValueError, match="cannot be read as an image"):
            decode(broken)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heif_formats.cache_clear()
    with pytest.raises(ValueError, match="pip install pillow-heif"):
        decode(photo)


@pytest.mark.parametrize("suffix", [".jfif", ".pgm", ".ppm"])
def test_further_formats_of_images_are_read(tmp_path, suffix):
    for name in ("happy", "sad"):
        write_image(tmp_path / "data" / name / "1.png", len(name))
        file = tmp_path / "data" / name / "1.png"
        mode, kind = (
            ("RGB", None) if suffix == ".ppm" else ("L", "JPEG" if suffix == ".jfif" else None)
        )
        Image.open(file).convert(mode).save(file.with_suffix(suffix), format=kind)
        file.unlink()
    assert import_source(tmp_path / "data", "faces").images == 2


# Archives


def pictures() -> dict[str, bytes]:
    """Names in an archive and their content: four images in two folders."""
    members = {}
    for number in range(4):
        buffer = io.BytesIO()
        Image.fromarray(np.full((16, 16), 40 * number, np.uint8)).save(buffer, "PNG")
        members[f"{('happy', 'sad')[number % 2]}/{number}.png"] = buffer.getvalue()
    return members


@pytest.mark.parametrize(
    ("encoding", "folders"),
    [("gb18030", ["高兴", "悲伤"]), ("utf-8", ["高兴", "悲伤"]), ("cp437", ["émotion", "désolé"])],
)
def test_names_in_a_zip_that_do_not_tell_their_encoding_are_read(tmp_path, encoding, folders):
    placeholders = {name: str(i) * len(name.encode(encoding)) for i, name in enumerate(folders)}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, content in enumerate(pictures().values()):
            archive.writestr(f"{placeholders[folders[number % 2]]}/{number}.png", content)
    raw = data.getvalue()
    for name, placeholder in placeholders.items():
        raw = raw.replace(f"{placeholder}/".encode(), name.encode(encoding) + b"/")
    (tmp_path / "faces.zip").write_bytes(raw)
    with previewing(tmp_path / "faces.zip", Choices(layout="any")) as plan:
        assert set(plan.index["source_class"]) == set(folders)
        assert any("Chinese" in note for note in plan.notes) == (encoding == "gb18030")


def seven_zip_of(path: Path, members: dict[str, bytes], **settings: Any) -> Path:
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(path, "w", **settings) as archive:
        for name, content in members.items():
            archive.writestr(content, name)
    return path


def test_a_seven_zip_archive_is_read_whatever_its_name(tmp_path, monkeypatch):
    members = pictures() | {"notes.doc": b"text", "sad/.hidden.png": b"no image"}
    source = seven_zip_of(tmp_path / "faces.zip", members)
    dataset = import_source(source.rename(tmp_path / "faces.csv"), "faces")
    assert dataset.images == 4
    assert any("2 files that are not images" in note for note in dataset.notes)
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(ValueError, match="pip install py7zr"):
        import_source(tmp_path / "faces.csv", "again")


def test_a_hostile_seven_zip_archive_writes_nothing_outside_and_fills_no_disk(tmp_path):
    data = seven_zip_of(tmp_path / "plain.7z", pictures()).read_bytes()
    (tmp_path / "cut.7z").write_bytes(data[: len(data) // 2])
    with pytest.MonkeyPatch.context() as patch:  # py7zr itself writes no such name

        def write(file: Any, name: str) -> None:
            file.write(name.replace("abcde", "../..").encode("utf-16-le") + bytes(2))

        patch.setattr("py7zr.archiveinfo.write_utf16", write)
        outside = seven_zip_of(tmp_path / "outside.7z", {"abcde/evil.png": b"content"})
    for source, reason in (
        (seven_zip_of(tmp_path / "secret.7z", pictures(), password="secret"), "encrypted"),
        (seven_zip_of(tmp_path / "bomb.7z", {"sad/1.png": bytes(150 * 2**20)}), "when extracted"),
        (outside, "outside the archive"),
        (tmp_path / "cut.7z", "complete .7z file"),
    ):
        with pytest.raises(ValueError, match=reason):
            import_source(source, "faces")
    assert not list(tmp_path.rglob("evil.png"))


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("name", "mode"), [("fer.tar", "w"), ("fer.tar.gz", "w:gz"), ("fer.csv", "w"), ("fer", "w:xz")]
)
def test_tar_archives_are_read_whatever_their_name(tmp_path, name, mode):
    table = write_fer2013(tmp_path / "table.csv").read_bytes()
    archive = tar_of(tmp_path / name, {"fer/fer2013.csv": table, "fer/README": b"x"}, mode)
    dataset = import_source(archive, "fer")
    assert dataset.images == 42 and dataset.is_copied
    assert any("1 file that are not images" in note for note in dataset.notes)


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png"])
def test_members_of_a_tar_that_would_land_outside_are_refused(tmp_path, name):
    archive = tar_of(tmp_path / "evil.tar", {name: b"x"})
    with pytest.raises(ValueError, match="a path outside the archive"):
        import_source(archive, "faces")
    assert not list(tmp_path.rglob("evil.png"))


def test_links_in_a_tar_are_skipped(tmp_path):
    table = write_fer2013(tmp_path / "table.csv").read_bytes()
    archive = tar_of(tmp_path / "fer.tar", {"fer2013.csv": table})
    with tarfile.open(archive, "a") as file:
        link = tarfile.TarInfo("happy.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    assert any("links" in note for note in import_source(archive, "fer").notes)


def test_a_tar_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path):
    archive = tar_of(tmp_path / "bomb.tar.gz", {"happy/1.png": bytes(150 * 2**20)}, "w:gz")
    with pytest.raises(ValueError, match=r"must take at most 0\.1 GB"):
        import_source(archive, "faces")


# The choices


def test_choices_are_kept_with_the_dataset(tmp_path):
    root = write_tree(tmp_path / "faces", {f"{number}": 3 for number in range(7)})
    choices = Choices(numbering="AffectNet", classes={"6": "contempt"})
    import_source(root, "faces", choices=choices)
    assert open_dataset("faces").choices == choices
    assert open_dataset("faces").index["source_class"].iloc[0] == "0"


def test_a_validation_split_that_was_chosen_is_never_redrawn(tmp_path):
    tree = {"one/happy": 4, "one/sad": 4, "two/happy": 2, "two/sad": 2}
    choices = Choices(splits={"one": "train", "two": "val"})
    dataset = import_source(write_tree(tmp_path / "faces", tree), "faces", choices=choices)
    assert dataset.has_own_validation
    assert dataset.with_validation_fraction(0.5).counts().equals(dataset.counts())


def test_a_preview_shows_classes_with_examples_and_adds_nothing(tmp_path, workspace):
    root = write_tree(tmp_path / "faces", {f"train/{number}": 4 for number in range(8)})
    with previewing(root) as plan:
        preview = preview_of(plan)
    assert [question.about for question in plan.questions] == ["numbering"]
    assert preview.classes == {str(number): 4 for number in range(8)}
    assert preview.splits == {"train": 32}
    assert not list(workspace.rglob("index.csv")) and not list(workspace.rglob(".preview-*"))


def test_a_table_whose_name_tells_no_split_can_be_one(tmp_path):
    write_tree(tmp_path / "faces", {"images": 6})
    files = [f"images/{number:03d}.png" for number in range(6)]
    for name, part in (("first", files[:4]), ("second", files[4:])):
        rows = [f"{file},{('happy', 'sad')[number % 2]}" for number, file in enumerate(part)]
        table = "\n".join(["path,expression", *rows])
        (tmp_path / "faces" / f"{name}.csv").write_text(table, encoding="utf-8")
    with previewing(tmp_path / "faces") as plan:
        assert {"first", "second"} <= preview_of(plan).places.keys()
    with previewing(tmp_path / "faces", Choices(splits={"second": "test"})) as plan:
        assert plan.index["split"].value_counts().to_dict() == {"": 4, "test": 2}


def test_the_numbering_can_be_changed_later_without_reading_images(tmp_path, monkeypatch):
    root = write_tree(tmp_path / "faces", {f"{number}": 4 for number in range(7)})
    before = import_source(root, "faces", choices=Choices(numbering="fer2013"))
    splits, fingerprint = before.index["split"].tolist(), before.fingerprint()
    with monkeypatch.context() as patch:
        patch.setattr(ImageReader, "read", lambda *_: pytest.fail("an image was read"))
        after = change_mapping("faces", Choices(numbering="affectnet"))
    expected = import_source(root, "expected", choices=Choices(numbering="affectnet"))
    assert after.index["expression"].tolist() == expected.index["expression"].tolist()
    assert after.index["split"].tolist() == splits
    assert after.choices == expected.choices
    assert any("AffectNet's numbering" in note for note in after.notes)
    assert not any("FER2013" in note for note in after.notes)
    for name, face in expected.mean_faces().items():
        np.testing.assert_array_equal(after.mean_faces()[name], face)
    assert after.fingerprint() != fingerprint


def test_classes_can_be_merged_divided_and_left_out_later(tmp_path):
    tree = {"happy": 4, "calm": 2, "neutral": 4, "odd": 2}
    root = write_tree(tmp_path / "faces", tree)
    dataset = import_source(root, "faces", choices=Choices(classes={"calm": "neutral"}))
    assert dataset.counts().loc["neutral"].sum() == 6
    divided = change_mapping("faces", Choices(classes={"calm": "calm", "odd": ""}))
    assert set(divided.class_names) == {"happy", "calm", "neutral"}
    expected = divided.image(0).astype(float)  # calm/000.png
    second = divided.image(1).astype(float)
    assert divided.mean_faces()["calm"].mean() == pytest.approx(
        (expected + second).mean() / 2, abs=3
    )
    assert divided.images == len(divided.index) == 10


def test_a_mapping_that_corrections_contradict_is_refused(tmp_path):
    root = write_tree(tmp_path / "faces", {"happy": 4, "sad": 4})
    dataset = import_source(root, "faces")
    dataset.relabel([0], "sad")
    with pytest.raises(ValueError, match="Undo these corrections first"):
        change_mapping("faces", Choices(classes={"sad": "fear"}))
    assert set(open_dataset("faces").class_names) == {"happy", "sad"}
