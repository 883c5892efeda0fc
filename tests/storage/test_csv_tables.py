"""Tables that grow while they are read."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.errors import FerError
from fer_core.storage.csv_tables import CsvTail, append_row, check_ranges, save_table

RANGES = {"step": (0, 1e9), "loss": (-1e9, 1e9)}
COLUMNS = tuple(RANGES)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of the table, which does not exist yet."""
    return tmp_path / "steps.csv"


def append(file: Path, *steps: int) -> None:
    for step in steps:
        append_row(file, {"step": step, "loss": step / 4}, COLUMNS)


def replace(file: Path, *steps: int) -> None:
    table = pd.DataFrame({"step": steps, "loss": [step / 4 for step in steps]})
    save_table(file, table, COLUMNS)


def test_new_rows_are_read_and_none_is_read_twice(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = CsvTail(file, RANGES)
    assert list(table.read().columns) == list(COLUMNS) and not len(table.read())
    append(file, 1, 2)
    assert list(table.read()["step"]) == [1, 2]
    parsed: list[bytes] = []
    read_csv = pd.read_csv
    monkeypatch.setattr(
        pd,
        "read_csv",
        lambda text, **more: parsed.append(text.getvalue()) or read_csv(text, **more),
    )
    append(file, 3)
    assert list(table.read()["loss"]) == [0.25, 0.5, 0.75]
    assert parsed == [b"3,0.75\n"]
    assert table.read() is table.read()


def test_a_half_written_row_is_read_once_it_is_complete(file: Path) -> None:
    append(file, 1)
    table = CsvTail(file, RANGES)
    for part, steps in (("2,0", [1]), (".5", [1]), ("\n3,0.7", [1, 2]), ("5\n", [1, 2, 3])):
        with file.open("a") as end:
            end.write(part)
        assert list(table.read()["step"]) == steps
    assert list(table.read()["loss"]) == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    "change",
    [
        lambda file: replace(file, 1, 2, 7, 8),
        lambda file: replace(file, 1, 2, 3, 4, 5, 6),
        lambda file: replace(file, 1, 2),
        lambda file: replace(file),
        lambda file: file.write_text("step,loss\n1,0.25\n9,2.25\n9,2.25\n9,2.25\n9,2.25\n"),
        lambda file: file.write_text("step,loss\n"),
        lambda file: file.write_text(""),
        lambda file: file.unlink(),
    ],
)
def test_a_replaced_or_truncated_table_is_read_again(
    file: Path, change: Callable[[Path], None]
) -> None:
    append(file, 1, 2, 3, 4)
    table = CsvTail(file, RANGES)
    table.read()
    change(file)
    fresh = CsvTail(file, RANGES).read()
    assert table.read().to_dict("list") == fresh.to_dict("list")
    append(file, 77)
    assert table.read()["step"].iloc[-1] == 77


def test_rows_damaged_by_a_power_failure_are_skipped(file: Path) -> None:
    append(file, 1)
    table = CsvTail(file, RANGES)
    table.read()
    with file.open("ab") as end:
        end.write(b"\0\0\0\0\n2,half\n3,1,4,1,5\n\n\xff\xfe,3\n")
    append(file, 4)
    assert list(table.read()["step"]) == [1, 4]
    assert list(CsvTail(file, RANGES).read()["step"]) == [1, 4]


def test_threads_reading_at_once_see_every_row_once(file: Path) -> None:
    table = CsvTail(file, RANGES)
    with ThreadPoolExecutor(8) as threads:
        for step in range(50):
            append(file, step)
            seen = list(threads.map(lambda _: len(table.read()), range(8)))
            assert seen == [step + 1] * 8
    assert list(table.read()["step"]) == list(range(50))


@pytest.mark.parametrize(
    "values",
    [
        [0.0, np.nan],
        [0.0, np.nextafter(1.0, 2.0)],
        [-5e-324, 1.0],
        [np.inf, 0.0],
        [0, 2],
        ["0", "1"],
        pd.array([0, None], "Int64"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_found_in_whatever_column_it_is(values: object) -> None:
    table = pd.DataFrame({"a": [0.0, 1.0], "b": values, "c": [0.5, -0.0], "d": [1, 0]})
    with pytest.raises(FerError, match="^b must be"):
        check_ranges(table, dict.fromkeys("abcd", (0.0, 1.0)))
    check_ranges(table, dict.fromkeys("acd", (0.0, 1.0)))
    check_ranges(table[:0], dict.fromkeys("acd", (0.0, 1.0)))


def test_whole_numbers_are_not_rounded_when_they_are_compared() -> None:
    table = pd.DataFrame({"a": [2**53 + 1], "b": [0.0]})
    with pytest.raises(FerError, match="^a must be"):
        check_ranges(table, {"a": (0, 2**53), "b": (0, 1)})
