"""FER+'s labels, by the rules of its authors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.ferplus import with_majority_labels
from fer_core.datasets.index import read_index, write_index
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.splits import EXCLUDED, SPLITS
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.expressions import EXPRESSIONS

VOTED = (*EXPRESSIONS, "contempt", "unknown", "nf")


def voted_faces(count: int = 140) -> Dataset:
    """Draws a dataset whose votes agree with its labels; every fifth fear is contempt to them."""
    draw_dataset("faces", count=count)
    directory = open_dataset("faces").directory
    index = read_index(directory)
    labels = index["expression"].where(
        (index["expression"] != "fear") | (np.arange(len(index)) % 5 > 0), "contempt"
    )
    for name in VOTED:
        index[f"votes_{name}"] = np.where(labels == name, 7, 0) + (name in ("sad", "nf"))
    write_index(directory, index)
    return open_dataset("faces")


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        ({"happy": 6, "sad": 4}, "happy"),
        ({"happy": 5, "sad": 5}, None),  # no majority
        ({"happy": 4, "sad": 3, "fear": 3}, None),
        ({"happy": 5, "sad": 1, "fear": 1, "angry": 1, "neutral": 2}, "happy"),  # 5 of 7 left
        ({"happy": 1, "sad": 1}, None),  # only single votes
        ({"contempt": 8, "neutral": 2}, "contempt"),
        ({"nf": 9, "happy": 1}, None),
        ({"unknown": 6, "happy": 4}, None),
        ({"happy": 4, "unknown": 4}, None),
        ({}, None),
    ],
)
def test_the_label_has_more_than_half_of_the_votes_without_single_ones(
    votes: dict[str, int], label: str | None
) -> None:
    row = {"expression": "angry", "split": "val"} | {f"votes_{n}": votes.get(n, 0) for n in VOTED}
    (labeled,) = with_majority_labels(pd.DataFrame([row]), "faces").to_dict("records")
    assert labeled["split"] == ("val" if label else EXCLUDED)
    if label:
        assert labeled["expression"] == label
    assert not any(labeled[f"votes_{name}"] == 1 for name in VOTED)


def test_a_dataset_with_ferplus_labels_keeps_its_images_and_their_order(workspace: Path) -> None:
    dataset = voted_faces()
    labeled = dataset.with_ferplus_labels()
    assert labeled.class_names == (*EXPRESSIONS, "contempt")
    assert labeled.index[["path", "split"]].equals(dataset.index[["path", "split"]])
    changed = labeled.index["expression"] != dataset.index["expression"]
    assert set(labeled.index["expression"][changed]) == {"contempt"}
    assert labeled.pixels_key() == dataset.pixels_key()
    assert labeled.fingerprint() != dataset.fingerprint()
    assert dataset.class_names == EXPRESSIONS


def test_corrections_come_after_the_votes(workspace: Path) -> None:
    dataset = voted_faces()
    first, second = dataset.select("train")[:2].tolist()
    dataset.relabel([first], "happy")
    dataset.exclude([second], "blurred")
    index = dataset.with_ferplus_labels().with_corrections().index
    assert index["expression"].iloc[first] == "happy"
    assert index["split"].iloc[second] == EXCLUDED


def test_without_votes_there_are_no_such_labels(workspace: Path) -> None:
    draw_dataset("faces", count=70)
    with pytest.raises(ValueError, match="need a dataset with FER.'s votes. faces has none"):
        open_dataset("faces").with_ferplus_labels()


def test_of_fer2013_the_published_numbers_of_images_are_left(fer2013_dir: Path) -> None:
    table = pd.read_csv(fer2013_dir / "fer2013" / "labels.csv")
    usages = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
    names = {"anger": "angry", "happiness": "happy", "sadness": "sad", "NF": "nf"}
    votes = table.loc[:, "neutral":"NF"].rename(
        columns=lambda name: f"votes_{names.get(name, name)}"
    )
    index = votes.assign(expression="", split=table["Usage"].map(usages))
    labeled = with_majority_labels(index, "fer2013")
    assert [int((labeled["split"] == split).sum()) for split in SPLITS] == [25_060, 3_199, 3_153]
    contempt = labeled[labeled["expression"] == "contempt"]["split"].value_counts()
    assert [contempt[split] for split in SPLITS] == [119, 13, 16]
