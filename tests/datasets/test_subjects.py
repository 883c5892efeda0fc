"""Subjects and sequences are read from file names and tables, or not at all."""

from pathlib import Path

import pytest

from fer_core.datasets.class_mapping import change_mapping
from fer_core.datasets.importing import import_source, previewing
from fer_core.datasets.layouts import Choices
from fer_core.datasets.layouts.plan import ImportPlan
from tests.datasets.trees import write_image, write_tree


def write_names(root: Path, names: list[str]) -> Path:
    for shade, name in enumerate(names):
        write_image(root / name, shade)
    return root


def preview(root: Path, **choices) -> ImportPlan:
    with previewing(root, Choices(**choices)) as plan:
        return plan


@pytest.mark.parametrize(
    ("names", "subjects", "groups"),
    [
        (
            ["angry/S005_001_00000011.png", "happy/S010_004_00000017_flip.png"],
            {"S005", "S010"},
            {"S005_001", "S010_004"},
        ),
        (["KA.AN1.39.png", "YM.HA2.53.png"], {"KA", "YM"}, None),
        (["AF01ANS.png", "BF01HAHL.png", "AM02SAS.png"], {"F01", "M02"}, None),
        (["Rafd090_01_Male_angry_left.png", "Rafd090_30_Male_sad_left.png"], {"01", "30"}, None),
        (
            [
                f"{name}/subject{i}_{k}.png"
                for name in ("happy", "sad")
                for i in (1, 22)
                for k in "ab"
            ],
            {"SUBJECT1", "SUBJECT22"},
            None,
        ),
        (
            [f"s{i}/{name}/{k}.png" for name in ("happy", "sad") for i in (1, 2) for k in "ab"],
            {"S1", "S2"},
            None,
        ),
        (
            [
                f"{name}/video_{i}_{k}.png"
                for name in ("happy", "sad")
                for i in (1, 2)
                for k in "ab"
            ],
            None,
            {"VIDEO_1", "VIDEO_2"},
        ),
    ],
)
def test_names_tell_subjects_and_sequences(tmp_path, names, subjects, groups):
    plan = preview(write_names(tmp_path / "faces", names))
    for column, expected in (("subject", subjects), ("group", groups)):
        found = set(plan.index[column]) if column in plan.index else None
        assert found == expected, column
    assert any("file names" in note for note in plan.notes)


@pytest.mark.parametrize(
    "names",
    [
        ["angry/S005_001_00000011.png", "happy/img1.png", "happy/img2.png"],  # half of them
        [f"{name}/p{i}_face.png" for i, name in enumerate(["happy", "sad"] * 3)],  # numbered images
        [f"{name}/{i}.png" for i in range(4) for name in ("happy", "sad")],
    ],
)
def test_names_that_do_not_all_tell_subjects_tell_none(tmp_path, names):
    plan = preview(write_names(tmp_path / "faces", names))
    assert not {"subject", "group"} & set(plan.index.columns)


def test_classes_named_like_persons_are_not_subjects(tmp_path):
    root = write_tree(tmp_path / "faces", {"person1": 3, "person2": 3})
    assert "subject" not in preview(root, layout="any").index


@pytest.mark.parametrize("kind", ["paths", "pixels", "beside folders"])
def test_columns_of_a_table_tell_subjects_and_sequences(tmp_path, kind):
    root = tmp_path / "faces"
    names = [f"{name}/{i}.png" for name in ("happy", "sad") for i in range(4)]
    header = "image,expression,Participant ID,video\n"
    if kind == "pixels":
        header = "pixels,emotion,Participant ID,video\n"
    elif kind == "beside folders":
        header = "image,session,Participant ID,video\n"
    rows = []
    for place, name in enumerate(names):
        cell = " ".join([str(place)] * 256) if kind == "pixels" else name
        rows.append(f"{cell},{name.split('/')[0]},p{place % 2},v{place % 4}")
        if kind != "pixels":
            write_image(root / name, place)
    root.mkdir(exist_ok=True)
    (root / "table.csv").write_text(header + "\n".join(rows) + "\n")
    index = preview(root).index
    assert index["subject"].tolist() == [f"p{i % 2}" for i in range(8)]
    assert index["group"].tolist() == [f"p{i % 2}/v{i % 4}" for i in range(8)]
    assert "subject" not in preview(root, columns={"subject": ""}).index


def test_subjects_are_kept_with_the_dataset_and_when_classes_change(tmp_path):
    names = [
        f"{name}/S{subject:03d}_{name == 'sad':03d}_{k:08d}.png"
        for subject in range(10)
        for name in ("happy", "sad")
        for k in range(2)
    ]
    dataset = import_source(write_names(tmp_path / "faces", names), "faces")
    assert dataset.index.groupby("subject")["split"].nunique().max() == 1
    assert any("No subject is both in training and in validation" in n for n in dataset.notes)
    redrawn = dataset.with_validation_fraction(0.4).index
    assert redrawn.groupby("subject")["split"].nunique().max() == 1
    changed = change_mapping("faces", Choices(classes={"sad": "fear"})).index
    assert changed["subject"].tolist() == dataset.index["subject"].tolist()
