"""Images that are left out or get another label, without being touched."""

import hashlib
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest

from fer_core.datasets.corrections import Correction, Corrections, parse_corrections
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.pixel_cache import open_pixels
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from tests.datasets.trees import write_fer2013, write_image, write_tree

TREE = {"train/happy": 10, "train/sad": 10, "test/happy": 3, "test/sad": 3}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "My faces", TREE)


@pytest.fixture
def dataset(source: Path) -> Dataset:
    return import_source(source, "faces")


@pytest.fixture
def table(tmp_path: Path) -> Dataset:
    """Images that are rows of one array."""
    return import_source(write_fer2013(tmp_path / "fer2013.csv"), "fer")


def contents(folder: Path) -> dict[str, str]:
    """What every file holds."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_corrections_are_keyed_by_path_and_row(dataset: Dataset, table: Dataset) -> None:
    for each in (dataset, table):
        each.exclude([3, 5], " no face ")
        each.relabel(np.array([8]), "sad")
    paths = dataset.index["path"]
    assert dataset.saved_corrections.excluded == {
        (paths[3], None): "no face",
        (paths[5], None): "no face",
    }
    assert dataset.saved_corrections.relabeled == {(paths[8], None): "sad"}
    path = table.index["path"][0]
    rows = table.index["row"]
    assert set(table.saved_corrections.excluded) == {(path, int(rows[3])), (path, int(rows[5]))}
    assert table.saved_corrections.relabeled == {(path, int(rows[8])): "sad"}


def test_corrections_do_not_change_image_files(
    dataset: Dataset, source: Path, table: Dataset
) -> None:
    before = contents(source), contents(table.directory)
    for each in (dataset, table):
        each.exclude([0, 1], "blank")
        each.relabel([2], "sad")
        each.restore([1])
    own = contents(table.directory)
    assert own.pop(str(table.directory / "overlay.csv"))
    assert (contents(source), own) == before


def test_corrections_do_not_change_the_index_file(dataset: Dataset) -> None:
    index, fingerprint = dataset.index.copy(), dataset.fingerprint()
    dataset.exclude([0], "blank")
    again = open_dataset("faces")
    assert again.index.equals(index) and again.fingerprint() == fingerprint


def test_corrections_keep_images_at_their_positions(dataset: Dataset) -> None:
    happy = int(dataset.select("train", "happy")[0])
    dataset.exclude([happy], "blank")
    dataset.relabel([happy + 1], "sad")
    corrected = dataset.with_corrections()
    changed = dataset.index["split"] != corrected.index["split"]
    assert np.flatnonzero(changed).tolist() == [happy]
    assert corrected.select("excluded").tolist() == [happy]
    changed = dataset.index["expression"] != corrected.index["expression"]
    assert np.flatnonzero(changed).tolist() == [happy + 1]
    same = ["path", "row", "source_split", "content", "size", "modified"]
    assert corrected.index[same].equals(dataset.index[same])
    assert corrected.index.dtypes.equals(dataset.index.dtypes)
    counts = corrected.counts() - dataset.counts()
    assert counts["train"].to_dict() == {"happy": -2, "sad": 1}
    assert not counts[["val", "test"]].any(axis=None)
    plain, after = open_pixels(dataset, (8, 8), 1), open_pixels(corrected, (8, 8), 1)
    assert plain.filename == after.filename


def test_undoing_a_correction_restores_the_fingerprint(
    dataset: Dataset,
) -> None:
    seen = [dataset.with_corrections().fingerprint()]
    assert seen == [dataset.fingerprint()]
    dataset.exclude([0], "blank")
    seen.append(dataset.with_corrections().fingerprint())
    dataset.relabel([1], "sad")
    seen.append(dataset.with_corrections().fingerprint())
    dataset.exclude([1], "blank")
    seen.append(dataset.with_corrections().fingerprint())
    assert len(set(seen)) == 4
    dataset.restore([0, 1])
    assert dataset.with_corrections().fingerprint() == seen[0]
    dataset.exclude([0], "another reason makes no other images")
    assert dataset.with_corrections().fingerprint() == seen[1]


def test_a_later_correction_replaces_an_earlier_one(dataset: Dataset) -> None:
    key = dataset.keys([0])[0]
    dataset.relabel([0], "sad")
    dataset.exclude([0], "blank")
    assert (dataset.saved_corrections.excluded, dataset.saved_corrections.relabeled) == (
        {key: "blank"},
        {},
    )
    dataset.relabel([0], "sad")
    assert (dataset.saved_corrections.excluded, dataset.saved_corrections.relabeled) == (
        {},
        {key: "sad"},
    )
    dataset.relabel([0], "happy")  # as it was added
    assert len(dataset.saved_corrections) == 0


def test_correcting_many_images_writes_one_file(dataset: Dataset) -> None:
    dataset.exclude(dataset.select("train"), "all of them")
    assert len(dataset.saved_corrections) == 18
    assert "train" not in dataset.with_corrections().counts()
    assert dataset.with_corrections().class_names == ("happy", "sad")


def test_excluding_all_images_keeps_the_classes(dataset: Dataset) -> None:
    dataset.exclude(range(26), "all")
    for corrected in (
        dataset.with_corrections(),
        dataset.with_validation_fraction(0.5).with_corrections(),
    ):
        assert corrected.counts().shape == (2, 0)
        assert set(corrected.index["split"]) == {"excluded"}


def test_relabeling_all_images_of_a_class_keeps_the_class(dataset: Dataset) -> None:
    dataset.relabel(dataset.select(None, "sad"), "happy")
    counts = dataset.with_corrections().counts()
    assert counts.loc["sad"].to_dict() == {"train": 0, "val": 0, "test": 0}
    assert counts.loc["happy"].sum() == 26
    assert list(dataset.with_corrections().mean_faces()) == ["happy", "sad"]


def test_a_redrawn_validation_split_has_no_excluded_images_and_splits_no_duplicates(
    tmp_path: Path,
) -> None:
    for number in range(40):  # every picture twice, the copy under the other expression
        write_image(tmp_path / f"faces/happy/{number}.png", number)
        write_image(tmp_path / f"faces/sad/{number}.png", number)
    dataset = import_source(tmp_path / "faces", "faces")
    out = dataset.select(None, "happy")[:15]
    dataset.exclude(out, "too many")
    dataset.relabel(dataset.select(None, "sad")[20:30], "happy")
    for fraction in (0.1, 0.3, 0.6):
        index = dataset.with_corrections().with_validation_fraction(fraction).index
        assert np.flatnonzero(index["split"] == "excluded").tolist() == out.tolist()
        kept = index[index["split"] != "excluded"]
        assert set(kept["split"]) == {"train", "val"}
        assert (kept.groupby("content")["split"].nunique() == 1).all()
        share = (kept["split"] == "val").mean()
        assert abs(share - fraction) < 0.1
        other_way = dataset.with_validation_fraction(fraction).with_corrections().index
        assert other_way.equals(index)


def test_corrections_exported_from_one_dataset_apply_to_a_copy_of_it(
    dataset: Dataset, source: Path
) -> None:
    dataset.exclude([0, 4], 'a reason with "quotes", commas and ümlauts')
    dataset.relabel([8], "sad")
    other = import_source(source, "again")
    other.exclude([1], "stays")
    other.relabel([4], "sad")
    assert other.import_corrections("\ufeff" + dataset.saved_corrections.to_csv()) == 3
    assert other.saved_corrections.relabeled == dataset.saved_corrections.relabeled
    stays = {other.keys([1])[0]: "stays"}
    assert other.saved_corrections.excluded == dataset.saved_corrections.excluded | stays


def test_a_table_of_corrections_survives_writing_and_reading(table: Dataset) -> None:
    table.exclude([3], "blank")
    table.relabel([5], "sad")
    overlay = table.saved_corrections
    assert parse_corrections(overlay.to_csv()) == overlay
    assert parse_corrections(Corrections().to_csv()) == Corrections()


HEADER = "path,row,what,expression,reason\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The table of corrections is empty"),
        ('"', "Corrections must be a CSV table"),
        ("path,row\na.png,\n", "must have the columns path, row, what"),
        (
            HEADER + "nobody.png,,exclude,,blank\n",
            "1 of 1 corrections are of images that faces does not have",
        ),
        (HEADER + "train/happy/000.png,7,exclude,,blank\n", "row 8 of train/happy/000.png"),
        (
            HEADER + "train/happy/000.png,,drop,,blank\n",
            "exclude, relabel or keep. Received: 'drop'",
        ),
        (HEADER + "train/happy/000.png,x,exclude,,blank\n", "must be a whole number or empty"),
        (HEADER + "train/happy/000.png,,exclude,,\n", "a reason to exclude"),
        (HEADER + "train/happy/000.png,,relabel,,\n", "either an expression or a reason"),
        (HEADER + "train/happy/000.png,,relabel,bored,\n", "one of faces: happy, sad. Received:"),
        (HEADER + "train/happy/000.png,,keep,,\n", "either an expression or a reason"),
        (HEADER + "train/happy/000.png,,keep,bored,\n", "one of faces: happy, sad. Received:"),
        (
            HEADER + "nobody.png,,keep,sad,\n",
            "1 of 1 corrections are of images that faces does not have",
        ),
        (HEADER + 2 * "train/happy/000.png,,keep,sad,\n", "train/happy/000.png has two"),
        (HEADER + 2 * "train/happy/000.png,,relabel,sad,\n", "train/happy/000.png has two"),
    ],
)
def test_corrections_with_one_invalid_row_are_refused_entirely(
    dataset: Dataset, text: str, sentence: str
) -> None:
    dataset.exclude([2], "stays")
    before = dataset.saved_corrections
    good = "train/happy/003.png,,exclude,,blank\n" if text.startswith(HEADER) else ""
    with pytest.raises(ValueError, match="(?s).*") as error:
        dataset.import_corrections(text.replace(HEADER, HEADER + good))
    assert sentence.replace("1 of 1", "1 of 2") in str(error.value)
    assert dataset.saved_corrections == before


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [(" ", "a reason to exclude"), ("a\nb", "one line"), ("x" * 201, "at most 200 characters")],
)
def test_an_invalid_reason_is_refused(dataset: Dataset, reason: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        dataset.exclude([0], reason)
    assert len(dataset.saved_corrections) == 0


def test_an_impossible_correction_is_refused(dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="must be one of faces: happy, sad. Received: bored"):
        dataset.relabel([0], "bored")
    for position in (-1, 26):
        for act in (dataset.restore, lambda at: dataset.exclude(at, "x"),
                    lambda at: dataset.relabel(at, "sad")):  # fmt: skip
            with pytest.raises(ValueError, match=f"from 0 to 25. Received: {position}"):
                act([0, position])
    assert len(dataset.saved_corrections) == 0


def test_a_damaged_corrections_file_is_named_and_not_overwritten(dataset: Dataset) -> None:
    file = dataset.directory / "overlay.csv"
    file.write_text("nonsense")
    with pytest.raises(ValueError, match=r"overlay\.csv is damaged: Corrections must have"):
        _ = dataset.saved_corrections
    with pytest.raises(ValueError, match="is damaged"):
        dataset.exclude([0], "blank")
    assert file.read_text() == "nonsense"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"overlay\.csv must be UTF-8"):
        _ = dataset.saved_corrections
    assert dataset.index["split"].isin(("train", "val", "test")).all()


def test_correcting_a_deleted_dataset_does_not_recreate_it(dataset: Dataset) -> None:
    _ = dataset.index
    dataset.delete()
    with pytest.raises(ValueError, match="faces was deleted, so it cannot be corrected"):
        dataset.exclude([0], "blank")
    assert not dataset.directory.exists()


def test_simultaneous_corrections_are_all_kept(workspace: Path) -> None:
    draw_dataset("faces", count=140)
    start, refused = Barrier(8), []

    def work(number: int) -> None:
        mine = open_dataset("faces")
        _ = mine.index
        start.wait()
        try:
            for position in range(number, 140, 8):
                mine.exclude([position], f"session {number}")
        except Exception as error:
            refused.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert len(open_dataset("faces").saved_corrections.excluded) == 140


def test_the_order_of_corrections_does_not_change_the_fingerprint(dataset: Dataset) -> None:
    dataset.exclude([0, 1, 2], "blank")
    dataset.relabel([9], "sad")
    kept = dataset.saved_corrections
    turned = replace(kept, corrections=kept.corrections[::-1])
    assert (
        dataset.with_corrections(turned).fingerprint() == dataset.with_corrections().fingerprint()
    )


def test_corrections_of_missing_images_change_nothing(dataset: Dataset) -> None:
    overlay = Corrections((Correction(("nobody.png", None), reason="gone"),))
    assert dataset.with_corrections(overlay).fingerprint() == dataset.fingerprint()


def test_confirming_a_label_changes_no_label(dataset: Dataset) -> None:
    dataset.exclude([4], "blank")
    before = dataset.with_corrections().fingerprint()
    dataset.confirm([0])
    overlay, (key,) = dataset.saved_corrections, dataset.keys([0])
    assert overlay.confirmed == {key: "happy"} and len(overlay) == 1
    assert overlay.is_reviewed(key, "happy") and not overlay.is_reviewed(key, "sad")
    assert dataset.with_corrections().fingerprint() == before
    assert parse_corrections(overlay.to_csv()) == overlay
    dataset.confirm([0], is_right=False)
    assert not dataset.saved_corrections.confirmations and len(dataset.saved_corrections) == 1


def test_confirming_a_relabeled_image_confirms_its_new_label(dataset: Dataset) -> None:
    dataset.relabel([0], "sad")
    dataset.confirm([0])
    (key,) = dataset.keys([0])
    assert dataset.saved_corrections.confirmed == {key: "sad"}
    dataset.restore([0])
    assert not dataset.saved_corrections.is_reviewed(key, "happy")


def test_confirmed_labels_are_exported_with_the_corrections(dataset: Dataset, source: Path) -> None:
    dataset.exclude([4], "blank")
    dataset.confirm([0, 4])
    other = import_source(source, "again")
    other.confirm([1])
    assert other.import_corrections(dataset.saved_corrections.to_csv()) == 3
    assert set(other.saved_corrections.confirmed) == set(other.keys([0, 1, 4]))
    assert set(other.saved_corrections.excluded) == set(other.keys([4]))
