"""Kills trainings at random moments, resumes them, and compares the results.

    python -m tests.benchmarks.crash_recovery [--kills 200] [--jobs 2] [--recipe cnn_classic]

Trains one run without interruption. Then trains short runs with the same settings, one after
another, and sends SIGKILL several times to each: to the trainer, its supervisor or both; at any
moment after the process has started, within an epoch, or while a file is being written. Resumes
each run until it ends. Counts and prints every bit that differs from the uninterrupted run in the
final weights, optimizer state, history (except seconds) or predictions, and every missing or
repeated epoch.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import psutil

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import resume_run, submit_run
from fer_core.storage.reading import read_json
from fer_core.tasks import processes
from fer_core.tasks.task import TaskState

PATIENCE = 300.0  # seconds
TARGETS = ("trainer", "supervisor", "both")


def settings(recipe: str) -> TrainConfig:
    """Returns the settings of a short run that uses every source of randomness."""
    return replace(
        RECIPES[recipe].config,
        dataset="faces",
        weights="none",
        image_size=(48, 48) if recipe.startswith("cnn") else (32, 32),
        epochs=6,
        batch_size=16,
        learning_rate=1e-3,
        learning_rate_decay=1e-3,
        augmentation=Augmentation(rotation=10, shift=0.1, shear=5, zoom=0.1, flip=True),
        class_weights=True,
        early_stopping=5,
    )


def checksums(run: Run) -> dict[str, str]:
    """Returns checksums of everything that must be equal in the end, by name."""
    (newest,) = sorted((run.directory / "checkpoints").iterdir(), key=lambda p: int(p.name))[-1:]
    found = {}
    with np.load(newest / "arrays.npz") as arrays:
        for name in arrays.files:
            found[f"checkpoint {name}"] = hashlib.sha256(arrays[name].tobytes()).hexdigest()
    history = run.history.drop(columns="seconds")
    found["history"] = hashlib.sha256(history.to_csv().encode()).hexdigest()
    for split in ("val", "test"):
        predictions = run.predictions_file(split).read_bytes()
        found[f"predictions {split}"] = hashlib.sha256(predictions).hexdigest()
    return found | {f"model {name}": value for name, value in _model(run).items()}


def _model(run: Run) -> dict[str, str]:
    """Returns the checksum of the weights; model.keras itself contains a timestamp."""
    found: dict[str, str] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = hashlib.sha256(np.asarray(item).tobytes()).hexdigest()

    assert run.model_file is not None
    with (
        zipfile.ZipFile(run.model_file) as archive,
        archive.open("model.weights.h5") as weights,
        h5py.File(weights, "r") as file,
    ):
        file.visititems(visit)
    return found


def wait_until(condition: Callable[[], object], run: Run) -> None:
    """Waits until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{run.id} is {run.state} after {PATIENCE:.0f} s\n{run.log(20)}")
        time.sleep(0.005)


def trainer_of(supervisor: psutil.Process) -> psutil.Process | None:
    """Returns the training process, or None if there is none."""
    children = supervisor.children()
    return children[0] if children else None


def kill(target: str) -> bool:
    """Kills the trainer, the supervisor or both; returns False if they had already ended."""
    record = read_json(processes.supervisor_file())
    try:
        supervisor = psutil.Process(int(record["pid"])) if record else None
        trainer = trainer_of(supervisor) if supervisor else None
        if supervisor is None or trainer is None:
            return False
        doomed = {"trainer": [trainer], "supervisor": [supervisor]}.get(
            target, [supervisor, trainer]
        )
        for process in doomed:
            process.kill()
        psutil.wait_procs([supervisor, trainer] if target != "trainer" else [trainer], timeout=60)
    except psutil.NoSuchProcess:
        return False
    return True


def disturb(run: Run, kills: int, chance: random.Random, seconds: float) -> Counter[str]:
    """Kills and resumes a run several times; returns what was killed and at which point."""
    done: Counter[str] = Counter()
    while sum(done[target] for target in TARGETS) < kills and run.state is not TaskState.FINISHED:
        await_moment(run, chance, seconds)
        if run.state is TaskState.RUNNING and kill(target := chance.choice(TARGETS)):
            done[target] += 1
            done["while a file was written"] += is_writing(run)
            done["before the first epoch was whole"] += len(run.history) == 0
        wait_until(lambda: not run.state.is_active, run)
        if run.state is TaskState.FAILED:
            raise RuntimeError(f"{run.id} failed: {run.error}\n{run.log(30)}")
        if run.state is not TaskState.FINISHED:
            resume_run(run)
    return done


