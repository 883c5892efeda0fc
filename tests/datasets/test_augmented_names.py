"""Copies that augmentation wrote are told by their names, and so is what they are copies of."""

import pytest

from fer_core.datasets.augmented_names import augmented_groups, possible_sources


@pytest.mark.parametrize(
    ("stem", "source"),
    [
        ("X.jpg0", "X"),
        ("X_flip", "X"),
        ("img1-rot-15_flip", "img1"),
        ("img1_aug_3", "img1"),
        ("hflip_img1", "img1"),
        ("rot15_img1", "img1"),
        ("happy_aug_0_77", "happy_aug_0"),
        ("aug_0_1234", "aug_0"),
        ("im12_jpg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9", "im12"),
        ("train_original_a1.jpg_0e5c1b3a-1111-2222-3333-444455556666", "a1"),
    ],
)
def test_a_copy_names_its_source(stem: str, source: str) -> None:
    assert possible_sources(stem)[-1] == source


@pytest.mark.parametrize(
    "stem",
    [
        *("S010_004_00000019", "KA.HA1.29", "AF01HAS", "happy (1)", "img001_happy", "copy"),
        *("train_00017_aligned", "PrivateTest_10131363", "genius_12", "general_1", "rotation"),
    ],
)
def test_other_names_name_none(stem: str) -> None:
    assert possible_sources(stem) == ()


def grouped(paths: list[str]) -> list[set[str]]:
    """The groups of more than one, each of its paths."""
    groups, _ = augmented_groups(paths)
    members = [
        {path for path, other in zip(paths, groups, strict=True) if other == group}
        for group in dict.fromkeys(groups.tolist())
    ]
    return [each for each in members if len(each) > 1]


def test_copies_are_grouped_with_their_source_in_whatever_split_it_is() -> None:
    paths = ["val/happy/1.jpg", "train/happy/1_flip.jpg", "train/happy/1.jpg0.jpg"]
    assert grouped(paths) == [set(paths)]
    assert augmented_groups(paths)[1].tolist() == [False, True, True]


def test_a_source_in_the_own_folder_comes_before_those_of_the_same_name() -> None:
    paths = ["train/happy/1.jpg", "train/sad/1.jpg", "val/happy/1.jpg", "train/happy/1_flip.jpg"]
    assert grouped(paths) == [{"train/happy/1.jpg", "train/happy/1_flip.jpg"}]


def test_a_name_that_two_other_splits_have_tells_no_source() -> None:
    assert grouped(["train/happy/man.jpg", "val/happy/man.jpg", "test/happy/man_flip.jpg"]) == []


def test_copies_without_their_source_are_grouped_if_they_name_one() -> None:
    keras = ["happy/aug_0_12.png", "happy/aug_0_7.png"]
    assert grouped([*keras, "happy/aug_1_12.png", "sad/aug_0_9.png"]) == [set(keras)]
    assert grouped(["happy/1_flip.png", "happy/1_zoom.png"]) != []
    assert grouped(["happy/face_dark_1.png", "happy/face_dark_2.png"]) == []


def test_the_source_of_an_augmented_name_is_the_file_that_exists() -> None:
    assert grouped(["1234.png", "aug_0_1234.png"]) != []
    assert grouped(["happy.png", "happy_aug_0_77.png", "happy_aug_0_78.png"]) == [
        {"happy.png", "happy_aug_0_77.png", "happy_aug_0_78.png"}
    ]
