"""What is wrong with images is found: each kind of finding with images made for it."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.datasets import image_reader, quality
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.quality import duplicates
from fer_core.datasets.quality.findings import Finding
from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.scan import scan
from fer_core.datasets.registry import open_dataset
from fer_core.storage import paths
from fer_core.vision import images
from tests.datasets.trees import write_fer2013

SIZE = 48


def face(seed: int, size: int = SIZE) -> np.ndarray:
    """A picture with coarse and fine light and shade, unlike that of any other seed: uint8 gray."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(
            rng.normal(0, strength, (side, side)), (size, size), interpolation=cv2.INTER_CUBIC
        )
        for side, strength in ((5, 40), (12, 30), (24, 20))
    ]
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


def write(root: Path, name: str, pixels: np.ndarray, **settings: int) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **settings)


def silent(done: int, total: int, message: str) -> None:
    pass


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data set's folder in which nothing is wrong yet."""
    number = 0
    for split in ("train", "val", "test"):
        for expression in ("happy", "sad"):
            for _ in range(6):
                write(tmp_path / "faces", f"{split}/{expression}/{number}.png", face(number))
                number += 1
    return tmp_path / "faces"


Look = Callable[[], tuple[Dataset, dict[str, Finding]]]


@pytest.fixture
def look(root: Path) -> Look:
    """Adds the folder, looks at it, and gives the findings by kind."""

    def look() -> tuple[Dataset, dict[str, Finding]]:
        import_source(root, "faces")
        return found()

    return look


def found(name: str = "faces") -> tuple[Dataset, dict[str, Finding]]:
    seen = scan(name, silent)
    dataset = open_dataset(name)
    return dataset, {each.kind: each for each in quality.find_problems(seen, dataset.index)}


def names(dataset: Dataset, positions: np.ndarray) -> list[str]:
    return dataset.index["path"].iloc[positions].tolist()


def counts(findings: dict[str, Finding]) -> dict[str, int]:
    """Images by kind, of the kinds of which there is any."""
    return {kind: finding.images for kind, finding in findings.items() if finding.images}


# Images by themselves


def test_where_nothing_is_wrong_nothing_is_found(look: Look) -> None:
    _, findings = look()
    assert counts(findings) == {}
    assert set(findings) | {"faceless"} == set(quality.DESCRIPTIONS)


def test_files_that_vanished_or_were_cut_short_cannot_be_read(root: Path) -> None:
    import_source(root, "faces")
    (root / "train/happy/0.png").unlink()
    cut = root / "train/sad/6.png"
    cut.write_bytes(cut.read_bytes()[:200])
    dataset, findings = found()
    assert names(dataset, findings["unreadable"].positions) == [
        "train/happy/0.png",
        "train/sad/6.png",
    ]
    table = quality.finding_table(
        findings["unreadable"], quality.read_scan_result(dataset), dataset.index
    )
    assert table["problem"].tolist() == ["missing", "damaged or truncated"]
    assert counts(findings) == {"unreadable": 2}


