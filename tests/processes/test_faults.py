"""What must not lose a run: no memory, a full disk, lost images, deaths of every kind."""

import contextlib
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.expressions import EXPRESSIONS
from fer_core.models.architectures import build_model, save_model
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import COMPLETED, STOPPED
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run, resume_run, submit_run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import maintenance, processes, queue
from fer_core.tasks.queue import MAX_RESUMES, Preferences, save_preferences
from fer_core.tasks.task import TaskState
from tests.processes.conftest import wait_until
from tests.processes.test_training_processes import ask_for_faces, ended, supervisor, trains

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's signals and limits")

CGROUPS = Path("/sys/fs/cgroup")


def trainer(run: Run) -> psutil.Process:
    """The process that trains the run."""
    children = supervisor().children()
    return next(child for child in children if str(run.directory) in child.cmdline())


def is_there(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def finishes(run: Run) -> bool:
    return run.state is TaskState.FINISHED and run.result.reason == COMPLETED


# How it ended


def test_a_killed_run_is_interrupted_by_a_named_signal_and_goes_on_where_it_was(
    endless: TrainConfig,
) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run, epochs=2))
    trainer(run).send_signal(signal.SIGKILL)
    wait_until(lambda: ended(run))
    assert run.state is TaskState.INTERRUPTED
    # Here, beside the test in which the system kills one for memory: the two must not be at work
    # at once, for it counts those of the whole machine.
    assert "by a user or another program" in run.interruption
    assert "can be resumed" in run.interruption
    before = run.history
    resume_run(run)
    wait_until(lambda: trains(run, epochs=len(before) + 2))
    trainer(run).send_signal(signal.SIGSEGV)
    wait_until(lambda: ended(run))
    assert run.state is TaskState.INTERRUPTED and "SIGSEGV" in run.interruption
    after = run.history
    assert list(after["epoch"]) == list(range(len(after)))  # no gap and no double epoch
    # What a checkpoint holds stays; at most the epoch after it is trained again.
    kept = len(before) - 1
    assert after["loss"][:kept].equals(before["loss"][:kept])
    assert run.steps["step"].is_monotonic_increasing


def test_a_run_without_memory_ends_with_a_sentence_and_the_next_goes_on(
    endless: TrainConfig, quick: TrainConfig
) -> None:
    run, following = submit_run(endless), submit_run(quick)
    wait_until(lambda: run.environment)  # it has read the images; the network is not there yet
    process = trainer(run)
    limit = process.memory_info().vms + 2**20
    process.rlimit(psutil.RLIMIT_AS, (limit, limit))
    wait_until(lambda: ended(run))
    told = run.error or run.interruption
    assert run.state in (TaskState.FAILED, TaskState.INTERRUPTED)
    assert "memory" in told and "smaller batch or image size" in told, told
    assert "Only the unfinished epoch is lost" in told
    wait_until(lambda: finishes(following))
    resume_run(run)
    wait_until(lambda: trains(run))


@pytest.fixture
def tight() -> Iterator[Callable[[int], None]]:
    """Moves a process into a group that may take 100 MB more."""
    version_2 = (CGROUPS / "cgroup.controllers").exists()
    group = (CGROUPS if version_2 else CGROUPS / "memory") / f"fer-studio-{uuid.uuid4().hex}"
    try:
        group.mkdir()
        limit = group / ("memory.max" if version_2 else "memory.limit_in_bytes")
        limit.write_text(str(100 * 2**20))
    except OSError as error:
        pytest.skip(f"needs a group of processes with limited memory: {error}")
    yield lambda pid: (group / "cgroup.procs").write_text(str(pid)) and None
    wait_until(lambda: is_removed(group))  # the dead leave it a moment later


def is_removed(group: Path) -> bool:
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def test_a_run_that_the_system_kills_for_memory_says_so(
    endless: TrainConfig, tight: Callable[[int], None]
) -> None:
    run = submit_run(endless)
    wait_until(lambda: run.state is TaskState.RUNNING and supervisor().children())
    tight(trainer(run).pid)  # before it has loaded anything
    wait_until(lambda: ended(run))
    assert run.state is TaskState.INTERRUPTED
    assert "The system killed its process because memory ran out" in run.interruption


# The disk


@pytest.fixture
def small_disk(workspace: Path) -> Iterator[Path]:
    """A disk of 160 MB as the folder of the runs."""
    folder = paths.runs_root()
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs to mount a small disk: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Writes a file until nothing fits any more."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return ballast


def test_a_full_disk_costs_the_epoch_in_hand_and_nothing_else(
    endless: TrainConfig, quick: TrainConfig, small_disk: Path
) -> None:
    run = submit_run(replace(endless, test_at_end=False))
    wait_until(lambda: trains(run, epochs=2))
    waiting = submit_run(quick)
    ballast = fill(small_disk)
    wait_until(lambda: fill(small_disk) and ended(run))
    assert run.state is TaskState.FAILED, run.interruption
    assert str(run.directory) in run.error and "MB free" in run.error
    assert "Free some space, then resume the run" in run.error
    assert not list(run.directory.rglob(".*"))  # what was half written gave its room back
    drawing = ask_for_faces()
    wait_until(lambda: ended(drawing))
    assert drawing.state is TaskState.FINISHED
    assert waiting.state is TaskState.QUEUED
    ballast.unlink()
    wait_until(lambda: finishes(waiting))
    before = run.history
    resume_run(run)
    wait_until(lambda: trains(run, epochs=len(before) + 1))
    run.request_stop()
    wait_until(lambda: ended(run))
    assert run.result.reason == STOPPED
    assert list(run.history["epoch"]) == list(range(len(run.history)))


