"""The command for raters' votes."""

from pathlib import Path

import pytest

from fer_core.__main__ import main
from fer_core.datasets import raters
from fer_core.datasets.synthetic.generate import draw_dataset
from tests.datasets.test_ferplus import voted_faces


def test_votes_are_imported_compared_and_exported(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = draw_dataset("faces", count=70)
    table, copy = tmp_path / "votes.csv", tmp_path / "copy.csv"
    rows = zip(dataset.index["path"], dataset.index["expression"], strict=True)
    lines = [f"{rater},{path},,{label}" for path, label in rows for rater in ("anna", "bob")]
    lines[1] = lines[1].rpartition(",")[0] + ",cannot tell"
    table.write_text("\n".join(["rater,path,row,answer", *lines]))
    assert main(["raters", "faces", "--import", str(table), "--export", str(copy)]) == 0
    said = capsys.readouterr().out
    assert "140 new votes imported" in said and "140 votes on 70 images" in said
    kappa = raters.agreement(dataset, raters.read_ratings(dataset)).fleiss.value
    assert f"{kappa:.3f}" in said and 0.9 < kappa < 1
    assert len(copy.read_text().splitlines()) == 141
    table.write_text("rater,path,row,answer\nanna,gone.png,,happy\n")
    assert main(["raters", "faces", "--import", str(table)]) == 1
    assert "1 image of 1 in the votes is not in faces" in capsys.readouterr().err


def test_ferplus_votes_are_compared_in_one_split(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voted_faces()
    assert main(["raters", "faces", "--ferplus", "--split", "val"]) == 0
    said = capsys.readouterr().out
    assert "126 votes on 14 images" in said and "Cohen's kappa" in said
    assert main(["raters", "faces"]) == 0
    assert "no votes" in capsys.readouterr().out
