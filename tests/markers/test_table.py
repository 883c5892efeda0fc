"""Markers, excluded ranges and baselines in tables, and kept with a video."""

from pathlib import Path

import pytest

from fer_core.errors import FerError
from fer_core.markers import (
    Annotations,
    MarkedTimes,
    Marker,
    TimeRange,
    format_seconds,
    parse_seconds,
    parse_times,
    read_annotations,
    read_marker_table,
    save_annotations,
)
from fer_core.storage import DamagedFileError


def test_rows_are_markers_ranges_to_exclude_and_a_baseline() -> None:
    table = b"time,label\n1:00:01.5,end\n12,shown\n12,shown\n"
    assert read_marker_table(table) == {
        "": MarkedTimes((Marker(12.0, "shown"), Marker(3601.5, "end")))
    }
    # As a spreadsheet of another language writes it.
    table = b"\xef\xbb\xbfStart;End;Reason\r\n0:05;7,5;'=looks away\r\n\r\n"
    assert read_marker_table(table)[""].excluded == (TimeRange(5.0, 7.5, "=looks away"),)
    table = b"file,kind,time,start,end,label\na.mp4,,3,,,go\nb.mp4,baseline,,0,2,\nb.mp4,,,4,5,\n"
    assert read_marker_table(table, per_file=True) == {
        "a.mp4": MarkedTimes((Marker(3.0, "go"),)),
        "b.mp4": MarkedTimes((), (TimeRange(4.0, 5.0),), TimeRange(0.0, 2.0)),
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"time,label\n1,a\nnoon,b\n", "Line 3 .* A time must be seconds.* Received: noon"),
        (b"time,label\n1,\n", "Line 2 .* must have a label"),
        (b"time,label\n-1,a\n", "Line 2 .* Received: -1"),
        (b"time,label\n,a\n", "Line 2 .* start empty, end empty"),
        (b"time,label\n1," + b"x" * 201 + b"\n", "Line 2 .* at most 200 characters"),
        (b"start,end\n1,2\n5,5\n", "Line 3 .* must be after its start. Received: from 5 to 5"),
        (b"start,end\n1,\n", "Line 2 .* both a start and an end. Received: start 1, end empty"),
        (b"time,start,end,label\n1,2,3,a\n", "Line 2 .* not both. Received: the time 1"),
        (b"kind,start,end\npause,1,2\n", "Line 2 .* Received: pause"),
        (b"kind,start,end\nbaseline,1,2\nbaseline,3,4\n", "Line 3 .* one baseline"),
        (b"when,label\n1,a\n", "must have the columns time and label.* It has: when, label"),
        (b"time,label\n", "at least one row"),
        (b"\xff\xfe\x00", "must be a CSV table"),
    ],
)
def test_an_error_names_the_line_the_rule_and_the_value(text: bytes, sentence: str) -> None:
    with pytest.raises(FerError, match=sentence):
        read_marker_table(text)


def test_a_table_for_a_batch_must_name_files() -> None:
    with pytest.raises(FerError, match="must have a column named file"):
        read_marker_table(b"time,label\n1,a\n", per_file=True)
    with pytest.raises(FerError, match="Line 3 .* must name a file"):
        read_marker_table(b"file,time,label\na.mp4,1,a\n,1,a\n", per_file=True)


def test_a_cell_has_several_markers_or_ranges() -> None:
    found = parse_times("0:12 picture shown; 3 go;", "5-10; 1:05-1:10.5 talks")
    assert found.markers == (Marker(3.0, "go"), Marker(12.0, "picture shown"))
    assert found.excluded == (TimeRange(5.0, 10.0), TimeRange(65.0, 70.5, "talks"))
    assert not parse_times(" ", "")
    for markers, excluded in (("12", ""), ("", "5"), ("", "5-"), ("", "9-5"), ("x y", "")):
        with pytest.raises(FerError):
            parse_times(markers, excluded)


@pytest.mark.parametrize("seconds", [0.0, 5.25, 59.9996, 65.0, 3599.9999, 3661.001])
def test_a_written_time_is_read_again(seconds: float) -> None:
    assert parse_seconds(format_seconds(seconds)) == pytest.approx(seconds, abs=5e-4)


def test_what_is_marked_is_kept_and_a_damaged_file_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    assert read_annotations(file) == Annotations()
    marked = Annotations(
        (Marker(1.0, "go"),),
        (TimeRange(2.0, 3.0),),
        TimeRange(0.0, 1.0),
        {},
        {"2": "Ann", "3": None},
    )
    save_annotations(file, marked)
    assert read_annotations(file) == marked
    whole = file.read_text()
    for damaged in (
        whole[:40],
        whole.replace("1.0", '"1"'),
        whole.replace("2.0", "-2.0"),
        whole.replace("2.0", "4.0"),  # a range that ends before its start
        whole.replace('"go"', '""'),
        whole.replace('"2"', '"two"'),
    ):
        assert damaged != whole
        file.write_text(damaged)
        with pytest.raises(DamagedFileError):
            read_annotations(file)
