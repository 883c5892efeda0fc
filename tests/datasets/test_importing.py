"""Data sets are added whole or not at all; archives and vanished files do no harm."""

import io
import os
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_core.datasets.image_reader import ImageReader
from fer_core.datasets.importing import image_check as inspection
from fer_core.datasets.importing.import_task import import_source, run_import
from fer_core.datasets.index import write_index
from fer_core.datasets.layouts import Choices
from fer_core.datasets.names import free_name, is_name
from fer_core.datasets.registry import list_datasets, open_dataset, unreadable_datasets
from fer_core.datasets.summary import imbalance, with_totals
from fer_core.datasets.synthetic.generate import run_draw
from fer_core.expressions import EXPRESSIONS
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json
from fer_core.tasks import task as tasks
from fer_core.tasks.processes import process_record
from tests.datasets.trees import write_fer2013, write_image, write_tree
from tests.tasks.requests import write_request

NEW_KEYS = ("validation_fraction", "gray")  # that the first data_set.json did not have
TREE = {"train/happy": 12, "train/sad": 6, "test/happy": 2, "test/sad": 2}

COUNTS = pd.DataFrame(  # of FER2013
    {
        "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "val": [467, 56, 496, 895, 653, 415, 607],
        "test": [491, 55, 528, 879, 594, 416, 626],
    },
    index=list(EXPRESSIONS),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "faces", TREE)


def left_behind() -> list[str]:
    """What lies in the folder of data sets, hidden names too."""
    root = paths.datasets_root()
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


def spy(function: Callable, calls: list) -> Callable:
    """The function, but that it notes its first argument at every call."""

    def noting(*arguments, **settings):
        calls.append(arguments[0])
        return function(*arguments, **settings)

    return noting


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16, 16), shade).save(buffer, format="PNG")
    return buffer.getvalue()


# A folder


def test_a_folder_is_added_by_reference_and_not_touched(source):
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}
    dataset = import_source(source, "faces")
    assert {path: path.stat().st_mtime_ns for path in source.rglob("*")} == before
    assert dataset.root == source
    assert not dataset.is_copied
    assert not list(dataset.directory.rglob("*.png"))
    assert open_dataset("faces") == dataset
    assert [found.name for found in list_datasets()] == ["faces"]


def test_the_index_says_of_every_image_what_and_where_it_is(source):
    index = import_source(source, "faces").index
    assert list(index.columns[:5]) == ["path", "row", "expression", "split", "source_split"]
    assert index["row"].isna().all()
    first = index.iloc[0]
    assert first["path"] == "test/happy/000.png"
    assert first["size"] == (source / "test/happy/000.png").stat().st_size
    assert index["content"].nunique() == len(index)


def test_validation_is_drawn_once_and_can_be_drawn_anew(source):
    dataset = import_source(source, "faces", validation_fraction=0.25)
    assert dataset.counts().loc["happy"].to_dict() == {"train": 9, "val": 3, "test": 2}
    assert not dataset.has_own_validation
    larger = dataset.with_validation_fraction(0.5)
    assert larger.counts().loc["happy"].to_dict() == {"train": 6, "val": 6, "test": 2}
    assert set(dataset.select("val")) < set(larger.select("val"))
    assert larger.fingerprint() != dataset.fingerprint()
    assert any("No validation split" in note for note in dataset.notes)


def test_the_share_that_was_asked_for_at_the_import_stays_what_training_takes(source):
    import_source(source, "faces", validation_fraction=0.25)
    dataset = open_dataset("faces")
    assert dataset.validation_fraction == 0.25
    assert dataset.with_validation_fraction(None) is dataset
    assert dataset.counts().loc["happy", "val"] == 3
    assert dataset.with_validation_fraction(0.25).index.equals(dataset.index)
    assert import_source(source, "usual").validation_fraction == 0.1


def test_data_sets_of_older_versions_open(source):
    file = import_source(source, "faces", validation_fraction=0.25).directory / "data_set.json"
    record = read_json(file)
    write_json(file, {key: record[key] for key in record if key not in NEW_KEYS})
    dataset = open_dataset("faces")
    assert dataset.validation_fraction == 0.1
    assert not dataset.is_gray
    assert dataset.counts().loc["happy", "val"] == 3
    assert dataset.with_validation_fraction(0.1).counts().loc["happy", "val"] == 1