@pytest.mark.parametrize(
    ("kind", "pixels"),
    [
        ("blank", np.full((SIZE, SIZE), 7, np.uint8)),
        ("flat", (118 + face(100) // 12).astype(np.uint8)),
        ("dark", cv2.subtract(face(100), 128)),
        ("bright", 255 - cv2.subtract(face(100), 128)),
        ("blurred", cv2.GaussianBlur(face(100), (0, 0), 4)),
        ("size", face(100, 40)),
    ],
)
def test_an_image_by_itself_is_found(root: Path, look: Look, kind: str, pixels: np.ndarray) -> None:
    write(root, "train/sad/odd.png", pixels)
    dataset, findings = look()
    assert counts(findings) == {kind: 1}
    assert names(dataset, findings[kind].positions) == ["train/sad/odd.png"]
    assert findings[kind].excess.tolist() == findings[kind].positions.tolist()
    assert findings[kind].of == 37


def test_low_contrast_alone_is_no_blur(root: Path, look: Look) -> None:
    pale = 60 + face(100).astype(int) // 2
    write(root, "train/sad/pale.png", pale.astype(np.uint8))
    assert counts(look()[1]) == {}


def test_among_many_sizes_only_tiny_and_long_ones_are_odd(root: Path, look: Look) -> None:
    for number, file in enumerate(sorted(root.rglob("*.png"))):
        Image.fromarray(face(number, 60 + number)).save(file)
    write(root, "val/sad/tiny.png", face(200, 20))
    write(root, "val/sad/long.png", np.hstack([face(201), face(202), face(203)]))
    dataset, findings = look()
    assert names(dataset, findings["size"].positions) == ["val/sad/tiny.png", "val/sad/long.png"]


# Duplicates


def test_copies_are_found_by_their_pixels_whatever_their_file(root: Path, look: Look) -> None:
    write(root, "train/happy/0.bmp", face(0))
    dataset, findings = look()
    copies = findings["copies"]
    assert sorted(names(dataset, copies.positions)) == ["train/happy/0.bmp", "train/happy/0.png"]
    assert dataset.index["content"].iloc[copies.positions].nunique() == 2
    assert copies.group_count == 1
    assert len(copies.excess) == 1  # one of them stays
    assert counts(findings) == {"copies": 2}


def test_copies_with_different_labels_are_found_and_all_of_training_goes(
    root: Path, look: Look
) -> None:
    write(root, "train/sad/copy.png", face(0))
    dataset, findings = look()
    labels = findings["copies-labels"]
    assert sorted(names(dataset, labels.positions)) == ["train/happy/0.png", "train/sad/copy.png"]
    assert labels.excess.tolist() == sorted(labels.positions.tolist())


def shifted(pixels: np.ndarray) -> np.ndarray:
    return np.roll(pixels, 1, axis=1)


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: images.resize(pixels, 96, 96),
        lambda pixels: (20 + pixels * 0.7).astype(np.uint8),
        lambda pixels: cv2.GaussianBlur(pixels, (3, 3), 0),
        lambda pixels: cv2.rectangle(pixels.copy(), (36, 45), (44, 47), 255, -1),
    ],
    ids=["size", "light", "blur", "caption"],
)
def test_a_photo_in_another_state_is_a_near_duplicate(
    root: Path, look: Look, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    write(root, "train/happy/other.png", change(face(0)))
    dataset, findings = look()
    near = findings["near"]
    assert sorted(names(dataset, near.positions)) == ["train/happy/0.png", "train/happy/other.png"]
    assert len(near.excess) == 1
    assert findings["copies"].images == 0
    seen = quality.read_scan_result(dataset)
    assert (seen.table["similarity"][near.positions] > 0.9).all()


def test_a_compressed_photo_is_a_near_duplicate_with_a_different_label(
    root: Path, look: Look
) -> None:
    write(root, "train/sad/other.jpg", face(0), quality=60)
    dataset, findings = look()
    assert sorted(names(dataset, findings["near-labels"].positions)) == [
        "train/happy/0.png",
        "train/sad/other.jpg",
    ]


def test_images_that_agree_only_in_coarse_lighting_are_no_near_duplicates(
    root: Path, look: Look
) -> None:
    """As two well lit faces do: they correlate by 0.96, but in what is fine by 0.2."""
    coarse = 128 + 100 * np.sin(np.linspace(0, 3, SIZE))[:, None] * np.ones((1, SIZE))
    for number in (300, 301):
        fine = (face(number).astype(float) - 128) / 7
        write(root, f"train/sad/{number}.png", np.clip(coarse + fine, 0, 255).astype(np.uint8))
    _, findings = look()
    assert findings["near"].images == 0
    assert findings["blurred"].images == 2


def test_a_group_is_found_whole_across_the_borders_of_what_is_compared_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copies of one image: all in one group, named by its first, and others alone."""
    monkeypatch.setattr(duplicates, "_ROWS", 4)
    monkeypatch.setattr(duplicates, "_COLUMNS", 8)
    monkeypatch.setattr(duplicates, "_COLLECTED", 20)
    monkeypatch.setattr(duplicates, "_ALIGNED_AT_ONCE", 3)
    monkeypatch.setattr(duplicates, "_HUB", 2)
    rng = np.random.default_rng(0)
    sketches = np.stack([face(number, SIDE) for number in range(40)])
    copies = [1, 9, 17, 25, 38]
    for number in copies:
        noise = rng.normal(0, 2, (SIDE, SIDE))
        sketches[number] = np.clip(sketches[1] + noise, 0, 255).astype(np.uint8)
    order = np.arange(40)[::-1].copy()  # the sketches need not lie in the images' order
    reports = []
    groups, similarity = duplicates.near_groups(
        sketches[order], order, lambda done, total: reports.append((done, total))
    )
    assert groups[copies].tolist() == [1] * 5
    alone = np.setdiff1d(np.arange(40), copies)
    assert groups[alone].tolist() == alone.tolist()
    assert (similarity[copies] > 0.95).all()
    assert not similarity[alone].any()
    assert reports[-1] == (780, 780)


def test_sketches_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be of shape \(n, 48, 48\). Received: \(2, 8, 8\)"):
        duplicates.near_groups(np.zeros((2, 8, 8), np.uint8), np.arange(2), print)


# Leaks


@pytest.mark.parametrize(
    ("file", "kind", "leaked_into"),
    [
        ("test/happy/copy.png", "leak-train-test", "train/happy/0.png"),
        ("val/happy/copy.png", "leak-train-val", "train/happy/0.png"),
        ("test/happy/copy.jpg", "near-leak-train-test", "train/happy/0.png"),
        ("val/happy/copy.jpg", "near-leak-train-val", "train/happy/0.png"),
    ],
)
def test_an_image_in_two_splits_is_a_leak_and_the_training_image_goes(
    root: Path, look: Look, file: str, kind: str, leaked_into: str
) -> None:
    write(root, file, face(0), **({"quality": 90} if file.endswith("jpg") else {}))
    dataset, findings = look()
    assert names(dataset, findings[kind].positions) == [file, leaked_into]
    assert names(dataset, findings[kind].excess) == [leaked_into]
    assert findings[kind].images == 1
    split = file.split("/")[0]
    assert findings[kind].of == (dataset.index["split"] == split).sum()
    leaks = [name for name in counts(findings) if "leak" in name]
    assert leaks == [kind]


def test_of_a_leak_between_validation_and_test_the_validation_image_goes(
    root: Path, look: Look
) -> None:
    write(root, "test/happy/copy.png", face(12))
    dataset, findings = look()
    assert names(dataset, findings["leak-val-test"].excess) == ["val/happy/12.png"]


def test_of_duplicates_validation_and_test_stay(root: Path, look: Look) -> None:
    for name in ("train/happy/a.png", "train/happy/b.png", "val/happy/c.png"):
        write(root, name, face(500))
    for name in ("train/sad/d.png", "train/sad/e.png", "train/sad/f.png"):
        write(root, name, face(501))
    dataset, findings = look()
    assert names(dataset, findings["copies"].excess) == [
        "train/happy/a.png",
        "train/happy/b.png",
        "train/sad/e.png",
        "train/sad/f.png",
    ]


def test_labels_and_splits_that_change_afterwards_are_those_that_count(
    root: Path, look: Look
) -> None:
    write(root, "train/happy/copy.png", face(0))
    dataset, _ = look()
    seen = quality.read_scan_result(dataset)
    index = dataset.index.copy()
    copy = index.index[index["path"] == "train/happy/copy.png"][0]
    index.loc[copy, "split"] = "test"
    findings = {each.kind: each for each in quality.find_problems(seen, index)}
    assert counts(findings) == {"copies": 2, "leak-train-test": 1}
    index.loc[copy, "split"] = "excluded"
    assert counts({each.kind: each for each in quality.find_problems(seen, index)}) == {}
    assert quality.images_key(index) == seen.key


# Pages, files


def test_a_page_holds_whole_groups_where_they_fit() -> None:
    groups = np.repeat(np.arange(5), [3, 3, 9, 1, 2])
    positions = np.arange(len(groups))
    finding = Finding("copies", 18, 18, positions, positions, groups)
    assert quality.page_starts(finding, 4) == [0, 3, 6, 10, 14]
    assert quality.page_starts(finding, 100) == [0]
    single = Finding("dark", 18, 18, positions, positions)
    assert quality.page_starts(single, 8) == [0, 8, 16]
    assert quality.page_starts(Finding("dark", 0, 18, positions[:0], positions[:0]), 8) == [0]


def test_a_finding_as_a_table_says_what_each_image_is(root: Path, look: Look) -> None:
    write(root, "test/happy/copy.png", face(0))
    dataset, findings = look()
    seen = quality.read_scan_result(dataset)
    table = quality.finding_table(findings["leak-train-test"], seen, dataset.index)
    assert table["path"].tolist() == ["test/happy/copy.png", "train/happy/0.png"]
    assert table["group"].tolist() == [1, 1]
    assert table["leave_out"].tolist() == [False, True]
    assert dataset.index["path"].iloc[table["position"]].tolist() == table["path"].tolist()
    assert table["mean"].tolist() == pytest.approx([face(0).mean()] * 2, abs=0.01)


def test_a_scan_is_kept_and_outdated_when_the_images_change(root: Path, look: Look) -> None:
    dataset, _ = look()
    seen = quality.read_scan_result(dataset)
    assert len(seen.table) == dataset.images
    assert not quality.has_changed(dataset, seen)
    file = root / "train/happy/0.png"
    later = seen.time.timestamp() + 5
    write(root, "train/happy/0.png", face(900))
    os.utime(file, (later, later))
    assert quality.has_changed(dataset, seen)
    file.unlink()
    assert quality.has_changed(dataset, seen)
    again = scan("faces", silent)
    assert not quality.has_changed(open_dataset("faces"), again)


def test_a_damaged_record_counts_as_none(look: Look) -> None:
    dataset, _ = look()
    file = quality.scan_result_file(dataset)
    file.write_bytes(file.read_bytes()[:100])
    assert quality.read_scan_result(dataset) is None
    assert quality.read_face_search(dataset) is None


def test_an_interrupted_scan_leaves_no_file(root: Path) -> None:
    import_source(root, "faces")

    def interrupt(done: int, total: int, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan("faces", interrupt)
    dataset = open_dataset("faces")
    assert quality.read_scan_result(dataset) is None
    assert list((dataset.directory / "quality").iterdir()) == []


def test_rows_of_a_table_are_looked_at_like_files(tmp_path: Path) -> None:
    table = write_fer2013(tmp_path / "fer2013.csv")
    lines = table.read_text().splitlines()
    copy = lines[1].replace("Training", "PrivateTest")
    table.write_text("\n".join([*lines, copy]) + "\n")
    import_source(table, "faces")
    dataset, findings = found()
    assert findings["leak-train-test"].images == 1
    assert findings["leak-train-test"].positions.tolist() == [dataset.images - 1, 0]


def test_several_boxes_of_one_photo_are_several_images(tmp_path: Path) -> None:
    """The file's hash is the same for both; the faces are not."""
    from fer_core.datasets.image_reader import ImageReader
    from fer_core.datasets.quality.measures import measure_images

    write(tmp_path, "photo.png", np.hstack([face(0), face(1)]))
    dataset = import_source(tmp_path_with_two(tmp_path), "faces")
    boxes = {"x": [0, SIZE], "y": [0, 0], "width": [SIZE, SIZE], "height": [SIZE, SIZE]}
    index = dataset.index.iloc[[0, 0]].assign(path="photo.png", **boxes).reset_index(drop=True)
    measured = measure_images(ImageReader(index, tmp_path), range(2))
    assert measured["pixels"][0] != measured["pixels"][1]
    assert measured["width"].tolist() == [SIZE, SIZE]


def tmp_path_with_two(folder: Path) -> Path:
    for number, expression in enumerate(("happy", "sad")):
        write(folder / "others", f"{expression}/{number}.png", face(number))
    return folder / "others"


# Each image is decoded once


def test_import_and_scan_decode_each_image_once(root: Path, monkeypatch) -> None:
    decoded: list[str] = []
    decode = image_reader.decode

    def counting(data: bytes, name: str, *admission) -> np.ndarray:
        decoded.append(name)
        return decode(data, name)

    monkeypatch.setattr(image_reader, "decode", counting)
    import_source(root, "faces")
    scan("faces", silent)
    scan("faces", silent)
    assert sorted(decoded) == sorted(open_dataset("faces").index["path"])
    write(root, "train/happy/0.png", face(99))  # a changed image makes all be measured again
    table = scan("faces", silent).table
    assert len(decoded) == 2 * len(table)


def test_a_scan_without_cached_measures_finds_the_same(look: Look) -> None:
    look()
    before = scan("faces", silent).table
    for file in (paths.cache_root() / "pixels").glob("*-measures-*.npy"):
        file.unlink()
    assert (scan("faces", silent).table == before).all()
