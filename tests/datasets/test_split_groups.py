"""Images of one person, of one sequence or of one original stay on one side of a drawn split."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_core.datasets.importing import import_source
from fer_core.datasets.split_groups import seen_in_training
from fer_core.datasets.split_notes import split_notes
from fer_core.datasets.splits import complete_splits, redraw_validation

CLASSES = ["angry", "contempt", "fear", "happy", "sad"]


def lab_index(subjects: int = 40, sequences: int = 4, frames: int = 3) -> pd.DataFrame:
    """Every subject shows some of the expressions, each in a sequence of nearly equal frames."""
    rng = np.random.default_rng(0)
    rows = [
        (CLASSES[shown], f"S{subject:03d}", f"S{subject:03d}_{number}", f"c{subject}-{number}-{k}")
        for subject in range(subjects)
        for number, shown in enumerate(rng.permutation(len(CLASSES))[:sequences])
        for k in range(frames)
    ]
    index = pd.DataFrame(rows, columns=["expression", "subject", "group", "content"])
    return index.assign(split="", source_split="").astype("str")


LAB = lab_index()


def names_in(index: pd.DataFrame, split: str, column: str = "subject") -> set[str]:
    return set(index.loc[index["split"] == split, column])


def notes_of(index: pd.DataFrame) -> str:
    return " ".join(split_notes(index, complete_splits(index, 0.2, seed=0), 0))


@pytest.mark.parametrize("column", ["subject", "group"])
def test_no_subject_or_group_is_in_two_drawn_splits(column):
    index = LAB if column == "subject" else LAB.drop(columns="subject")
    drawn = complete_splits(index, 0.2, seed=1, test_fraction=0.1)
    assert drawn.groupby(column)["split"].nunique().max() == 1
    counts = drawn.groupby(["split", "expression"]).size().unstack(fill_value=0)
    assert counts.min().min() > 0
    assert 0.15 < (drawn["split"] == "val").mean() < 0.21
    shares = counts.div(counts.sum(axis=1), axis=0)
    assert (shares.loc["val"] - shares.loc["train"]).abs().max() < 0.06


def test_a_larger_fraction_takes_the_same_subjects_and_more():
    sets = [names_in(complete_splits(LAB, f, seed=3), "val") for f in (0.05, 0.1, 0.2, 0.5, 0.9)]
    assert all(small < large for small, large in zip(sets, sets[1:], strict=False))


def test_the_draw_of_subjects_depends_on_the_seed_and_not_on_the_order_of_rows():
    first = complete_splits(LAB, 0.2, seed=1)
    shuffled = complete_splits(LAB.sample(frac=1, random_state=0), 0.2, seed=1).sort_index()
    pd.testing.assert_frame_equal(first, shuffled)
    assert names_in(first, "val") != names_in(complete_splits(LAB, 0.2, seed=2), "val")


def test_redrawing_keeps_subjects_on_one_side_and_most_of_them_where_they_were():
    first = redraw_validation(LAB.assign(split="train"), 0.2, seed=0)
    without = LAB.assign(split="train")
    without.loc[[0, 100, 200], "split"] = "excluded"
    second = redraw_validation(without, 0.2, seed=0)
    assert not names_in(second, "val") & names_in(second, "train")
    assert len(names_in(first, "val") & names_in(second, "val")) >= 6  # of 8


def test_images_without_a_subject_are_drawn_alone_and_equal_images_join_subjects():
    index = LAB.copy()
    index.loc[index["subject"] == "S000", ["subject", "group"]] = ""
    index.loc[index.groupby("subject").head(1).index[[3, 4]], "content"] = "the same"
    drawn = complete_splits(index, 0.3, seed=0)
    assert drawn.groupby("content")["split"].nunique().max() == 1
    known = drawn[drawn["subject"] != ""]
    assert known.groupby("subject")["split"].nunique().max() == 1


def test_copies_of_one_image_stay_in_one_split():
    index = pd.DataFrame({"expression": ["happy", "sad"] * 60, "split": ""}).astype("str")
    index["content"] = [f"c{i}" for i in range(120)]
    index["cluster"] = [f"original {i // 4}" if i < 80 else "" for i in range(120)]
    drawn = complete_splits(index, 0.2, seed=0)
    in_clusters = drawn[drawn["cluster"] != ""]
    assert in_clusters.groupby("cluster")["split"].nunique().max() == 1
    assert 0.15 < (drawn["split"] == "val").mean() < 0.25


def test_of_a_single_subject_whole_sequences_are_drawn_and_it_is_said():
    index = LAB.assign(subject="S001")
    drawn = complete_splits(index, 0.2, seed=0)
    assert drawn.groupby("group")["split"].nunique().max() == 1
    assert seen_in_training(drawn)[drawn["split"] == "val"].all()
    assert "of one subject, S001" in notes_of(index)


def test_a_class_of_one_subject_stays_in_training_and_it_is_said():
    index = LAB.copy()
    index.loc[index["subject"] == "S007", "expression"] = "surprise"
    drawn = complete_splits(index, 0.5, seed=0)
    assert set(drawn.loc[drawn["expression"] == "surprise", "split"]) == {"train"}
    assert not seen_in_training(drawn)[drawn["split"] == "val"].any()
    assert "surprise" in notes_of(index)


def test_subjects_that_a_dataset_has_in_two_splits_are_counted():
    index = LAB.assign(split=["val" if i % 30 == 0 else "train" for i in range(len(LAB))])
    seen = seen_in_training(index)
    assert seen is not None and seen[index["split"] == "val"].all()
    assert "Warning: 16 of 16 validation images are of 16 subjects" in notes_of(index)
    assert seen_in_training(index.drop(columns=["subject", "group"])) is None


def test_near_duplicates_and_copies_by_name_stay_on_one_side_of_what_an_import_draws(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(40):
        pixels = rng.integers(0, 200, (32, 32), dtype=np.uint8)
        folder = tmp_path / "faces" / ("happy", "sad")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
        Image.fromarray(pixels + 40).save(folder / f"x{number:03d}.png")  # brighter
        noise = rng.integers(0, 200, (32, 32), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number:03d}_rot15.png")
    dataset = import_source(tmp_path / "faces", "faces", validation_fraction=0.3)
    index = dataset.with_validation_fraction(0.4).index
    for each in (dataset.index, index):
        original = each["path"].str.extract(r"(\d{3})")[0]
        assert each.groupby(original)["split"].nunique().max() == 1
        assert set(each["split"]) == {"train", "val"}
    assert sum("copies" in note or "near duplicates" in note for note in dataset.notes) == 2


@pytest.mark.parametrize("lab", ["ck48", "persons"])
def test_what_an_import_of_a_lab_dataset_draws_cuts_no_sequence_and_no_subject(tmp_path, lab):
    rng = np.random.default_rng(0)
    for number, (_, row) in enumerate(LAB.iloc[:240].iterrows()):
        name = f"{row['subject']}_{row['group'][-1]:0>3}_{number:08d}.png"
        parts = (row["expression"],) if lab == "ck48" else (row["subject"], row["expression"])
        file = tmp_path.joinpath("lab", *parts, name if lab == "ck48" else f"{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(file)
    source = tmp_path / "lab"
    index = import_source(source, "lab", validation_fraction=0.2, test_fraction=0.1).index
    assert set(index["split"]) == {"train", "val", "test"}
    for pattern in (r"(S\d{3})", *([r"(S\d{3}_\d{3})_"] if lab == "ck48" else [])):
        of_path = index["path"].str.extract(pattern)[0]
        assert index.groupby(of_path)["split"].nunique().max() == 1


def test_a_subject_with_most_of_the_images_stays_in_training():
    for seed in range(5):
        large = LAB.assign(subject=["big" if i % 10 else f"s{i % 3}" for i in range(len(LAB))])
        drawn = complete_splits(large, 0.1, seed=seed)
        assert set(drawn.loc[drawn["subject"] == "big", "split"]) == {"train"}
        assert (drawn["split"] == "val").any()