def test_it_is_known_whether_all_images_are_gray(tmp_path):
    root = write_tree(tmp_path / "faces", {"happy": 3, "sad": 3})
    gray = Image.new("RGB", (16, 16), (90, 90, 90))
    gray.save(root / "sad" / "gray.jpg")  # three channels, all equal
    (root / "sad" / "damaged.png").write_bytes(b"not a picture")
    assert import_source(root, "gray").is_gray
    gray.putpixel((3, 3), (90, 91, 90))
    gray.save(root / "sad" / "one-pixel.png")
    assert not import_source(root, "coloured").is_gray
    assert open_dataset("gray").is_gray
    assert not open_dataset("coloured").is_gray


def test_a_table_of_pixels_is_gray(tmp_path):
    assert import_source(write_fer2013(tmp_path / "fer2013.csv"), "fer").is_gray


def test_a_validation_split_of_its_own_is_never_redrawn(tmp_path):
    tree = {"train/happy": 4, "train/sad": 4, "validation/happy": 2, "validation/sad": 2}
    dataset = import_source(write_tree(tmp_path / "faces", tree), "faces")
    assert dataset.has_own_validation
    assert dataset.with_validation_fraction(0.5).counts().equals(dataset.counts())


def test_classes_that_are_numbers_stay_words_wherever_they_are_read(tmp_path):
    folders = {f"{split}/{number}": 4 for split in ("train", "test") for number in range(8)}
    root = write_tree(tmp_path / "affect", folders)
    import_source(root, "affect", choices=Choices(numbering="free"))
    dataset = open_dataset("affect")
    assert dataset.class_names == tuple("01234567")
    assert all(type(word) is str for word in dataset.index["expression"])
    assert list(dataset.counts().index) == list("01234567")
    assert list(dataset.mean_faces()) == list("01234567")
    assert len(dataset.select("test", "3")) == 4
    larger = dataset.with_validation_fraction(0.5)
    assert larger.counts().loc["3"].to_dict() == {"train": 2, "val": 2, "test": 4}
    assert with_totals(dataset.counts()).loc["3", "total"] == 8
    dataset.pixels_key()
    write_index(dataset.directory, dataset.index)
    assert open_dataset("affect").class_names == tuple("01234567")


@pytest.mark.parametrize("words", [("008", "9"), ("1e3", "1000"), ("none", "nan"), ("true", "na")])
def test_class_names_that_look_like_something_else_stay_as_they_are(tmp_path, words):
    root = write_tree(tmp_path / "odd", dict.fromkeys(words, 3))
    import_source(root, "odd", choices=Choices(layout="any"))
    dataset = open_dataset("odd")
    assert set(dataset.class_names) == set(words)
    assert dataset.counts().to_numpy().sum() == 6


def test_a_test_split_is_taken_from_train_when_it_is_asked_for(tmp_path):
    root = write_tree(tmp_path / "faces", {"happy": 20, "sad": 20})
    assert "test" not in import_source(root, "without").counts().columns
    counts = import_source(root, "with", test_fraction=0.2).counts()
    assert counts.loc["happy"].to_dict() == {"train": 14, "val": 2, "test": 4}


def test_images_are_selected_by_split_and_class(source):
    dataset = import_source(source, "faces")
    assert len(dataset.select()) == 22
    assert len(dataset.select("test")) == 4
    chosen = dataset.select("test", "sad")
    assert dataset.index["path"].iloc[chosen].tolist() == ["test/sad/000.png", "test/sad/001.png"]


