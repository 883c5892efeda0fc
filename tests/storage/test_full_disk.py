"""A disk that is full at any write of a training, and checkpoints that were damaged."""

import errno
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_reserved
from fer_core.tasks import exit_status as endings
from fer_core.tasks import supervisor
from fer_core.tasks.task import TaskState
from fer_core.tasks.worker import work
from fer_core.training import trainer as training
from tests.tasks.requests import write_request
from tests.training.in_process import same, small_model


class Disk:
    """Counts what needs room below a folder, and refuses it from the n-th time on.

    What is written over the room that was reserved needs none.
    """

    def __init__(self) -> None:
        self.folder, self.uses, self.room = "", 0, sys.maxsize
        sys.addaudithook(self.watch)  # under every library that is written in Python

    def begin(self, folder: Path, room: int = sys.maxsize) -> None:
        self.folder, self.uses, self.room = str(folder), 0, room

    def end(self) -> None:
        self.folder = ""

    def watch(self, event: str, arguments: tuple) -> None:
        if not self.folder or event not in ("open", "os.mkdir"):
            return
        path, mode, flags = (*arguments, 0)[:3]
        writes = event == "os.mkdir" or (
            set(mode or "") & set("wax") or (mode is None and flags & os.O_CREAT)
        )
        if writes and not isinstance(path, int) and os.fspath(path).startswith(self.folder):
            self.use()

    def use(self) -> None:
        self.uses += 1
        if self.uses > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


DISK = Disk()  # an audit hook stays for as long as the process


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    to_disk = os.fsync

    def fsync(number: int) -> None:
        # Some disks find out only now that what was written has no room.
        name = str(Path(f"/proc/self/fd/{number}").readlink())
        if DISK.folder and name.startswith(DISK.folder) and not name.endswith(".reserved"):
            DISK.use()
        to_disk(number)

    monkeypatch.setattr(os, "fsync", fsync)
    yield DISK
    DISK.end()


def eager_model(config: TrainConfig, classes: int, steps_per_epoch: int) -> keras.Model:
    """Builds a model that is traced by no attempt, of which there are a hundred."""
    model = small_model(config, classes, steps_per_epoch)
    model.run_eagerly = True
    return model


@pytest.fixture
def config(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr(training, "build_model", eager_model)
    monkeypatch.setattr("fer_core.training.progress.SECONDS", 0.0)  # tells of every batch
    draw_dataset("faces", count=70)
    return TrainConfig(dataset="faces", batch_size=64, epochs=2, test_at_end=True)


def attempt_at(run: Run, disk: Disk | None = None, room: int = sys.maxsize) -> int:
    """What supervisor and child do, in this process; the disk gets full while the child works."""
    write_request(run.directory)
    attempt = supervisor.take(run)
    assert attempt is not None
    if disk:
        disk.begin(run.directory, room)
    code = work(run)
    write_reserved(endings.exit_file(attempt), endings.exit_record(code))
    if disk:
        disk.end()
    return code


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs to tell files by numbers")
def test_whichever_write_finds_the_disk_full_the_run_says_so_and_goes_on_to_the_same_end(
    config: TrainConfig, disk: Disk
) -> None:
    whole = create_run(config)
    assert attempt_at(whole) == 0
    for room in itertools.count():
        run = create_run(config)
        if attempt_at(run, disk, room) == 0:
            break
        assert run.state is TaskState.FAILED, (room, run.interruption)
        assert "full" in run.error and "MB free" in run.error, (room, run.error)
        assert "Free some space, then resume the run" in run.error, room
        assert not list(run.directory.rglob(".*")), room
        assert attempt_at(run) == 0, (room, run.error)
        assert run.state is TaskState.FINISHED and run.result.reason == whole.result.reason
        assert same(run, whole), room
        run.delete()
    assert room > 30  # so many writes a training of two epochs does


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one_to_the_same_end(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = create_run(config)
    assert attempt_at(whole) == 0
    run = create_run(config)
    interrupt_after_two_epochs(run, monkeypatch)
    damage(run.directory / "checkpoints" / "1", "flip")
    assert attempt_at(run) == 0
    assert same(run, whole)


def test_a_run_whose_checkpoints_are_all_damaged_says_so_and_stays_as_it_is(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(config)
    interrupt_after_two_epochs(run, monkeypatch)
    for number, harm in enumerate(("flip", "truncate")):
        damage(run.directory / "checkpoints" / str(number), harm)
    before = contents(run)
    assert attempt_at(run) == 1
    assert "has no intact checkpoint to resume from" in run.error
    assert contents(run) == before


def interrupt_after_two_epochs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends when all epochs are trained and the result is not written yet."""

    def end(*arguments: object) -> None:
        raise KeyError("the end")

    with monkeypatch.context() as ending:
        ending.setattr(training.Trainer, "finish", end)
        assert attempt_at(run) == 1
    assert len(run.history) == 2 and run.state is TaskState.FAILED


def damage(checkpoint: Path, harm: str) -> None:
    arrays = checkpoint / "arrays.npz"
    data = bytearray(arrays.read_bytes())
    if harm == "flip":
        data[len(data) // 2] ^= 1
        arrays.write_bytes(data)
    else:
        arrays.write_bytes(data[: len(data) // 2])


def contents(run: Run) -> dict[Path, bytes]:
    """What the run holds, without what tells of its attempts."""
    files = [path for path in run.directory.rglob("*") if path.is_file()]
    told = {run.directory / "attempts", run.directory / "progress.json"}
    return {path: path.read_bytes() for path in files if not told & {path, *path.parents}}
