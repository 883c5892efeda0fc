"""Files that may be anything: what is wrong with one is one kind of error."""

import contextlib
import json
import os
import pickle
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.errors import FerError
from fer_core.storage.csv_tables import CsvTail, check_ranges, parse_csv, read_csv
from fer_core.storage.npy import map_array, read_array, read_arrays, release_pages
from fer_core.storage.reading import DamagedFileError, read_bytes, read_json, read_tail, read_text
from fer_core.storage.records import Count, Fraction, Timestamp, check_record, read_record

JSON_DAMAGES = {
    "empty": b"",
    "truncated": b'{"epochs": 1',
    "garbled": bytes(range(128, 256)),
    "no UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"epochs": 1}'.encode("utf-16"),
    "nested deeply": b"[" * 3_000,
    "nested and closed": b"[" * 100_000 + b"]" * 100_000,
    "NaN": b'{"loss": NaN}',
    "Infinity": b'{"loss": -Infinity}',
    "an infinite number": b'{"loss": 1e999}',
    "a number of 5,000 digits": b"9" * 5_000,
    "half a character": b'{"name": "\\ud800 and more"}',
    "two values": b"1 2",
    "null": b"null",
    "a NUL": b'{"name": "\0"}',
}
CSV_DAMAGES = {
    "empty": b"",
    "a newline": b"\n",
    "an open quote": b'a,b\n1,"2\n3,4\n',
    "a row too long": b"a,b\n1,2\n3,4,5\n",
    "only rows too long": b"a,b\n1,2,3\n4,5,6\n",
    "a NUL": b"a,b\n1,\0\n",
    "no UTF-8": b"a,b\n1,\xff\n",
    "a million columns": b"a,b\n" + b"," * 1_000_000,
}


@dataclass(frozen=True)
class Inner:
    share: Fraction = 0.0


@dataclass(frozen=True)
class Record:
    epochs: Count
    name: str = ""
    ended: Timestamp | None = None
    inner: Inner = field(default_factory=Inner)
    classes: tuple[str, ...] = ()


@pytest.mark.parametrize("content", JSON_DAMAGES.values(), ids=JSON_DAMAGES)
def test_damaged_json_is_an_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError) as caught:
        read_json(path)
    assert caught.value.path == path and str(path) in str(caught.value)


@pytest.mark.parametrize("content", CSV_DAMAGES.values(), ids=CSV_DAMAGES)
def test_a_damaged_table_is_an_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError) as caught:
        read_csv(path)
    assert caught.value.path == path and str(path) in str(caught.value)


READERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: read_bytes(path, max_bytes=100),
    "text": read_text,
    "JSON": read_json,
    "a table": read_csv,
    "an array": lambda path: read_array(path, max_bytes=100),
    "a mapped array": map_array,
    "arrays": lambda path: read_arrays(path, max_bytes=100),
}


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


NO_FILES: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path),
    "a pipe": os.mkfifo,
    "a socket": socket_at,
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], object],
    read: Callable[[Path], object],
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    make(Path("x"))
    with pytest.raises(DamagedFileError):
        read(tmp_path / "x")
    assert read_tail(tmp_path / "x", 10) == ""
    assert CsvTail(tmp_path / "x", {"a": (0, 1)}).read().empty


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    os.truncate(path, 10**12)
    for read in READERS.values():
        with pytest.raises(DamagedFileError):
            read(path)
    assert CsvTail(path, {"a": (0, 1)}).read().empty