def test_damaged_images_are_skipped_with_a_note(source):
    (source / "train/sad/000.png").write_bytes(b"not a picture")
    whole = (source / "train/sad/001.png").read_bytes()
    (source / "train/sad/001.png").write_bytes(whole[: len(whole) // 2])
    dataset = import_source(source, "faces")
    assert dataset.images == len(dataset.index) == 20
    note = next(note for note in dataset.notes if note.startswith("Skipped 2 unreadable"))
    assert "train/sad/000.png" in note


def test_more_damaged_images_than_are_read_at_once_are_skipped_too(tmp_path):
    folder = write_tree(tmp_path / "faces", {"happy": 2, "sad": 2})
    for number in range(300):
        (folder / "happy" / f"a{number}.png").write_bytes(b"x")
    assert import_source(folder, "faces").images == 4


def test_spellings_of_a_path_are_one_image_and_rows_without_any_are_none(tmp_path):
    folder = write_tree(tmp_path / "faces", {"happy": 2, "sad": 2})
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.*"))]
    rows = [f"{start}{name},{number % 2}" for number, name in enumerate(names)
            for start in ("", "./", "happy/../", "sad/../happy/../")]  # fmt: skip
    (folder / "x.csv").write_text("\n".join(["image,label", *rows]))
    choices = Choices(layout="table", numbering="free")
    assert import_source(folder, "faces", choices=choices).images == 4
    (folder / "x.csv").write_text(f"image,label\na/{Path(names[0]).name},happy\n")
    assert import_source(folder, "folders").images == 4


def test_what_was_recognised_counts_the_images_that_are_kept(source):
    (source / "train/sad/000.png").write_bytes(b"not a picture")
    write_image(source / "train/fear/000.png", 999)
    (source / "train/fear/000.png").write_bytes(b"not a picture")
    notes = import_source(source, "faces").notes
    assert (
        notes[0]
        == "Recognized one folder per expression: 2 classes, with splits train (17), test (4)."
    )
    assert any(note.startswith("Skipped 2 unreadable images: ") for note in notes)


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"test/happy": 2, "test/sad": 2}, "There are no training images: "),
        ({"validation/happy": 2, "validation/sad": 2}, "There are no training images: "),
        ({"happy": 1, "sad": 1}, "There are no validation images, and no expression has two"),
        (
            {"train/happy": 3, "train/sad": 3, "test/fear": 1, "test/angry": 1},
            "There are no training images of angry, fear: deselect them when you train.",
        ),
    ],
)
def test_a_dataset_that_cannot_be_trained_on_has_a_note_why(tmp_path, tree, sentence):
    dataset = import_source(write_tree(tmp_path / "faces", tree), "faces")
    assert dataset.notes[-1].startswith(sentence)


def test_a_single_expression_is_said_to_teach_nothing(source):
    for file in (source / "train/sad").iterdir():
        file.write_bytes(b"not a picture")
    for file in (source / "test/sad").iterdir():
        file.write_bytes(b"not a picture")
    notes = import_source(source, "faces").notes
    assert notes[-1].startswith("The only expression is happy")


def test_a_dataset_that_can_be_trained_on_has_no_note_about_it(source):
    assert not any("no network" in note for note in import_source(source, "faces").notes)


def test_a_class_whose_images_are_all_damaged_is_gone(source):
    write_image(source / "train/fear/000.png", 999)
    (source / "train/fear/000.png").write_bytes(b"not a picture")
    dataset = import_source(source, "faces")
    assert dataset.class_names == ("happy", "sad")
    assert list(dataset.mean_faces()) == ["happy", "sad"]


def test_mean_faces_are_the_average_of_a_class(tmp_path):
    for shade in (100, 200):
        for expression, offset in (("happy", 0), ("sad", 50)):
            file = tmp_path / "faces" / expression / f"{shade}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (16, 16), shade + offset).save(file)
    means = import_source(tmp_path / "faces", "faces").mean_faces()
    assert (means["happy"] == 150).all()
    assert (means["sad"] == 200).all()
    assert means["sad"].shape == (64, 64, 3)


def test_rows_of_an_unknown_split_go_to_train_and_it_is_said(tmp_path):
    root = write_tree(tmp_path / "faces", {"faces": 6})
    rows = [f"faces/{i:03d}.png,{('happy', 'sad')[i % 2]},fold{i % 3}" for i in range(6)]
    (root / "labels.csv").write_text("\n".join(["path,label,split", *rows]))
    dataset = import_source(root / "labels.csv", "faces", validation_fraction=0.3)
    assert dataset.counts()["train"].tolist() == [2, 2]
    note = "Unknown split names, assigned to training: fold0, fold1, fold2."
    assert note in dataset.notes


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read all")
def test_folders_that_may_not_be_read_are_skipped_with_a_note(source):
    (source / "train" / "closed").mkdir(mode=0)
    dataset = import_source(source, "faces")
    assert "Skipped, closed to this program: 1 folder (train/closed)." in dataset.notes


# What identifies a data set


def test_the_fingerprint_is_that_of_content_not_of_times_or_places(source, tmp_path):
    fingerprint = import_source(source, "faces").fingerprint()
    for path in source.rglob("*.png"):
        os.utime(path, (1, 1))
    assert open_dataset("faces").fingerprint() == fingerprint
    source.rename(tmp_path / "moved")
    assert import_source(tmp_path / "moved", "again").fingerprint() == fingerprint


