"""What a video's table says of each face."""

from pathlib import Path

import numpy as np
import pytest

from fer_core.inference.video_table import (
    AnswerSpell,
    answer_spells,
    probability_curve,
    read_video_table,
    summarize_faces,
)
from fer_core.storage import DamagedFileError

HEADER = "seconds,frame,face,x,y,width,height,confidence,p_sad,p_happy,smoothed_sad,"
HEADER += "smoothed_happy,expression,answer\n"


def row(seconds: float, face: int, sad: float, answer: str = "") -> str:
    happy = 1 - sad
    said = answer or ("sad" if sad > happy else "happy")
    shares = f"{sad:.2f},{happy:.2f},{sad:.2f},{happy:.2f}"
    return f"{seconds},{round(25 * seconds)},{face},1,2,3,4,0.99,{shares},{said},{said}\n"


def write(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def test_faces_are_sorted_by_their_number_of_frames(tmp_path: Path) -> None:
    rows = [row(0.0, 1, 0.9), row(0.0, 2, 0.2), row(1.0, 2, 0.2), row(2.0, 2, 0.6, "not sure")]
    table = read_video_table(write(tmp_path / "faces.csv", *rows))
    second, first = summarize_faces(table)
    assert (second.number, second.first, second.last, second.frames) == (2, 0.0, 2.0, 3)
    assert second.answers == pytest.approx({"happy": 2 / 3, "not sure": 1 / 3})
    assert list(second.answers) == ["happy", "not sure"]
    assert not second.is_brief
    assert first.number == 1 and first.is_brief


def test_an_incomplete_last_row_is_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "faces.csv", row(0.0, 1, 0.9), row(1.0, 1, 0.4))
    path.write_text(path.read_text()[:-25])
    assert len(read_video_table(path)) == 1


def test_a_table_without_a_face_has_no_faces(tmp_path: Path) -> None:
    table = read_video_table(write(tmp_path / "faces.csv"))
    assert len(table) == 0
    assert summarize_faces(table) == []


def test_a_missing_table_is_none_and_a_damaged_one_an_error(tmp_path: Path) -> None:
    assert read_video_table(tmp_path / "faces.csv") is None
    (tmp_path / "faces.csv").write_text("this is\nno table\n")
    with pytest.raises(ValueError, match=r"faces\.csv must be a table of faces. It is damaged."):
        read_video_table(tmp_path / "faces.csv")
    (tmp_path / "faces.csv").write_text("")
    with pytest.raises(ValueError, match="It is damaged"):
        read_video_table(tmp_path / "faces.csv")


def test_a_table_without_a_class_of_the_result_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "faces.csv", row(0.0, 1, 0.9))
    assert len(read_video_table(path, ("sad", "happy"))) == 1
    with pytest.raises(DamagedFileError):
        read_video_table(path, ("sad", "angry"))


def test_a_short_timeline_is_not_averaged(tmp_path: Path) -> None:
    rows = [row(0.0, 1, 0.9), row(0.0, 2, 0.5), row(1.0, 1, 0.4)]
    table = read_video_table(write(tmp_path / "faces.csv", *rows))
    seconds, probabilities = probability_curve(table, 1, ("sad", "happy"))
    assert seconds.tolist() == [0.0, 1.0]
    assert probabilities == pytest.approx(np.array([[0.9, 0.1], [0.4, 0.6]]))


def test_a_long_timeline_is_averaged(tmp_path: Path) -> None:
    rows = [row(second, 1, 0.0 if second < 50 else 1.0) for second in range(100)]
    table = read_video_table(write(tmp_path / "faces.csv", *rows))
    seconds, probabilities = probability_curve(table, 1, ("sad", "happy"), max_points=10)
    assert len(seconds) == 10
    assert seconds[0] == pytest.approx(4.5, abs=0.5)
    assert probabilities[:, 0] == pytest.approx([0] * 5 + [1] * 5)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(10))


def test_a_spell_ends_with_its_answer_or_when_the_face_is_away(tmp_path: Path) -> None:
    answers = {0: "sad", 1: "sad", 2: "happy", 3: "happy", 6: "happy"}
    rows = [row(number / 25, 1, 0.5, answer) for number, answer in answers.items()]
    rows.append(row(1 / 25, 2, 0.9))
    table = read_video_table(write(tmp_path / "faces.csv", *rows))
    assert answer_spells(table) == [
        AnswerSpell(1, 0.0, 0.08, "sad"),
        AnswerSpell(1, 0.08, pytest.approx(0.16), "happy"),
        AnswerSpell(1, 0.24, pytest.approx(0.28), "happy"),
        AnswerSpell(2, 0.04, pytest.approx(0.08), "sad"),
    ]
    assert len(answer_spells(table, every=3)) == 3  # the pause is a single step of three frames
    assert answer_spells(table[:0]) == []
