"""Reading the table of clips, and matching its rows with files."""

import pytest

from fer_core.batches.clip_table import (
    Clip,
    match_clips,
    read_clip_table,
)
from fer_core.errors import FerError
from fer_core.markers import parse_seconds

TABLE = b"""file,Start,end,participant,condition,age
a.mp4,,1:05,P1,calm,31
day2/b.mp4,2.5,,P2,"loud, then calm",
"""


def test_rows_have_times_and_all_other_columns() -> None:
    table = read_clip_table(TABLE)
    assert table.columns == ("participant", "condition", "age")
    assert table.clips == (
        Clip("a.mp4", 2, 0.0, 65.0, {"participant": "P1", "condition": "calm", "age": "31"}),
        Clip(
            "day2/b.mp4",
            3,
            2.5,
            None,
            {"participant": "P2", "condition": "loud, then calm", "age": ""},
        ),
    )
    # As spreadsheets of other languages write it, and as this program exports it.
    semicolons = b"\xef\xbb\xbffile;start;mood\r\na.mp4;2,5;'=low\r\n\r\n"
    assert read_clip_table(semicolons).clips == (Clip("a.mp4", 2, 2.5, None, {"mood": "=low"}),)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("65", 65.0), (" 0.5 ", 0.5), ("1:05.25", 65.25), ("1:01:05", 3665.0)],
)
def test_times_are_seconds_or_as_clocks_show_them(text: str, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["-1", "1e3", "nan", "1:2:3:4", "soon", "1:60", "1:60:00", "99999999999", "٣"]
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(FerError, match="must be seconds"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"file,start,end\na.mp4,5,5\n", "Line 2 .* must be after its start. .*from 5 to 5 s"),
        (b"file,start,end\na.mp4,9,1\n", "Line 2 .* must be after its start"),
        (b"file,start\na.mp4,1\nb.mp4,1\na.mp4,2\n", "two for a.mp4: lines 2 and 4"),
        (b"file,start\na.mp4,noon\n", "Line 2 of the table: A time must be"),
        (b"video,start\na.mp4,1\n", "must have a column named file. It has: video, start"),
        (b"file,start\n,1\n", "Line 2 of the table must name a file"),
        (b"file,note\na.mp4," + b"x" * 3000 + b"\n", "Line 2 .* at most 2,000 characters"),
        (b"file\n", "at least one row"),
        (b"", "must be a CSV table"),
        (b"file,start\na.mp4,1,2\n", "must be a CSV table"),
        (b"file,\x00\n", "must be a CSV table"),
        (b"file,age,FILE\na,1,2\n", "name of its own"),
        (b"file,frames\na.mp4,1\n", "Rename: frames"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(text: bytes, sentence: str) -> None:
    with pytest.raises(FerError, match=sentence):
        read_clip_table(text, {"frames"})


def test_rows_find_their_file_by_path_or_by_a_name_that_only_one_has() -> None:
    table = read_clip_table(b"file\nday1\\a.mp4\nc.mp4\nb.mp4\nnone.mp4\n")
    names = ("day1/a.mp4", "day1/b.mp4", "day2/b.mp4", "day2/c.mp4", "day2/d.mp4")
    found = match_clips(table, names)
    assert {name: clip.line for name, clip in found.clips.items()} == {
        "day1/a.mp4": 2,
        "day2/c.mp4": 3,
    }
    assert found.unlisted == ("day1/b.mp4", "day2/b.mp4", "day2/d.mp4")
    ambiguous, unknown = found.problems
    assert "Line 4" in ambiguous and "day1/b.mp4" in ambiguous
    assert "Line 5" in unknown and "none.mp4" in unknown
    with pytest.raises(FerError, match=r"two for day1/a\.mp4: lines 2 and 3"):
        match_clips(read_clip_table(b"file\na.mp4\nday1/a.mp4\n"), names)