def test_the_fingerprint_changes_with_an_image_a_label_or_a_split(source):
    fingerprints = {import_source(source, "one").fingerprint()}
    write_image(source / "train/happy/000.png", 12345)
    fingerprints.add(open_dataset("one").fingerprint())
    (source / "train/happy/001.png").rename(source / "train/sad/100.png")
    fingerprints.add(import_source(source, "two").fingerprint())
    (source / "train/happy/002.png").rename(source / "test/happy/100.png")
    fingerprints.add(import_source(source, "three").fingerprint())
    assert len(fingerprints) == 4


def test_what_was_read_again_is_remembered(source):
    dataset = import_source(source, "faces")
    os.utime(source / "train/happy/000.png", (1, 1))
    dataset.fingerprint()
    written = (dataset.directory / "index.csv").stat().st_mtime_ns
    open_dataset("faces").fingerprint()
    assert (dataset.directory / "index.csv").stat().st_mtime_ns == written


def test_a_copied_array_is_read_again_by_opening_it_once(tmp_path, monkeypatch):
    table = write_fer2013(tmp_path / "fer2013.csv")
    lines = table.read_text().splitlines()
    lines[3] = "1,no pixels,Training"  # a row that the array has and the index has not
    table.write_text("\n".join(lines))
    dataset = import_source(table, "fer")
    fingerprint = dataset.fingerprint()
    os.utime(dataset.directory / "images.npy", (1, 1))
    opened: list[Path] = []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", spy(Path.open, opened))
        assert open_dataset("fer").fingerprint() == fingerprint
    assert len([path for path in opened if path.name == "images.npy"]) <= 2  # header and rows


def test_only_changed_rows_of_an_array_count_as_changed_images(tmp_path):
    dataset = import_source(write_fer2013(tmp_path / "fer2013.csv"), "fer")
    key = dataset.pixels_key()
    rows = np.load(dataset.directory / "images.npy")
    rows[4, 0, 0] ^= 1
    np.save(dataset.directory / "images.npy", rows)
    changed = open_dataset("fer")
    assert changed.pixels_key() != key
    differs = open_dataset("fer").index["content"] != dataset.index["content"]
    assert changed.index["row"][differs].tolist() == [4]


def test_vanished_images_are_counted_and_the_first_is_named(source):
    dataset = import_source(source, "faces")
    (source / "train/sad/000.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 22 image files.*train/sad/000\.png.*Put them back"):
        dataset.fingerprint()
    with pytest.raises(ValueError, match=r"train/sad/000\.png must be a readable file"):
        dataset.image(int(dataset.select(expression="sad")[2]))


# Names, and what goes wrong


WINDOWS_OWN = ["con", "CON", "nul.zip", "aux.1", "com1", "LPT9.a.b"]


@pytest.mark.parametrize(
    "name", ["", ".hidden", "-x", "a/b", "..", "a b", "x" * 65, "dot.", "ä", *WINDOWS_OWN]
)
def test_names_that_cannot_be_are_refused(source, name):
    with pytest.raises(ValueError, match="The name must be 1 to 64 letters"):
        import_source(source, name)
    assert left_behind() == []


def test_a_taken_name_is_refused_whatever_its_capitals(source):
    import_source(source, "faces")
    with pytest.raises(ValueError, match="already a dataset named"):
        import_source(source, "Faces")


@pytest.mark.parametrize("name", ["../secrets", "", "nothing", ".import-1"])
def test_a_data_set_that_is_not_there_is_refused_with_its_name(name):
    with pytest.raises(ValueError, match="There is no dataset named"):
        open_dataset(name)


def test_sources_that_are_not_there_or_of_another_kind_are_refused(tmp_path):
    (tmp_path / "faces.rar").write_bytes(b"x")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    odd = (Path("~nobody-of-this-name/faces"), Path("x" * 5000), tmp_path / "circle")
    for source in (tmp_path / "nowhere", tmp_path / "faces.rar", *odd):
        with pytest.raises(ValueError, match=r"must be a folder, a \.zip"):
            import_source(source, "faces")


