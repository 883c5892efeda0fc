"""The same work in a terminal: `python -m fer_core …`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from fer_core.__main__ import main
from fer_core.datasets import open_dataset
from fer_core.runs import list_runs

TRAIN = ["train", "--dataset", "faces", "--recipe", "cnn_classic", "--epochs", "1"]


def test_draw_train_evaluate_and_predict(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "140"]) == 0
    assert len(open_dataset("faces").index) == 140
    assert main([*TRAIN, "--batch-size", "32", "--no-test-at-end", "--flip"]) == 0
    run = list_runs()[0]
    assert run.config.batch_size == 32 and run.config.augmentation.flip
    assert run.test_opened is None
    assert main(["evaluate", run.id]) == 0
    assert "val: " in capsys.readouterr().out and run.test_opened is None
    assert main(["evaluate", run.id, "--split", "test"]) == 0
    assert run.test_opened is not None and "14 images" in capsys.readouterr().out
    photo, table = tmp_path / "astronaut.png", tmp_path / "faces.csv"
    Image.fromarray(data.astronaut()).save(photo)
    assert main(["predict", run.id, str(photo), "--csv", str(table)]) == 0
    rows = pd.read_csv(table)
    assert len(rows) == 1 and rows["expression"][0] in run.class_names
    assert np.isclose(rows.filter(like="p_").sum(axis=1)[0], 1, atol=1e-4)


def test_a_folder_is_imported_and_said(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("happy", "sad"):
        for number in range(4):
            path = tmp_path / "pictures" / "train" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((48, 48), 40 * number + len(name), "uint8")).save(path)
    assert main(["import", str(tmp_path / "pictures")]) == 0
    assert open_dataset("pictures").class_names == ("happy", "sad")
    assert "happy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (TRAIN, "faces"),
        (["evaluate", "nobody"], "Received: nobody"),
        (["import", "/no/such/folder"], "/no/such/folder"),
        (["predict", "nobody", "photo.jpg"], "Received: nobody"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    workspace: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error


def test_an_impossible_setting_is_refused_before_anything_is_made(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "70"]) == 0
    assert main([*TRAIN, "--image-size", "20", "20"]) == 1
    assert "from 46 to 512 pixels" in capsys.readouterr().err
    assert [run for run in list_runs() if not run.is_pretrained] == []