def await_moment(run: Run, chance: random.Random, seconds: float) -> None:
    """Waits until a random moment at which something is to be killed."""
    epochs = len(run.history)
    kind = chance.choice(("process", "epochs", "writing"))
    if kind == "process":
        wait_until(lambda: run.state is not TaskState.QUEUED, run)
        time.sleep(chance.uniform(0, seconds))
        return
    wait_until(lambda: len(run.history) > epochs or not run.state.is_active, run)
    if kind == "epochs":
        time.sleep(chance.uniform(0, seconds / 4))
    else:
        wait_until(lambda: is_writing(run) or not run.state.is_active, run)


def is_writing(run: Run) -> bool:
    """Tells whether the run's directory contains a partly written file."""
    folders = (run.directory, run.directory / "checkpoints", run.directory / "predictions")
    return any(path.exists() for folder in folders for path in folder.glob(".*"))


def job(home: Path, config: TrainConfig, kills: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Interrupts runs in one workspace until enough kills; returns the differences found."""
    chance = random.Random(seed)
    undisturbed = submit_run(config)
    wait_until(lambda: not undisturbed.state.is_active, undisturbed)
    started = time.monotonic()
    second = submit_run(config)  # everything it loads is now in the file cache
    wait_until(lambda: not second.state.is_active, second)
    seconds = time.monotonic() - started
    wanted, total, wrong = checksums(undisturbed), Counter[str](), []
    wrong += [f"undisturbed: {name}" for name in differing(wanted, checksums(second))]
    while (left := kills - sum(total[target] for target in TARGETS)) > 0:
        run = submit_run(config)
        total += disturb(run, min(left, chance.randint(1, 6)), chance, seconds)
        wait_until(lambda: not run.state.is_active, run)  # noqa: B023
        total["runs"] += 1
        found = [f"{run.id}: {problem}" for problem in problems(run, wanted)]
        wrong += found
        print("\n".join(found), end="\n" if found else "")  # noqa: T201
        print(f"seed {seed}: {dict(total)}, wrong: {len(wrong)}", flush=True)  # noqa: T201
    return total, wrong


def problems(run: Run, wanted: dict[str, str]) -> list[str]:
    """Returns the differences from the uninterrupted run."""
    if run.state is not TaskState.FINISHED:
        return [f"is {run.state}: {run.error or run.interruption}"]
    found = differing(wanted, checksums(run))
    if list(run.history["epoch"]) != list(range(len(run.history))):
        found.append(f"epochs {list(run.history['epoch'])}")
    if not run.steps["step"].is_monotonic_increasing or run.steps["step"].duplicated().any():
        found.append("steps")
    return found


def differing(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    """Returns names whose checksums differ or that only one run has."""
    return sorted(name for name in wanted | found if wanted.get(name) != found.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the jobs in parallel, each in its own workspace, and sums up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--recipe", choices=list(RECIPES), default="cnn_classic")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--not-deterministic", action="store_true")
    parser.add_argument("--job", type=Path, help="for internal use")
    options = parser.parse_args(arguments)
    config = replace(settings(options.recipe), deterministic=not options.not_deterministic)
    if options.job:
        draw_dataset("faces", count=350)
        total, wrong = job(options.job, config, options.kills, options.seed)
        print("\n".join(["", *wrong]))  # noqa: T201
        print(f"{dict(total)}; differences: {len(wrong)}")  # noqa: T201
        return bool(wrong)
    with tempfile.TemporaryDirectory() as folder:
        return max(_side_by_side(options, Path(folder)))


def _side_by_side(options: argparse.Namespace, folder: Path) -> list[int]:
    started = []
    for number in range(options.jobs):
        home = folder / str(number)
        command = [sys.executable, "-m", "tests.benchmarks.crash_recovery", "--job", str(home)]
        command += ["--kills", str(-(-options.kills // options.jobs)), "--recipe", options.recipe]
        command += ["--seed", str(options.seed + number)]
        command += ["--not-deterministic"] * options.not_deterministic
        started.append(subprocess.Popen(command, env=os.environ | {"FER_HOME": str(home)}))
    return [process.wait() for process in started]


if __name__ == "__main__":
    sys.exit(main())