def test_more_classes_than_any_study_has_are_refused_before_an_image_is_looked_at(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(ImageReader, "read", lambda *_: pytest.fail("an image was read"))
    root = write_tree(tmp_path / "holidays", {f"day {number:03d}": 1 for number in range(101)})
    with pytest.raises(
        ValueError, match=r"at most 100 classes.*Received: 101 \(day 000, "
    ) as error:
        import_source(root, "faces", choices=Choices(layout="any"))
    assert len(str(error.value)) < 200
    assert left_behind() == []


def test_mean_faces_take_memory_for_the_classes_of_a_chunk_only(tmp_path):
    root = write_tree(tmp_path / "many", {f"c{number:02d}": 1 for number in range(90)})
    index = pd.DataFrame(
        {"path": sorted(p.relative_to(root).as_posix() for p in root.rglob("*.png"))}
    )
    index = index.assign(
        expression=index["path"].str[:3], row=pd.Series(pd.NA, index.index, "Int64")
    )
    chunk = inspection._check(ImageReader(index, root), range(80, 90), np.arange(90))
    assert chunk.classes.tolist() == list(range(80, 90))
    assert len(chunk.sums) == 10


def test_a_failed_import_leaves_nothing_behind(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="is not recognized"):
        import_source(tmp_path / "empty", "faces")
    assert left_behind() == []


def test_an_import_can_be_stopped_and_leaves_nothing_behind(source):
    with pytest.raises(ValueError, match="Stopped; nothing"):
        import_source(source, "faces", should_stop=lambda: True)
    assert left_behind() == []


def test_what_a_killed_import_left_is_removed_after_a_while(source):
    abandoned = paths.datasets_root() / ".import-0"
    abandoned.mkdir(parents=True)
    os.utime(abandoned, (1, 1))
    abandoned.with_name(".import-1").symlink_to(".import-1")  # to itself
    import_source(source, "faces")
    assert sorted(left_behind()) == [".import-1", "faces"]


def test_deleting_leaves_the_originals_where_they_are(source):
    dataset = import_source(source, "faces")
    dataset.delete()
    assert left_behind() == []
    assert len(list(source.rglob("*.png"))) == 22
    assert list_datasets() == []


def test_deleting_what_is_gone_already_is_done(source):
    dataset, same = import_source(source, "faces"), open_dataset("faces")
    dataset.delete()
    same.delete()
    dataset.delete()
    assert left_behind() == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "truncated"),
        ("null", "null"),
        ('{"root": "images"}', "layout"),
        ('{"rooot": 1}', "rooot"),
    ],
)
def test_a_damaged_dataset_is_left_out_and_named(source, text, reason):
    damaged = import_source(source, "damaged").directory / "data_set.json"
    import_source(source, "faces")
    assert unreadable_datasets() == []
    damaged.write_text(text, encoding="utf-8")
    assert [found.name for found in list_datasets()] == ["faces"]
    (sentence,) = unreadable_datasets()
    assert sentence.startswith("damaged cannot be read: its data_set.json is damaged")
    assert reason in sentence


def test_progress_is_told_and_ends_at_the_end(source):
    steps: list[tuple[int, int, str]] = []
    import_source(source, "faces", progress=lambda *step: steps.append(step))
    done, total, message = steps[-1]
    assert done == total == 22
    assert "22 images" in message


# Archives


def test_an_archive_is_copied_in_and_its_other_files_are_left_out(tmp_path):
    members = {
        f"faces/train/{name}/{i}.png": picture(20 * i + j)
        for j, name in enumerate(("happy", "sad"))
        for i in range(5)
    }
    extras = {"faces/readme.md": b"hello", "__MACOSX/faces/._x.png": b"x", "faces/.DS_Store": b"x"}
    archive = zipped(tmp_path / "faces.zip", members | extras)
    dataset = import_source(archive, "faces")
    archive.unlink()
    assert dataset.is_copied
    assert dataset.image(0).shape == (16, 16, 3)
    assert dataset.index["path"][0] == "faces/train/happy/0.png"
    assert any("3 files" in note for note in dataset.notes)
    dataset.delete()
    assert left_behind() == []


def test_an_archive_with_fer2013_keeps_the_pixels_and_not_the_table(tmp_path):
    table = write_fer2013(tmp_path / "fer2013.csv")
    archive = zipped(tmp_path / "fer.zip", {"fer2013/fer2013.csv": table.read_bytes()})
    dataset = import_source(archive, "fer")
    assert dataset.layout == "FER2013, table of pixels"
    assert dataset.is_copied
    assert sorted(path.name for path in dataset.directory.iterdir()) == [
        "data_set.json",
        "images.npy",
        "index.csv",
        "mean_faces.npy",
    ]


