"""Subjects and sequences are read from file names and tables, or not at all."""

from pathlib import Path

import pytest

from fer_core.datasets.class_mapping import change_mapping
from fer_core.datasets.importing import import_source, previewing
from fer_core.datasets.layouts import Choices, read_pattern
from fer_core.datasets.layouts.plan import ImportPlan
from fer_core.errors import FerError
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


def write_people(root: Path, people: list[int], images: int = 4) -> Path:
    """Writes images of people, numbered without a word or letter that tells one."""
    names = [
        f"{name}/{person:03d}x{number}.png"
        for name in ("happy", "sad")
        for person in people
        for number in range(images)
    ]
    return write_names(root, names)


def test_a_pattern_that_a_person_types_tells_subjects_and_keeps_them_in_one_split(tmp_path):
    root = write_people(tmp_path / "faces", list(range(6)))
    assert "subject" not in preview(root).index
    dataset = import_source(root, "faces", choices=Choices(subjects=r"/(?P<subject>\d{3})x"))
    index = dataset.index
    assert index["subject"].nunique() == 6
    assert (index.groupby("subject")["split"].nunique() == 1).all()
    assert any("6 subjects by the chosen pattern" in note for note in dataset.notes)


def test_a_pattern_can_be_changed_later_without_the_images(tmp_path):
    root = write_people(tmp_path / "faces", list(range(6)))
    before = import_source(root, "faces", test_fraction=0.2)
    for file in root.rglob("*.png"):
        file.rename(file.with_suffix(".gone"))
    pattern = r"(?P<subject>\d+)x(?P<group>\d)"
    after = change_mapping("faces", Choices(subjects=pattern))
    assert after.index["subject"].nunique() == 6 and "000/0" in set(after.index["group"])
    assert (after.index.groupby("subject")["split"].nunique() == 1).all()
    assert set(after.index["split"]) == {"train", "val", "test"}
    assert after.index["content"].tolist() == before.index["content"].tolist()
    notes = change_mapping("faces", Choices(subjects=r"x(?P<subject>\d)")).notes
    assert sum("chosen pattern" in note for note in notes) == 1  # not those of the pattern before


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?P<subject>", "regular expression"),
        (r"(?<=x)(?P<subject>\d)", "regular expression"),
        (r"(?P<subject>\d+)(x)", "(?:…)"),
        (r"\d+", "named subject"),
        (r"(?P<person>\d+)", "named subject"),
        (r"(?P<subject>Q\d+)", "any of 24 images"),
        ("(?P<subject>x)", "all 24 images the same subject, x"),
        (f"(?P<subject>{'a' * 600})", "at most 500 characters"),
        ("(?P<subject>(?:x+x+)+y)", "any of 24 images"),  # others would try for years
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_numbers(tmp_path, pattern, said):
    root = write_people(tmp_path / "faces", [1, 2, 3])
    with pytest.raises(FerError) as refused:
        import_source(root, "faces", choices=Choices(subjects=pattern))
    assert said in str(refused.value)


def test_a_pattern_that_splits_a_letter_is_refused():
    with pytest.raises(FerError, match="whole letters"):
        read_pattern(r"(?P<subject>\C)", ["é.png"])


def test_a_pattern_that_finds_hardly_any_groups_is_warned_of(tmp_path):
    root = write_people(tmp_path / "faces", [1], images=19)
    write_names(root, ["happy/002x0.png", "sad/002x0.png"])
    notes = preview(root, subjects=r"(?P<subject>\d+)x").notes
    assert any("38 of 40 images (95%)" in note for note in notes)
    assert any("in each of 40" in note for note in preview(root, subjects="(?P<subject>.+)").notes)
