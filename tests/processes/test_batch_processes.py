"""A batch of sixty clips in a process of its own: killed in the middle, resumed, and correct."""

import json
import signal
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from fer_core.__main__ import main
from fer_core.batches.batch import Batch, BatchSettings, list_batches, resume_batch, submit_folder
from fer_core.batches.results import read_results
from fer_core.evaluation.abstention import NOT_SURE
from fer_core.inference.videos import VideoSettings
from fer_core.storage.reading import read_json
from fer_core.tasks.task import TaskState
from tests.batches.characters import NAMES, RATE, brightness_run, write_clip
from tests.processes.conftest import wait_until

CLIPS = 60
SETTINGS = BatchSettings(VideoSettings(time_constant=0.0, confidence=0.8))


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, list[str]]:
    """Writes sixty clips of three people; returns the expressions of their frames."""
    rng = np.random.default_rng(7)
    truth = {}
    for number in range(CLIPS):
        spells = rng.integers(3, 9, size=4)
        names = [NAMES[(number + position) % 2] for position in range(len(spells))]
        expressions = [name for name, length in zip(names, spells, strict=True)] * 0
        for name, length in zip(names, spells, strict=True):
            expressions += [name] * int(length)
        name = f"person{number % 3}/{number:02}.mp4"
        write_clip(tmp_path / "study" / name, number % 3, expressions)
        truth[name] = expressions
    return truth


def table_of(truth: dict[str, list[str]]) -> bytes:
    rows = [f"{name},{name[:7]},{'odd' if name[9] in '13579' else 'even'}" for name in truth]
    return "\n".join(["file,participant,condition", *rows, ""]).encode()


def finished(batch: Batch) -> dict[str, int]:
    """Returns when the result of each finished file was written."""
    return {path.name: path.stat().st_mtime_ns for path in batch.files.glob("*.json")}


def kill_child(batch: Batch) -> None:
    assert batch.attempt is not None
    supervisor = psutil.Process(int(read_json(batch.attempt / "process.json")["pid"]))
    (child,) = supervisor.children()
    child.send_signal(signal.SIGKILL)


def check_against(truth: dict[str, list[str]], summary: pd.DataFrame) -> None:
    """Checks every number of the summary that the drawn expressions determine."""
    rows = summary.set_index("file")
    assert sorted(rows.index) == sorted(truth)
    for name, expressions in truth.items():
        row, count = rows.loc[name], len(expressions)
        spells = [(key, len(list(group))) for key, group in groupby(expressions)]
        longest = max(spells, key=lambda spell: spell[1])
        assert (row["person"], row["participant"], row["frames"]) == ("1", name[:7], count)
        assert row["share_happy"] == pytest.approx(expressions.count("happy") / count, abs=1e-6)
        assert row["share_sad"] == pytest.approx(expressions.count("sad") / count, abs=1e-6)
        assert row["not_sure_share"] == 0 and row["transitions"] == len(spells) - 1
        assert row["seconds"] == pytest.approx(count / RATE, abs=0.01)
        assert row["longest_spell_expression"] == longest[0]
        assert row["longest_spell_seconds"] == pytest.approx(longest[1] / RATE, abs=0.01)
        assert row["mean_happy"] + row["mean_sad"] == pytest.approx(1, abs=1e-3)


def test_a_killed_batch_is_resumed_without_repeating_and_agrees_with_the_truth(
    truth: dict[str, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "study" / "text.mp4").write_text("words")
    batch = submit_folder(brightness_run(), tmp_path / "study", SETTINGS, table=table_of(truth))
    wait_until(lambda: len(finished(batch)) > CLIPS // 3, "a third of the files")
    kill_child(batch)
    wait_until(lambda: not batch.state.is_active, "the end")
    assert batch.state is TaskState.INTERRUPTED and batch.can_resume
    before = finished(batch)
    assert CLIPS // 3 < len(before) < CLIPS
    resume_batch(batch)
    wait_until(lambda: not batch.state.is_active, "the second end")
    assert batch.state is TaskState.FINISHED, batch.log()
    after = finished(batch)
    assert len(after) == CLIPS + 1
    assert {name: after[name] for name in before} == before
    results = read_results(batch)
    assert results is not None
    assert len(results.problems) == 1 and "text.mp4" in results.problems[0]
    check_against(truth, results.summary)
    assert NOT_SURE not in set(results.summary["longest_spell_expression"])


def test_the_terminal_goes_on_with_a_batch_that_was_interrupted(
    truth: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out, table = brightness_run(), tmp_path / "out", tmp_path / "clips.csv"
    names = dict(list(truth.items())[:6])
    table.write_bytes(table_of(names) + b"gone.mp4,,\n")
    command = ["batch", run.id, str(tmp_path / "study"), "--out", str(out)]
    listed = [*command, "--table", str(table), "--only-listed", "--every", "2"]
    assert main(listed) == 1
    printed = capsys.readouterr()
    assert "gone.mp4" in printed.err and "6 of 6 files" in printed.out
    frames = pd.read_csv(out / "files.csv").set_index("file")["frames"]
    assert frames.to_dict() == {name: -(-len(truth[name]) // 2) for name in names}
    assert {path.name for path in out.iterdir()} == {
        *("summary.csv", "summary.parquet", "files.csv", "files.parquet"),
        *("summary_frontal.csv", "summary_frontal.parquet"),
        *("frames", "frames.parquet", "data_dictionary.csv"),
    }
    # As if it had been stopped before its last file.
    (batch,) = list_batches()
    record = read_json(batch.directory / "result.json")
    (batch.directory / "result.json").write_text(
        json.dumps(record | {"reason": "stopped", "finished": 5})
    )
    batch.result_file(5).unlink()
    table.write_bytes(table_of(names) + b"gone.mp4,,\n")
    assert main(listed) == 1
    assert f"Going on with {batch.id}" in capsys.readouterr().out
    assert list_batches() == [batch] and len(finished(batch)) == 6
    markers = tmp_path / "markers.csv"
    markers.write_text("file,time,label\nperson0/00.mp4,0.2,begin\n")
    marked = ["--markers", str(markers), "--baseline", "0-0.2", "--window", "0.15"]
    assert main([*command, "--include", "person0/0*", "--per-second", "5", *marked]) == 0
    assert len(pd.read_csv(out / "summary.csv")) == 4
    means = pd.read_csv(out / "markers.csv")
    assert set(means["file"]) == {"person0/00.mp4"} and set(means["marker"]) == {"begin"}
    assert set(means["window_seconds"]) == {0.15}
    assert means["baseline"].str.startswith("mean from").all()
    for wrong in (["--baseline", "noon"], ["--window", "0"], ["--markers", str(table)]):
        assert main([*command, *wrong]) == 1
    (tmp_path / "empty").mkdir()
    assert main(["batch", run.id, str(tmp_path / "empty"), "--out", str(out)]) == 1
    assert "at least one photo or video" in capsys.readouterr().err