@pytest.mark.parametrize(
    "name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"]
)
def test_members_that_would_land_outside_are_refused(tmp_path, name):
    archive = zipped(tmp_path / "evil.zip", {name: picture(1), "happy/1.png": picture(2)})
    with pytest.raises(ValueError, match="a path outside the archive"):
        import_source(archive, "faces")
    assert left_behind() == []
    assert not list(tmp_path.rglob("evil.png"))


def test_names_in_archives_may_have_dots_within(tmp_path):
    names = ("happy/img..01.png", "happy/a...png", "sad/..hidden/1.png", "sad\\img..02.png")
    archive = zipped(tmp_path / "faces.zip", {name: picture(i) for i, name in enumerate(names)})
    dataset = import_source(archive, "faces")
    assert dataset.index["path"].tolist() == [
        "happy/a...png",
        "happy/img..01.png",
        "sad/img..02.png",
    ]


@pytest.mark.parametrize("names", [("a/1.png", "a/1.png/2.png"), ("A/1.PNG/b/2.png", "a/1.png")])
def test_a_name_that_is_file_and_folder_at_once_is_refused(tmp_path, names):
    archive = zipped(tmp_path / "odd.zip", {name: picture(1) for name in names})
    with pytest.raises(ValueError, match=r"a name for both a file and a folder.*1\.(png|PNG)$"):
        import_source(archive, "faces")
    assert left_behind() == []


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("offset", [0, 2, 5, 20, 60])
def test_damaged_members_are_refused_whatever_packed_them(tmp_path, method, offset):
    path = tmp_path / "damaged.zip"
    noise = np.random.default_rng(0).integers(0, 256, 3000, np.uint8).tobytes()
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("happy/1.png", noise)
    data = bytearray(path.read_bytes())
    start = 30 + len("happy/1.png") + offset
    data[start : start + 40] = bytes(0xFF ^ byte for byte in data[start : start + 40])
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a complete \.zip file"):
        import_source(path, "faces")
    assert left_behind() == []


def test_members_that_the_disk_cannot_hold_are_named(tmp_path):
    archive = zipped(tmp_path / "long.zip", {f"happy/{'x' * 300}.png": picture(1)})
    with pytest.raises(ValueError, match=r"could not be extracted: File name too long: x+"):
        import_source(archive, "faces")
    assert left_behind() == []


def test_links_in_archives_are_refused(tmp_path):
    member = zipfile.ZipInfo("happy/link.png")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(ValueError, match="Received a link"):
        import_source(tmp_path / "evil.zip", "faces")


def test_archives_that_unpack_to_far_more_than_they_are_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("happy/zeros.png", bytes(150 * 2**20))
    with pytest.raises(ValueError, match=r"must take at most 0\.1 GB"):
        import_source(tmp_path / "bomb.zip", "faces")
    assert left_behind() == []


def test_encrypted_archives_are_refused(tmp_path):
    archive = zipped(tmp_path / "secret.zip", {"happy/1.png": picture(1)})
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    with pytest.raises(ValueError, match="is encrypted"):
        import_source(archive, "faces")


def test_damaged_archives_are_refused(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"this is no archive")
    with pytest.raises(ValueError, match=r"a complete \.zip file"):
        import_source(tmp_path / "no.zip", "faces")


def test_tables_in_archives_may_not_name_images_of_the_machine(tmp_path):
    write_image(tmp_path / "private.png", 1)
    table = f"path,label\n{tmp_path}/private.png,happy\nmine.png,sad\n"
    archive = zipped(tmp_path / "t.zip", {"labels.csv": table.encode(), "mine.png": picture(1)})
    with pytest.raises(ValueError, match="only list images inside the archive"):
        import_source(archive, "faces")
    assert left_behind() == []


# RAF-DB's boxes, and votes, on their way through the index


