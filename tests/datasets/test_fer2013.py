"""All of FER2013, which takes a minute to read: once for all tests of this file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import open_dataset
from tests.benchmarks import near_duplicates
from tests.datasets.near_copies import CHANGES
from tests.datasets.test_importing import COUNTS
from tests.datasets.test_quality import counts, found


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


def test_all_of_fer2013_is_read_from_its_folders(fer2013_dir: Path, tmp_path: Path) -> None:
    script = str(fer2013_dir / "fer2013.py")
    subprocess.run([sys.executable, script, "folders", str(tmp_path / "fer")], check=True)
    dataset = import_source(tmp_path / "fer", "fer2013")
    check_fer2013(dataset)
    assert dataset.layout == "FER2013, image folders"


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