def test_a_missing_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "x", tmp_path / "file" / "x"):
        assert read_json(path) is None and read_record(path, Record) is None
        for read in (read_text, read_csv, map_array):
            with pytest.raises(FileNotFoundError):
                read(path)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a file that generated contents are written to."""
    return tmp_path_factory.mktemp("reading") / "file"


JSON_LIKE = st.text(alphabet='[]{}",:.eE-+019 \\untrfalse', max_size=60).map(str.encode)
CSV_LIKE = st.text(alphabet='ab,"\n\r1.5e-NA', max_size=60).map(str.encode)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200) | JSON_LIKE)
def test_any_bytes_are_json_or_damaged(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with contextlib.suppress(DamagedFileError):
        value = read_json(file)
        assert json.loads(json.dumps(value, allow_nan=False).encode()) == value


@given(st.binary(max_size=200) | CSV_LIKE)
def test_any_bytes_are_a_table_or_damaged(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with contextlib.suppress(DamagedFileError):
        assert read_csv(file).index.equals(pd.RangeIndex(len(read_csv(file))))
    assert list(CsvTail(file, {"a": (0, 1)}).read()) == ["a"]


@given(st.binary(max_size=200), st.integers(0, 200), st.sampled_from(["a.npy", "a.npz"]))
def test_any_change_of_an_array_is_noticed_or_harmless(
    file: Path, change: bytes, position: int, name: str
) -> None:
    buffer = BytesIO()
    array = np.arange(20.0)
    np.save(buffer, array) if name == "a.npy" else np.savez(buffer, array=array)
    content = bytearray(buffer.getvalue())
    content[position : position + len(change)] = change
    file.write_bytes(content)
    for read in (map_array, lambda path: read_array(path, max_bytes=10_000)):
        with contextlib.suppress(DamagedFileError):
            assert read(file).dtype != object
    with contextlib.suppress(DamagedFileError):
        assert all(part.dtype != object for part in read_arrays(file, max_bytes=10_000).values())


def test_arrays_come_back_as_they_were_saved(file: Path) -> None:
    array = np.asfortranarray(np.arange(6, dtype="i2").reshape(2, 3))
    with file.open("wb") as stream:
        np.save(stream, array)
    for read in (map_array, lambda path: read_array(path, max_bytes=10_000)):
        assert np.array_equal(read(file), array) and read(file).dtype == array.dtype
    with file.open("wb") as stream:
        np.savez_compressed(stream, array=array, empty=np.zeros((0, 2)), text="{}")
    arrays = read_arrays(file, max_bytes=10_000)
    assert np.array_equal(arrays["array"], array) and arrays["empty"].shape == (0, 2)
    assert str(arrays["text"]) == "{}"


def test_small_files_of_huge_arrays_take_no_memory(file: Path) -> None:
    header = BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(header, shape)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("array.npy", bytes(50_000_000))
    with limited_memory(), pytest.raises(DamagedFileError):
        read_arrays(file, max_bytes=1_000_000)
    file.write_bytes(header.getvalue())
    for read in (map_array, lambda path: read_array(path, max_bytes=10_000)):
        with limited_memory(), pytest.raises(DamagedFileError):
            read(file)


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Fails if the peak memory of this process rises by more than 30 MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        {"epochs": -1},
        {"epochs": 10**30},
        {"epochs": 1.5},
        {"epochs": True},
        {"epochs": "1"},
        {"epochs": 1, "name": None},
        {"epochs": 1, "ended": 1e18},
        {"epochs": 1, "inner": {"share": 1.01}},
        {"epochs": 1, "classes": ["happy", 1]},
        {"epochs": 1, "of a newer version": 1},
    ],
)
def test_a_record_of_wrong_types_or_ranges_is_damaged(file: Path, data: object) -> None:
    file.write_text(json.dumps(data))
    with pytest.raises(DamagedFileError):
        read_record(file, Record)


def test_a_record_is_read_with_its_defaults(file: Path) -> None:
    file.write_text('{"epochs": 3, "ended": 1, "inner": {"share": 1}, "classes": ["happy"]}')
    assert read_record(file, Record) == Record(3, "", 1.0, Inner(1.0), ("happy",))


@given(ANY_JSON | st.fixed_dictionaries({"epochs": ANY_JSON, "inner": ANY_JSON}))
def test_any_json_is_a_record_or_an_error(data: object) -> None:
    with contextlib.suppress(FerError):
        record = check_record(Record, data)
        assert isinstance(record.epochs, int) and 0 <= record.inner.share <= 1


@pytest.mark.parametrize("values", ["1,2", "1,nan", "1,", "1,inf", "1,word", "1,1e308"])
def test_a_column_out_of_range_is_an_error(values: str) -> None:
    table = parse_csv(f"a\n{values.replace(',', chr(10))}\n".encode(), skip_blank_lines=False)
    check_ranges(parse_csv(b"a\n0\n1\n"), {"a": (0, 1)})
    with pytest.raises(FerError):
        check_ranges(table, {"a": (0, 1)})


@pytest.mark.parametrize("value", ["1e308", "inf", "1" + "0" * 30, "1.5", "word"])
def test_a_number_that_is_no_integer_is_damage(value: str) -> None:
    with pytest.raises(FerError):
        parse_csv(f"a\n{value}\n".encode(), dtype={"a": "Int64"})


def test_rows_out_of_range_are_left_out_of_a_growing_table(file: Path) -> None:
    file.write_text('a,b\n1,2\n1,inf\n1,1e308\n1,"3\n-1,3\n2,nan\n3,4\n')
    assert CsvTail(file, {"a": (0, 9), "b": (0, 9)}).read()["a"].tolist() == [1, 3]


def test_the_error_can_be_sent_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(DamagedFileError(Path("a.json"), "is empty")))
    assert error.path == Path("a.json") and str(error) == "a.json is empty."


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_released_pages_take_no_memory_and_are_read_again(file: Path) -> None:
    with file.open("wb") as opened:
        np.save(opened, np.arange(2**22))
    mapped = map_array(file)
    total = int(mapped.sum())
    before = _resident_bytes()
    release_pages(mapped.reshape(2, -1)[1:])
    assert _resident_bytes() < before - 2**24
    assert int(mapped.sum()) == total


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
