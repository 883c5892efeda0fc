"""Metadata of images: a table joined by file or subject, kept beside the index."""

from pathlib import Path

import pandas as pd
import pytest

from fer_core.__main__ import main
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.metadata import (
    BY_FILE,
    BY_SUBJECT,
    METADATA_FILE,
    Join,
    JoinedTable,
    Metadata,
    join_table,
    parse_table,
    propose_join,
    read_metadata,
    remove_metadata,
    save_metadata,
)
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError

INDEX = pd.DataFrame(
    {
        "path": ["angry/S1_a.png", "angry/S1_b.png", "happy/S2_a.png", "happy/x.png"],
        "row": pd.array([None] * 4, "Int64"),
        "subject": ["S1", "S1", "S2", ""],
    }
)
SEX_BY_SUBJECT = b"person,sex\nS1,female\nS2,male\nS9,male\nS2,male\n"


def join(text: bytes, index: pd.DataFrame = INDEX) -> JoinedTable:
    table = parse_table(text)
    return join_table(table, index, propose_join(table, index, "faces"), "faces")


def column(joined: JoinedTable, name: str = "sex") -> list[str]:
    return Metadata(joined.table).of_images(INDEX)[name].tolist()


def test_a_table_of_subjects_is_joined_and_what_does_not_fit_is_counted() -> None:
    joined = join(SEX_BY_SUBJECT)
    assert joined.join == Join("person", BY_SUBJECT)
    assert column(joined) == ["female", "female", "male", ""]
    assert (joined.rows, joined.matched, joined.repeated) == (4, 3, 1)
    assert joined.unknown.first == ["S9"]


@pytest.mark.parametrize(
    "names",
    [
        ("angry/S1_a.png", "happy/x.png"),
        (".\\angry\\S1_a.png", "/happy/x.png"),
        ("S1_a.png", "x.png"),
        ("photos/S1_a.png", "photos/x.png"),  # moved since: by name
        ("S1_a", "x"),
    ],
)
def test_files_are_found_by_path_by_name_and_without_their_ending(names: tuple[str, str]) -> None:
    joined = join(f"sex;file\nf;{names[0]}\nm;{names[1]}\n".encode())
    assert joined.join == Join("file", BY_FILE)
    assert column(joined) == ["f", "", "", "m"]


def test_a_name_that_could_be_of_several_images_is_refused() -> None:
    index = INDEX.assign(path=["a/1.png", "b/1.png", "b/2.png", "b/3.png"])
    with pytest.raises(FerError, match=r"1 name .*1\.png is of 2"):
        join(b"file,sex\n1.png,f\n2.png,m\n", index)


def test_rows_that_contradict_each_other_are_refused_with_their_numbers() -> None:
    with pytest.raises(FerError, match=r"S1: age is '31' in row 1 and '35' in row 3"):
        join(b"id,sex,age\nS1,f,31\nS2,m,40\nS1,f,35\n")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"", "CSV"),
        (b"file,sex\n", "rows"),
        (b"file\na.png\n", "column"),
        (b"file,\na.png,f\n", "Column 2"),
        (b"file,sex\nnot-there.png,f\n", "S1_a.png"),
        (b"file,sex\n\xff\xfe,f\n", "damaged"),
        (b"file,sex\nS1_a.png,f,1\n", "CSV"),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused_in_a_sentence(text: bytes, named: str) -> None:
    with pytest.raises(FerError, match=named):
        join(text)


def test_images_of_a_table_are_joined_by_row() -> None:
    index = INDEX.assign(path="pixels.npy", row=pd.array([0, 1, 2, 3], "Int64"))
    joined = join(b"row,sex\n1,f\n3,m\n7,m\n", index)
    assert Metadata(joined.table).of_images(index)["sex"].tolist() == ["", "f", "", "m"]
    assert joined.unknown.first == ["7"]


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    return draw_dataset("faces", count=70)


def by_file(dataset: Dataset, sex: str) -> bytes:
    lines = [f"{path},{sex}" for path in dataset.index["path"]]
    return "\n".join(["file,sex", *lines]).encode()


def test_metadata_are_kept_beside_an_index_that_stays_as_it_is(dataset: Dataset) -> None:
    before = (dataset.directory / "index.csv").read_bytes()
    for sex in ("=f", "m"):  # the second replaces the first
        save_metadata(dataset, join(by_file(dataset, sex), dataset.stored_index))
        dataset.relabel([0], "sad")
        dataset.exclude([1], "blank")
        known = read_metadata(dataset.directory)
        assert known is not None and known.by == BY_FILE
        assert set(known.of_images(open_dataset("faces").with_corrections().index)["sex"]) == {sex}
    assert (dataset.directory / "index.csv").read_bytes() == before
    remove_metadata(dataset)
    assert read_metadata(dataset.directory) is None


def test_metadata_of_a_deleted_dataset_are_not_written(dataset: Dataset) -> None:
    joined = join(by_file(dataset, "f"), dataset.stored_index)
    save_metadata(dataset, joined)
    dataset.delete()
    with pytest.raises(FerError, match="deleted"):
        save_metadata(dataset, joined)
    assert not dataset.directory.exists()


def test_damaged_metadata_are_told(dataset: Dataset) -> None:
    (dataset.directory / METADATA_FILE).write_text("path,row\na.png,\n")
    with pytest.raises(FerError, match="metadata.csv"):
        read_metadata(dataset.directory)


def test_the_terminal_joins_previews_and_removes(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(by_file(dataset, "f"))
    assert main(["metadata", "faces", str(file), "--preview"]) == 0
    assert read_metadata(dataset.directory) is None
    assert main(["metadata", "faces", str(file)]) == 0
    assert "70 of 70 images" in capsys.readouterr().out
    assert read_metadata(dataset.directory) is not None
    assert main(["metadata", "faces", "--remove"]) == 0
    assert read_metadata(dataset.directory) is None
