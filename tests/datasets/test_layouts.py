"""The layouts that people have are recognised, and it is said what was skipped."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.layouts import Choices, ImportPlan, plan_import
from fer_core.expressions import EXPRESSIONS
from tests.datasets.trees import counts_of, pixel_rows, write_fer2013, write_image, write_tree


def read(source: Path, **choices: object) -> ImportPlan:
    copied = source.parent / "copied"
    copied.mkdir(exist_ok=True)
    return plan_import(source, copied, Choices(**choices))


def notes_of(found: ImportPlan) -> str:
    return "\n".join([found.parsed.summary(found.index), *found.notes])


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


def numbers(first: int, last: int) -> dict[str, int]:
    """Folders that are named by class numbers."""
    return {f"train/{number}": 1 for number in range(first, last + 1)}


@pytest.mark.parametrize(
    ("folders", "candidates"),
    [
        (numbers(0, 6), ("fer2013", "raf-db-0", "alphabetical")),
        (numbers(0, 7), ("fer+", "affectnet", "ck+", "fer2013+contempt", "alphabetical-8")),
        (numbers(1, 7), ("raf-db", "ck+")),
    ],
)
def test_numbers_of_several_numberings_are_asked_about(tmp_path, folders, candidates):
    found = read(write_tree(tmp_path / "data", folders))
    (question,) = found.questions
    assert question.about == "numbering"
    assert set(candidates) <= set(question.options) == set(found.classes.candidates)
    assert all(candidate in question.sentence for candidate in candidates)
    with pytest.raises(ValueError, match="fit several numberings"):
        found.check_decided()


@pytest.mark.parametrize(
    ("folders", "numbering", "first", "last"),
    [
        (numbers(0, 6), "fer2013", "angry", "neutral"),
        (numbers(0, 6), "affectnet", "neutral", "angry"),
        (numbers(1, 7), "RAF-DB", "surprise", "neutral"),
        (numbers(1, 7), "ck+", "angry", "surprise"),
        (numbers(0, 7), "FER+", "neutral", "contempt"),
        (numbers(1, 8), "", "neutral", "contempt"),  # only AffectNet from 1 has these
    ],
)
def test_numbers_are_read_by_the_chosen_numbering_or_the_only_one(
    tmp_path, folders, numbering, first, last
):
    found = read(write_tree(tmp_path / "data", folders), numbering=numbering)
    assert not found.questions
    assert found.index["expression"].iloc[[0, -1]].tolist() == [first, last]
    assert found.classes.numbering in notes_of(found).lower().replace(
        "affectnet from 1", "affectnet-1"
    )


def test_numbers_that_fit_no_numbering_stay_numbers(tmp_path):
    found = read(write_tree(tmp_path / "data", numbers(0, 12)))
    assert set(found.index["expression"]) == set(map(str, range(13)))
    assert "keep their numbers" in notes_of(found)


def test_a_numbering_that_lacks_a_number_is_refused(tmp_path):
    root = write_tree(tmp_path / "data", numbers(0, 7))
    with pytest.raises(ValueError, match=r"FER2013 must have all numbers.*lacks 7"):
        read(root, numbering="fer2013")
    assert not read(root, numbering="fer2013", classes={"7": "contempt"}).questions
    left = read(root, numbering="fer2013", classes={"7": ""})
    assert set(left.index["expression"]) == set(EXPRESSIONS)
    assert "Left out 1 image of class 7" in notes_of(left)


def test_names_that_only_look_like_numbers_are_none(tmp_path):
    root = write_tree(tmp_path / "data", {f"{number:03d}": 1 for number in range(1, 8)})
    with pytest.raises(ValueError, match=r"001.*neither expressions nor class numbers"):
        read(root)
    assert "001" in set(read(root, layout="any").index["expression"])


def test_persons_are_no_classes_unless_it_is_said(tmp_path):
    root = write_tree(tmp_path / "data", {"S005": 2, "S010": 2})
    with pytest.raises(ValueError, match=r"S005, S010.*may be persons"):
        read(root)
    mapped = read(root, classes={"S005": "happy", "S010": "sad"}, layout="any")
    assert set(mapped.index["expression"]) == {"happy", "sad"}


def test_folders_elsewhere_than_beside_classes_are_no_classes(tmp_path):
    root = write_tree(tmp_path / "data", {"happy": 1, "sad": 1, "boredom": 1, "raw/S005": 2})
    found = read(root)
    assert set(found.index["expression"]) == {"happy", "sad", "boredom", "raw"}
    assert "no known expressions and stay classes of their own: boredom, raw" in notes_of(found)


def test_two_classes_that_may_mean_one_are_asked_about(tmp_path):
    root = write_tree(tmp_path / "data", {"calm": 2, "neutral": 1, "happy": 1})
    (question,) = read(root).questions
    assert question.about == "classes" and question.options == ("calm", "neutral")
    assert not (apart := read(root, classes={"calm": "calm"})).questions
    assert set(apart.index["expression"]) == {"calm", "neutral", "happy"}
    assert not (one := read(root, classes={"calm": "neutral"})).questions
    assert counts_of(one.index)["", "neutral"] == 3


def test_spellings_in_different_splits_are_one_class_and_it_is_said(tmp_path):
    folders = {"train/anger": 1, "train/happy": 1, "test/angry": 1, "test/Happy": 1}
    found = read(write_tree(tmp_path / "data", folders))
    assert not found.questions
    assert "anger and angry, in different splits" in notes_of(found)
    assert set(found.index["expression"]) == {"angry", "happy"}


@pytest.mark.parametrize(
    ("train", "val"),
    [("train_afew", "val_afew"), ("train_set", "val_set"), ("FER2013Train", "FER2013Valid")],
)
def test_splits_may_have_any_name_with_a_word_for_it(tmp_path, train, val):
    tree = {f"{train}/angry": 3, f"{train}/happy": 1, f"{val}/angry": 2, f"{val}/happy": 1}
    found = read(write_tree(tmp_path / "data", tree))
    assert found.index["split"].value_counts().to_dict() == {"train": 4, "val": 3}
    assert f"{val} → val (3)" in notes_of(found)


def test_a_split_can_be_chosen_for_a_folder_of_any_name(tmp_path):
    root = write_tree(
        tmp_path / "data", {"one/angry": 2, "one/sad": 2, "two/angry": 1, "two/sad": 1}
    )
    found = read(root, splits={"one": "train", "two": "val"})
    assert counts_of(found.index)["val", "sad"] == 1
    assert set(read(root, splits={"one": "train", "two": ""}).index["split"]) == {"train"}


@pytest.mark.parametrize("other", ["more", "Testdaten"])
def test_a_folder_beside_splits_that_tells_none_is_asked_about(tmp_path, other):
    tree = {"train/happy": 3, "train/sad": 2, f"{other}/happy": 1, f"{other}/sad": 1}
    root = write_tree(tmp_path / "data", tree)
    (question,) = read(root).questions
    assert question.about == "splits" and f"{other} (2 images)" in question.text
    counts = counts_of(read(root, splits={other: "test"}).index)
    assert counts["train", "sad"] == 2 and counts["test", "sad"] == 1


def test_classes_in_several_folders_are_one_and_it_is_said(tmp_path):
    tree = {"webcam/happy": 3, "webcam/sad": 2, "studio/happy": 1, "studio/sad": 1}
    found = read(write_tree(tmp_path / "data", tree))
    assert counts_of(found.index) == {("", "happy"): 4, ("", "sad"): 3}
    assert "read as one: studio, webcam" in notes_of(found)


def test_numbered_raf_db_folders_beyond_seven_are_its_compound_expressions(tmp_path):
    for number in range(1, 12):
        write_image(tmp_path / f"data/train/{number}/train_{number:05d}_aligned.jpg", number)
    found = read(tmp_path / "data").index
    assert found["expression"].nunique() == 11 and "sadly angry" in set(found["expression"])


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
    notes = notes_of(read(root, layout="any"))
    assert "day 00, day 01, day 02" in notes
    assert "day 09 and 50 more" in notes
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
    assert len(found.index) == 42 - 4
    assert found.index["row"].tolist()[:3] == [0, 3, 6]  # 1.5 is a pixel too
    note = next(note for note in found.notes if note.startswith("Skipped"))
    assert "2 rows without exactly 2,304 numbers" in note
    assert "1 row with values outside 0 to 255" in note
    assert "1 row without a label" in note
    assert np.load(tmp_path / "fer" / "copied" / "images.npy").shape == (42, 48, 48)


NAMES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
BY_EMOTION = (4, 5, 6, 1, 3, 2, 0)  # FER+'s column of each of FER2013's numbers


def write_votes(path: Path, order: list[int]) -> None:
    """Votes for the rows of `write_fer2013`, nine of ten for the label, in this order."""
    lines = []
    for row in order:
        votes = [0] * 10
        votes[BY_EMOTION[row % 14 % 7]] += 9
        votes[8] += 1
        usage = ("Training", "PublicTest", "PrivateTest")[row // 14]
        lines.append(f"{usage},fer{row:07d}.png,{','.join(map(str, votes))}")
    path.write_text("\n".join([f"Usage,Image name,{NAMES}", *lines]))


def test_ferplus_votes_beside_are_joined_to_their_images(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    write_votes(tmp_path / "fer" / "fer2013new.csv", list(range(42)))
    found = read(path)
    assert found.index["votes_angry"].tolist()[:8] == [9, 0, 0, 0, 0, 0, 0, 9]
    assert set(found.index["votes_unknown"]) == {1}
    assert "votes_nf" in found.index.columns


@pytest.mark.parametrize(
    "order", [list(range(41, -1, -1)), [*range(1, 14), 0, *range(15, 28), 14, *range(28, 42)]]
)
def test_ferplus_votes_in_another_order_are_not_joined(tmp_path, order):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    write_votes(tmp_path / "fer" / "fer2013new.csv", order)
    found = read(path)
    assert "votes_neutral" not in found.index.columns
    assert "were not used" in notes_of(found)


def test_ferplus_votes_of_another_length_are_refused_with_a_note(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "fer2013.csv")
    (tmp_path / "fer" / "fer2013new.csv").write_text(f"Usage,Image name,{NAMES}\n")
    found = read(path)
    assert "votes_neutral" not in found.index.columns
    assert "they must have a row for each of the 42 images" in notes_of(found)


def test_a_table_of_pixels_without_labels_is_refused_with_a_sentence(tmp_path):
    path = write_fer2013(tmp_path / "fer" / "test.csv", header="pixels")
    with pytest.raises(ValueError, match=r"one of expressions\. Its columns are pixels"):
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
    found = read(table, numbering="fer2013")
    assert found.index["path"].tolist() == [f"{faces.as_posix()}/faces/00{i}.png" for i in (0, 1)]
    assert found.index["split"].tolist() == ["train", "test"]
    assert found.index["expression"].tolist() == ["angry", "happy"]


def test_rows_of_missing_files_doubled_files_and_empty_labels_are_skipped_and_counted(tmp_path):
    root = write_tree(tmp_path / "data", {"faces": 3})
    rows = ["faces\\000.png,happy", "faces/001.png,", "gone.png,sad", *["faces/000.png,sad"] * 2]
    (root / "labels.csv").write_text("\n".join(["path,label", *rows, "faces/002.png,sad"]))
    found = read(root / "labels.csv")
    assert found.index["path"].tolist() == ["faces/000.png", "faces/000.png", "faces/002.png"]
    assert found.index["row"].tolist()[:2] == [0, 1]
    notes = notes_of(found)
    assert "1 row without a path or label" in notes
    assert "1 missing file: gone.png" in notes
    assert "1 repeated row" in notes
    assert "1 image with different labels for the same face: faces/000.png" in notes


def test_a_table_none_of_whose_files_is_there_is_refused_with_the_first(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labels.csv").write_text("path,label\ngone.png,happy\n")
    with pytest.raises(ValueError, match=r"The first is gone\.png"):
        read(tmp_path / "data" / "labels.csv")


def test_pixels_are_read_from_a_column_of_any_name(tmp_path):
    (tmp_path / "data").mkdir()
    table = tmp_path / "data" / "labels.csv"
    table.write_text("\n".join(["image,label", *(f"{cells},happy" for cells in pixel_rows(3))]))
    assert read(table).layout == "Table of pixels"


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
    first = found.index.set_index("path").loc["basic/Image/aligned/train_00001_aligned.jpg"]
    assert first["expression"] == "surprise"


@pytest.mark.parametrize("gap", ["\t", "  ", " \t "])
def test_raf_db_labels_may_stand_in_columns_of_any_spaces(tmp_path, gap):
    root = raf_db(tmp_path / "basic", "aligned")
    labels = root / "EmoLabel" / "list_patition_label.txt"
    labels.write_text(labels.read_text().replace(" ", gap) + f"\ntrain_{'9' * 300}.jpg{gap}1\n")
    found = read(root)
    assert len(found.index) == 14
    assert "1 missing image: train_999" in notes_of(found)


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
    assert "1 missing image: test_00003.jpg" in notes_of(found)


# What is none


def test_a_folder_without_a_known_layout_is_refused_with_what_would_do(tmp_path):
    (tmp_path / "data").mkdir()
    write_image(tmp_path / "data" / "holiday.png", 0)
    with pytest.raises(ValueError, match=r"is not recognized.*folders named after expressions"):
        read(tmp_path / "data")