def test_logs_do_not_fill_the_disk(endless: TrainConfig) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run))
    logs = [run.attempt / "worker.log", processes.supervisor_log()]
    lines = "".join(f"line {number}\n" for number in range(1_000_000)).encode()
    for log in logs:
        with log.open("ab", buffering=0) as file:  # as the process itself: it appends too
            file.write(lines)
    wait_until(lambda: max(log.stat().st_size for log in logs) <= maintenance.MAX_LOG_BYTES)
    for log in logs:
        kept = log.read_text().splitlines()
        assert "line 999999" in kept and len(kept) > 100_000


# The images


def vanish(name: str) -> None:
    dataset = open_dataset(name)
    for path in dataset.index["path"]:
        (dataset.root / path).unlink()


def change(name: str) -> None:
    dataset = open_dataset(name)
    first, second = (dataset.root / path for path in dataset.index["path"][:2])
    shutil.copyfile(first, second)
    shutil.rmtree(paths.cache_root())  # nobody notices that


@pytest.mark.parametrize(("harm", "remark"), [(vanish, "deleted"), (change, "changed")])
def test_what_happens_to_the_images_does_not_end_a_run_and_stopping_it_keeps_all(
    endless: TrainConfig, harm: Callable[[str], None], remark: str
) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run))
    harm(endless.dataset)
    epochs = len(run.history)
    wait_until(lambda: trains(run, epochs + 2))
    run.request_stop()
    wait_until(lambda: ended(run))
    assert run.state is TaskState.FINISHED, run.error
    assert remark in run.result.remark
    assert run.result.reason == STOPPED
    assert run.result.epochs == len(run.history) > epochs
    assert run.model_file is not None and len(run.predictions("val")) == 14
    assert run.test_opened is None  # a stopped run may still be changed


def test_what_cannot_be_trained_fails_with_a_sentence_each_and_the_next_goes_on(
    quick: TrainConfig,
) -> None:
    draw_dataset("doomed", count=70)
    wrong = submit_run(replace(quick, class_names=("happy", "bored")))
    doomed = submit_run(replace(quick, dataset="doomed"))
    shutil.rmtree(paths.datasets_root() / "doomed")
    wild = begin_with_huge_weights(quick)
    good = submit_run(replace(quick, epochs=1))
    wait_until(lambda: finishes(good))
    assert {run.state for run in (wrong, doomed, wild)} == {TaskState.FAILED}
    assert "Received: bored" in wrong.error and "doomed" in doomed.error
    assert "The loss became infinite or NaN" in wild.error and "learning rate" in wild.error


def begin_with_huge_weights(config: TrainConfig) -> Run:
    """Submits a run whose first loss is not finite, although its initial weights are."""
    run = create_run(config)
    initial = run.directory / "initial"
    initial.mkdir()
    model = build_model(config, len(EXPRESSIONS))
    model.set_weights([np.full_like(weights, 1e30) for weights in model.get_weights()])
    save_model(model, initial / "model.keras")
    write_json(initial / "dataset.json", {"class_names": EXPRESSIONS})
    queue.submit(run.directory, "train")
    return run


# Going on without a click


@pytest.fixture
def by_itself(workspace: Path) -> None:
    save_preferences(Preferences(auto_resume=True))


def test_a_run_goes_on_without_a_click_after_its_trainer_or_its_supervisor_was_killed(
    by_itself: None, endless: TrainConfig
) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run, epochs=2))
    trainer(run).kill()
    wait_until(lambda: len(run.attempts) == 2 and trains(run, epochs=3))
    supervisor().kill()
    wait_until(lambda: run.state is TaskState.INTERRUPTED)
    epochs = len(run.history)
    queue.wake()  # as every page does
    wait_until(lambda: len(run.attempts) == 3 and trains(run, epochs + 1))
    assert list(run.history["epoch"]) == list(range(len(run.history)))


def test_a_run_that_dies_every_time_is_given_up(by_itself: None, endless: TrainConfig) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run))
    boss, epochs = supervisor(), len(run.history)
    trainer(run).kill()
    for attempt in range(1, MAX_RESUMES + 1):
        wait_until(lambda attempt=attempt: len(run.attempts) == attempt + 1)
        wait_until(lambda: len(boss.children()) == 1)
        trainer(run).kill()
    wait_until(lambda: run.state is TaskState.INTERRUPTED)
    assert not queue.auto_resume(run)  # as the supervisor asks in the same moment
    assert not queue.will_auto_resume(run) and queue.interrupted() == []
    assert len(run.attempts) == MAX_RESUMES + 1
    assert len(run.history) - epochs <= 1


def test_a_trainer_that_lingers_does_not_write_beside_the_next(endless: TrainConfig) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run))
    lingering = trainer(run)
    lingering.suspend()  # it cannot see that its supervisor ends
    epochs = len(run.history)
    supervisor().kill()
    wait_until(lambda: run.state is TaskState.INTERRUPTED)
    resume_run(run)
    wait_until(lambda: run.state is TaskState.RUNNING and supervisor().children())
    wait_until(lambda: trainer(run).num_threads() > 1)
    assert len(run.history) == epochs and (run.directory / "progress.json").exists() is False
    lingering.resume()
    wait_until(lambda: trains(run, epochs + 2))
    assert not is_there(lingering)
    assert list(run.history["epoch"]) == list(range(len(run.history)))
