"""Damaged, lying and oversized videos end with a result or a sentence, in little memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.inference.hostile_videos import FRAMES, damaged, readable, unreadable

pytestmark = pytest.mark.slow

MAX_SECONDS = 30.0
MAX_MEGABYTES = 300.0
MAX_BYTES = 5_000_000  # of all files that processing writes
ROOT = Path(__file__).parents[2]

Trials = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """How processing each video ended, by its name."""
    folder = tmp_path_factory.mktemp("videos")
    files = readable() | unreadable() | damaged()
    for place, make in enumerate(files.values()):
        (folder / f"{place:03}").write_bytes(make())
    command = [sys.executable, "-m", "tests.inference.video_trial", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(files, answers, strict=True))


def test_each_hostile_video_gives_a_result_or_a_sentence(trials: Trials) -> None:
    odd = {k: v for k, v in trials.items() if v["outcome"] not in ("result", "sentence")}
    assert not odd


def test_what_can_be_read_is_read_and_shown(trials: Trials) -> None:
    chosen = {name: trials[name] for name in readable()}
    lost = {k: v for k, v in chosen.items() if not FRAMES <= v.get("frames", 0) == v["shown"]}
    assert not lost


def test_what_is_no_video_or_has_no_frame_gets_a_sentence(trials: Trials) -> None:
    assert {name for name in unreadable() if trials[name]["outcome"] == "result"} == set()


def test_time_memory_and_disk_are_bounded(trials: Trials) -> None:
    limits = {"time": MAX_SECONDS, "megabytes": MAX_MEGABYTES, "disk": MAX_BYTES}
    over = {k: v for k, v in trials.items() if any(v[name] > most for name, most in limits.items())}
    assert not over


def test_the_table_has_true_times_after_a_jump(trials: Trials) -> None:
    assert trials["mp4, a jump of ten hours"]["seconds"] == pytest.approx(36_000.4)
