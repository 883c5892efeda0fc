"""The layouts that people have are recognised, and it is said what was skipped."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.layouts import read_index
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.expressions import EXPRESSIONS
from tests.datasets.trees import counts_of, pixel_rows, write_fer2013, write_image, write_tree


def read(source: Path, copied: Path | None = None) -> ParsedLayout:
    copied = copied or source.parent / "copied"
    copied.mkdir(exist_ok=True)
    return read_index(source, copied, lambda done, total, message: None)


def notes_of(found: ParsedLayout) -> str:
    return "\n".join([found.summary(found.index), *found.notes])


# Folders


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("train", "validation"),
        ("Train", "Val"),
        ("TRAINING", "valid"),
        ("images/train", "images/val"),
    ],
)
def test_folders_of_splits_are_recognised_in_any_case_and_one_level_deeper(tmp_path, train, val):
    folders = {f"{train}/angry": 3, f"{train}/happy": 4, f"{val}/angry": 1, f"{val}/happy": 2}
    found = read(write_tree(tmp_path / "data", folders))
    assert counts_of(found.index) == {
        ("train", "angry"): 3,
        ("train", "happy"): 4,
        ("val", "angry"): 1,
        ("val", "happy"): 2,
    }
    assert found.layout == "Folders by split"
    assert "2 classes" in notes_of(found)


def test_paths_are_relative_to_the_folder_and_posix(tmp_path):
    found = read(write_tree(tmp_path / "data", {"train/angry": 1, "train/happy": 1}))
    assert found.root == tmp_path / "data"
    assert found.index["path"].tolist() == ["train/angry/000.png", "train/happy/000.png"]


def test_folders_of_expressions_without_splits_are_left_to_be_split(tmp_path):
    found = read(write_tree(tmp_path / "data", {"sad": 2, "fear": 2}))
    assert counts_of(found.index) == {("", "sad"): 2, ("", "fear"): 2}
    assert "without splits" in notes_of(found)


def test_synonyms_are_brought_to_one_name_and_it_is_said(tmp_path):
    names = ["Anger", "DISGUSTED", "fearful", "Happiness", "sadness", "Surprised", "Neutral"]
    found = read(write_tree(tmp_path / "data", dict.fromkeys(names, 1)))
    assert set(found.index["expression"]) == set(EXPRESSIONS)
    assert "Anger → angry" in notes_of(found)


def test_contempt_and_unknown_classes_stay_classes_of_their_own(tmp_path):
    found = read(write_tree(tmp_path / "data", {"happy": 1, "sad": 1, "Contempt": 1, "boredom": 1}))
    assert set(found.index["expression"]) == {"happy", "sad", "contempt", "boredom"}
    assert "Classes beyond the seven basic expressions: boredom, contempt." in found.notes


def test_numbered_words_are_read_by_the_word(tmp_path):
    found = read(write_tree(tmp_path / "data", {"0_angry": 1, "3 - Happiness": 1}))
    assert set(found.index["expression"]) == {"angry", "happy"}


def test_numbers_1_to_7_are_raf_db(tmp_path):
    found = read(write_tree(tmp_path / "data", {f"train/{i}": 1 for i in range(1, 8)}))
    by_path = dict(zip(found.index["path"], found.index["expression"], strict=True))
    assert by_path["train/1/000.png"] == "surprise"
    assert by_path["train/7/000.png"] == "neutral"
    assert "RAF-DB's numbering" in notes_of(found)


def test_numbers_0_to_6_are_fer2013(tmp_path):
    found = read(write_tree(tmp_path / "data", {f"train/{i}": 1 for i in range(7)}))
    assert found.index["expression"].tolist() == list(EXPRESSIONS)
    assert "FER2013's numbering" in notes_of(found)


def test_numbers_0_to_7_stay_numbers_since_their_meaning_is_unknown(tmp_path):
    found = read(write_tree(tmp_path / "data", {f"train/{i}": 1 for i in range(8)}))
    assert set(found.index["expression"]) == set("01234567")
    assert "keep their numbers" in notes_of(found)


def test_raf_db_copies_in_numbered_folders_are_recognised_with_their_label_tables(tmp_path):
    root = tmp_path / "raf"
    for split in ("train", "test"):
        for number in range(1, 8):
            name = f"{split}_{number:05d}_aligned.jpg"
            write_image(root / "DATASET" / split / str(number) / name, number)
        (root / f"{split}_labels.csv").write_text(f"image,label\n{split}_00001_aligned.jpg,1\n")
    found = read(root)
    assert found.layout == "RAF-DB, numbered folders"
    assert found.index["split"].value_counts().to_dict() == {"train": 7, "test": 7}
    assert "test_labels.csv" in notes_of(found)


def fer2013_folders(root: Path) -> Path:
    usages = {"train": ("Training",), "test": ("PublicTest", "PrivateTest")}
    for split, names in usages.items():
        for number, expression in enumerate(EXPRESSIONS):
            for usage in names:
                name = f"{usage}_{10_000 + number}.jpg"
                write_image(root / split / expression / name, number)
    return root


def test_fer2013_folders_get_their_official_splits_back_from_file_names(tmp_path):
    found = read(fer2013_folders(tmp_path / "fer"))
    assert found.layout == "FER2013, image folders"
    splits = dict(
        zip(found.index["path"].str.split("/").str[-1], found.index["split"], strict=True)
    )
    assert splits["PublicTest_10000.jpg"] == "val"
    assert splits["PrivateTest_10000.jpg"] == "test"
    assert splits["Training_10000.jpg"] == "train"
    assert "official splits" in notes_of(found)


def test_own_splits_of_fer2013_images_are_kept(tmp_path):
    root = fer2013_folders(tmp_path / "fer")
    (root / "val").mkdir()
    shutil.move(root / "test" / "angry", root / "val" / "angry")
    found = read(root)
    assert set(found.index.loc[found.index["split"] == "val", "expression"]) == {"angry"}
    assert "official" not in notes_of(found)


def test_what_is_no_image_and_what_lies_in_no_class_is_skipped_with_a_note(tmp_path):
    root = write_tree(tmp_path / "data", {"train/angry": 1, "train/happy": 1})
    write_image(root / "train" / "stray.png", 99)
    (root / "train" / "angry" / "notes.txt").write_text("hello")
    (root / "train" / "angry" / "Thumbs.db").write_bytes(b"x")
    (root / ".hidden").mkdir()
    found = read(root)
    assert len(found.index) == 2
    assert "Skipped 1 image (outside class folders): train/stray.png." in found.notes
    assert "Skipped 1 file (not images): train/angry/notes.txt." in found.notes


def test_folders_below_a_class_belong_to_it(tmp_path):
    found = read(write_tree(tmp_path / "data", {"train/angry/s1": 1, "train/happy/s1": 1}))
    assert set(found.index["expression"]) == {"angry", "happy"}


def test_links_that_lead_in_circles_do_not_hang_it(tmp_path):
    root = write_tree(tmp_path / "data", {"angry": 1, "happy": 1})
    (root / "angry" / "up").symlink_to(root, target_is_directory=True)
    assert len(read(root).index) == 2


def test_a_folder_that_lies_twice_in_itself_counts_once(tmp_path):
    inner = {"images/train/angry": 2, "images/train/happy": 2}
    root = write_tree(tmp_path / "data", inner)
    shutil.copytree(root / "images", root / "images" / "images")
    found = read(root)
    assert len(found.index) == 4
    assert "repeated copy" in notes_of(found)


def test_notes_name_a_few_of_many_classes_and_splits(tmp_path):
    root = tmp_path / "data"
    for number in range(60):
        write_image(root / f"day {number:02d}" / "1.png", number)
    assert "day 00, day 01, day 02" in notes_of(read(root))
    assert "day 09 and 50 more" in notes_of(read(root))
    table = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    lines = table.read_text().splitlines()
    usages = [f"fold {number}" for number in range(42)]
    rows = [
        f"{line.rpartition(',')[0]},{usage}" for line, usage in zip(lines[1:], usages, strict=True)
    ]
    table.write_text("\n".join([lines[0], *rows]))
    assert "and 32 more" in notes_of(read(table))


def test_tables_that_were_not_read_are_one_note(tmp_path):
    for number in range(6):
        write_fer2013(tmp_path / "fer" / f"part{number}.csv")
    note = "Ignored 5 other tables: part1.csv, part2.csv, part3.csv and 2 more."
    assert note in read(tmp_path / "fer").notes


# Tables of pixels


@pytest.mark.parametrize(
    "header", ["emotion,pixels,Usage", "emotion, Usage, pixels", "Usage,pixels,emotion"]
)
def test_fer2013_tables_are_read_whatever_the_order_and_spaces_of_their_columns(tmp_path, header):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv", header=header)
    found = read(path)
    assert found.layout == "FER2013, table of pixels"
    assert found.index["split"].value_counts().to_dict() == {"train": 14, "val": 14, "test": 14}
    assert found.index["expression"].iloc[:7].tolist() == list(EXPRESSIONS)
    assert found.index["source_split"].iloc[-1] == "PrivateTest"
    pixels = np.load(tmp_path / "fer" / "copied" / "images.npy")
    assert pixels.shape == (42, 48, 48)
    expected = np.array(pixel_rows(42)[5].split(), dtype=np.uint8).reshape(48, 48)
    np.testing.assert_array_equal(pixels[5], expected)


def test_a_folder_with_fer2013_csv_is_read_as_that(tmp_path):
    write_fer2013(tmp_path / "fer" / "sub" / "fer2013.csv")
    assert read(tmp_path / "fer").layout == "FER2013, table of pixels"


def test_a_table_of_pixels_without_usage_is_left_to_be_split(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "train.csv", header="emotion,pixels")
    found = read(path)
    assert set(found.index["split"]) == {""}
    assert "without splits" in notes_of(found)


def test_bad_rows_are_skipped_counted_and_leave_the_row_numbers_alone(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    lines = path.read_text().splitlines()
    good = lines[1].split(",")[1]
    lines[2] = f"1,{good} 7,Training"
    lines[3] = f"1,{good.replace(good.split()[0], '999', 1)},Training"
    lines[4] = f"1,{good.replace(good.split()[0], '1.5', 1)},Training"
    lines[5] = f",{good},Training"
    lines[6] = "1"
    path.write_text("\n".join(lines))
    found = read(path)
    assert len(found.index) == 42 - 5
    assert found.index["row"].tolist()[:2] == [0, 6]
    note = next(note for note in found.notes if note.startswith("Skipped"))
    assert "3 rows without exactly 2,304 whole numbers" in note
    assert "1 row with values outside 0 to 255" in note
    assert "1 row without a label" in note
    assert np.load(tmp_path / "fer" / "copied" / "images.npy").shape == (42, 48, 48)


def test_ferplus_votes_beside_are_joined_by_row_order(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    names = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    votes = [f"Training,fer{i:07d}.png,{i},0,0,0,9,0,0,1,0,0" for i in range(42)]
    (tmp_path / "fer" / "fer2013new.csv").write_text(
        "\n".join([f"Usage,Image name,{names}", *votes])
    )
    found = read(path)
    assert found.index["votes_neutral"].tolist() == list(range(42))
    assert set(found.index["votes_angry"]) == {9}
    assert "votes_nf" in found.index.columns


def test_ferplus_votes_of_another_length_are_refused_with_a_note(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    names = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    (tmp_path / "fer" / "fer2013new.csv").write_text(f"Usage,Image name,{names}\n")
    found = read(path)
    assert "votes_neutral" not in found.index.columns
    assert "they must have a row for each of the 42 images" in notes_of(found)


def test_a_table_of_pixels_without_labels_is_refused_with_a_sentence(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "test.csv", header="pixels")
    with pytest.raises(ValueError, match=r"must have a column of expressions"):
        read(path)


# Tables of paths


@pytest.mark.parametrize(
    "header", ["path,label", "image,emotion", "File Name,Expression", "filepath;class"]
)
def test_tables_of_paths_and_labels_are_read_under_usual_column_names(tmp_path, header):
    root = write_tree(tmp_path / "data", {"faces": 3})
    cut = ";" if ";" in header else ","
    rows = [f"faces/{i:03d}.png{cut}{name}" for i, name in enumerate(["Happy", "sadness", "happy"])]
    (root / "labels.csv").write_text("\n".join([header, *rows]))
    found = read(root / "labels.csv")
    assert found.index["path"].tolist() == ["faces/000.png", "faces/001.png", "faces/002.png"]
    assert found.index["expression"].tolist() == ["happy", "sad", "happy"]
    assert read(root).layout == "Table of paths"


def test_tables_of_paths_may_name_splits_and_absolute_paths(tmp_path):
    faces = write_tree(tmp_path / "elsewhere", {"faces": 2})
    (tmp_path / "data").mkdir()
    rows = [f"{faces}/faces/000.png,0,Training", f"{faces}/faces/001.png,3,Test"]
    table = tmp_path / "data" / "labels.csv"
    table.write_text("\n".join(["path,label,split", *rows]))
    found = read(table)
    assert found.index["path"].tolist() == [f"{faces.as_posix()}/faces/00{i}.png" for i in (0, 1)]
    assert found.index["split"].tolist() == ["train", "test"]
    assert found.index["expression"].tolist() == ["angry", "happy"]


def test_rows_of_missing_files_doubled_files_and_empty_labels_are_skipped_and_counted(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 3})
    rows = ["faces\\000.png,happy", "faces/001.png,", "gone.png,sad", "faces/000.png,sad"]
    (root / "labels.csv").write_text("\n".join(["path,label", *rows, "faces/002.png,sad"]))
    found = read(root / "labels.csv")
    assert found.index["path"].tolist() == ["faces/000.png", "faces/002.png"]
    notes = notes_of(found)
    assert "1 row without a path or label" in notes
    assert "1 missing file: gone.png" in notes
    assert "1 repeated row" in notes


def test_a_table_none_of_whose_files_is_there_is_refused_with_the_first(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labels.csv").write_text("path,label\ngone.png,happy\n")
    with pytest.raises(ValueError, match=r"The first is gone\.png"):
        read(tmp_path / "data" / "labels.csv")


@pytest.mark.parametrize("header", ["image,label", "path,emotion"])
def test_pixels_in_a_column_for_paths_are_told_from_paths(tmp_path, header):
    (tmp_path / "data").mkdir()
    table = tmp_path / "data" / "labels.csv"
    table.write_text("\n".join([header, *(f"{cells},happy" for cells in pixel_rows(3))]))
    with pytest.raises(
        ValueError, match=r"The first is.* … .*\. If these are pixel values"
    ) as error:
        read(table)
    assert len(str(error.value)) < 500


def test_a_path_that_no_file_can_have_is_skipped_as_one_that_is_not_there(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 1})
    rows = ["faces/000.png,happy", f"{'x' * 5000}.png,sad", "a\0b.png,sad"]
    (root / "labels.csv").write_text("\n".join(["path,label", *rows]))
    found = read(root / "labels.csv")
    assert found.index["path"].tolist() == ["faces/000.png"]
    assert "Skipped 2 missing files" in notes_of(found)
    assert len(notes_of(found)) < 400


# RAF-DB as distributed


def raf_db(root: Path, images: str) -> Path:
    (root / "EmoLabel").mkdir(parents=True)
    stems = [f"{split}_{i:05d}" for split in ("train", "test") for i in range(1, 8)]
    lines = [f"{stem}.jpg {int(stem[-1])}" for stem in stems]
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    ending = "_aligned.jpg" if images == "aligned" else ".jpg"
    for i, stem in enumerate(stems):
        write_image(root / "Image" / images / f"{stem}{ending}", i, size=40)
    return root


def test_raf_db_as_distributed_is_read_by_its_aligned_faces(tmp_path):
    found = read(raf_db(tmp_path / "data" / "basic", "aligned").parent)
    assert found.layout == "RAF-DB, as distributed"
    assert found.index["split"].value_counts().to_dict() == {"train": 7, "test": 7}
    first = found.index.set_index("path").loc["Image/aligned/train_00001_aligned.jpg"]
    assert first["expression"] == "surprise"


@pytest.mark.parametrize("gap", ["\t", "  ", " \t "])
def test_raf_db_labels_may_stand_in_columns_of_any_spaces(tmp_path, gap):
    root = raf_db(tmp_path / "basic", "aligned")
    labels = root / "EmoLabel" / "list_patition_label.txt"
    labels.write_text(labels.read_text().replace(" ", gap) + f"\ntrain_{'9' * 300}.jpg{gap}1\n")
    found = read(root)
    assert len(found.index) == 14
    assert "1 missing image: Image/aligned/train_999" in notes_of(found)


def test_raf_db_originals_are_cut_by_the_distributed_boxes(tmp_path):
    root = raf_db(tmp_path / "basic", "original")
    boxes = root / "Annotation" / "boundingbox"
    boxes.mkdir(parents=True)
    for image in (root / "Image" / "original").iterdir():
        (boxes / f"{image.stem}_boundingbox.txt").write_text("4.2 5.7 24.1 30.4 \n")
    row = read(root).index.iloc[0]
    assert [row[side] for side in ("x", "y", "width", "height")] == [4, 6, 20, 24]


def test_raf_db_originals_without_boxes_are_refused_with_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"need Image/aligned or the distributed face box"):
        read(raf_db(tmp_path / "basic", "original"))


def test_raf_db_images_that_are_listed_but_not_there_are_counted(tmp_path):
    root = raf_db(tmp_path / "basic", "aligned")
    (root / "Image" / "aligned" / "test_00003_aligned.jpg").unlink()
    found = read(root)
    assert len(found.index) == 13
    assert "1 missing image: Image/aligned/test_00003_aligned.jpg" in notes_of(found)


# What is none


def test_a_folder_without_a_known_layout_is_refused_with_what_would_do(tmp_path):
    (tmp_path / "data").mkdir()
    write_image(tmp_path / "data" / "holiday.png", 0)
    with pytest.raises(ValueError, match=r"is not recognized.*folders named after expressions"):
        read(tmp_path / "data")
