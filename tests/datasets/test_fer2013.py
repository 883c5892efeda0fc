"""FER2013, of which all takes half a minute to read: once for the tests of this file."""

import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import open_dataset
from tests.benchmarks import near_duplicates
from tests.datasets.near_copies import CHANGES
from tests.datasets.test_importing import COUNTS
from tests.datasets.test_quality import counts, found

SPLITS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}  # by the table's word


def check_fer2013(dataset: Dataset) -> None:
    counts = dataset.counts()
    assert counts.to_numpy().tolist() == COUNTS.to_numpy().tolist()
    assert list(counts.index) == list(COUNTS.index)
    assert dataset.images == 35_887
    assert not any("Skipped" in note for note in dataset.notes)


def test_all_of_fer2013_is_read_from_its_table_with_ferplus_votes(
    fer2013_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOME", str(fer2013_home))
    dataset = open_dataset("fer2013")
    check_fer2013(dataset)
    assert dataset.index["votes_neutral"].iloc[0] == 4
    assert np.load(dataset.directory / "images.npy", mmap_mode="r").shape == (35_887, 48, 48)


def test_an_eighth_of_fer2013_is_read_from_its_folders(fer2013_dir: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(fer2013_dir / "fer2013.py"))
    pixels, rows = script["load"]()
    written = Counter[tuple[str, str]]()
    for image, row in zip(pixels[::8], rows[::8], strict=True):
        name, usage = script["CLASSES"][int(row["emotion"])], row["Usage"]
        folder = tmp_path / "fer" / ("train" if usage == "Training" else "test") / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / row["file"], quality=95)
        written[SPLITS[usage], name] += 1
    dataset = import_source(tmp_path / "fer", "fer2013")
    for split, images in dataset.counts().items():
        assert images.to_dict() == {name: written[split, name] for name in images.index}
    assert dataset.layout == "FER2013, image folders"
    assert not any("Skipped" in note for note in dataset.notes)


def test_on_fer2013_the_known_leaks_and_blanks_are_found(
    fer2013_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOME", str(fer2013_home))
    _, findings = found("fer2013")
    some = counts(findings)
    assert some["leak-train-test"] == 288
    assert some["leak-train-val"] == 280  # 279, and a blank one
    assert some["blank"] == 13
    assert findings["copies-labels"].group_count == 57
    assert findings["copies"].group_count == 1516
    assert some["near-leak-train-test"] > 500


def test_of_fer2013_copies_are_found_after_each_change(
    fer2013_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_HOME", str(fer2013_home))
    everything = np.load(open_dataset("fer2013").directory / "images.npy", mmap_mode="r")
    images = near_duplicates.distinct(everything[::28])
    shares = {name: near_duplicates.recall(images, 250, change) for name, change in CHANGES.items()}
    assert {name: share for name, share in shares.items() if share < 0.94} == {}