def test_distributed_boxes_cut_the_face_out(tmp_path):
    root = tmp_path / "basic"
    for stem, number in (("train_00001", 4), ("train_00002", 5), ("test_00001", 4)):
        write_image(root / "Image" / "original" / f"{stem}.jpg", number, size=60)
        box = root / "Annotation" / "boundingbox" / f"{stem}_boundingbox.txt"
        box.parent.mkdir(parents=True, exist_ok=True)
        box.write_text("10 20 30 40")
    (root / "EmoLabel").mkdir()
    (root / "EmoLabel" / "list_patition_label.txt").write_text(
        "train_00001.jpg 4\ntrain_00002.jpg 5\ntest_00001.jpg 4\n"
    )
    dataset = import_source(root, "raf")
    assert dataset.image(0).shape == (20, 20, 3)
    assert open_dataset("raf").index["width"].tolist() == [20, 20, 20]


# The task


def request(directory: Path, **arguments: object) -> tasks.Task:
    write_request(directory, "import", **arguments)
    return tasks.Task(directory)


def test_the_task_adds_an_upload_and_removes_it(workspace, tmp_path):
    directory = workspace / "tasks" / "one"
    directory.mkdir(parents=True)
    upload = write_fer2013(directory / "upload.csv")
    task = request(directory, upload="upload.csv", name="fer", split_seed=3)
    run_import(task)
    assert read_json(directory / "result.json") == {"dataset": "fer"}
    assert not upload.exists()
    assert open_dataset("fer").split_seed == 3
    assert task.progress is not None


def test_a_failed_task_says_why_and_removes_the_upload(workspace):
    directory = workspace / "tasks" / "one"
    directory.mkdir(parents=True)
    upload = directory / "upload.csv"
    upload.write_text("hello\n")
    with pytest.raises(ValueError, match="is not recognized"):
        run_import(request(directory, upload="upload.csv", name="fer"))
    assert not upload.exists()
    assert not (directory / "result.json").exists()


@pytest.mark.parametrize("run", [run_import, run_draw])
def test_a_task_that_is_asked_to_stop_leaves_nothing_behind(workspace, source, run):
    directory = workspace / "tasks" / "one"
    arguments = {"name": "faces"} | ({"source": str(source)} if run is run_import else {})
    record = {"kind": "any", "arguments": arguments, "submitted": 0.0}
    attempt = directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    write_json(attempt / "request.json", record)
    write_json(attempt / "process.json", process_record())  # as if we were its supervisor
    task = tasks.Task(directory)
    task.request_stop()
    with pytest.raises(ValueError, match="Stopped; nothing"):
        run(task)
    assert left_behind() == []


def test_a_folder_given_to_a_task_stays(workspace, source):
    run_import(request(workspace / "tasks" / "one", source=str(source), name="faces"))
    assert len(list(source.rglob("*.png"))) == 22


# Words


def test_a_free_name_is_made_from_any_wish(source):
    assert free_name("My faces (2024)") == "My-faces-2024"
    assert free_name("...") == "faces"
    import_source(source, "faces")
    assert free_name("Faces") == "Faces-2"
    assert len(free_name("x" * 500)) < 64


@pytest.mark.parametrize("name", WINDOWS_OWN)
def test_a_free_name_is_none_that_windows_keeps_for_itself(name):
    assert is_name(free_name(name))


@pytest.mark.parametrize("name", ["console", "com", "auxiliary.1", "my-con", "com10"])
def test_names_that_only_look_like_those_are_fine(name):
    assert free_name(name) == name


def test_class_imbalance_is_said_in_words():
    assert "happy has 16.5 times as many images as disgust (7,215 and 436)" in imbalance(COUNTS)
    assert "reaches 25.1%" in imbalance(COUNTS)
    even = pd.DataFrame({"train": [10, 12]}, index=["happy", "sad"])
    assert (
        imbalance(even) == "The classes are balanced: 10 to 12 images each in the training split."
    )
    none = pd.DataFrame({"train": [10, 0]}, index=["happy", "sad"])
    assert "There are no images of sad" in imbalance(none)


def test_totals_are_added_to_the_counts():
    table = with_totals(COUNTS)
    assert table.loc["total"].to_dict() == {
        "train": 28709,
        "val": 3589,
        "test": 3589,
        "total": 35887,
    }
    assert table.loc["happy", "total"] == 8989


@pytest.mark.parametrize("shades", [(90,) * 4, (0, 80, 160, 240)])
def test_images_without_anything_to_compare_are_added(tmp_path: Path, shades: tuple) -> None:
    for number, shade in enumerate(shades):
        file = tmp_path / "faces" / ("happy", "sad")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (16, 16), shade).save(file)
    assert import_source(tmp_path / "faces", "faces").images == 4
