"""Runs functions in a child and measures each of them: `python -m …hostile_runner`.

The parent imports the program once and forks; a function may end the child without ending the rest.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from fer_core.datasets import open_dataset, open_pixels
from fer_core.datasets.importing import import_source
from fer_core.errors import FerError
from fer_core.inference import read_uploads
from fer_core.process_limits import limit_process, peak_bytes, resident_bytes
from fer_core.vision import decode

Job = tuple[str, str, str]  # folder, action and argument

MAX_ADDRESSES = 6_000_000_000  # bytes
MAX_SECONDS = 90
MAX_KEPT = 400_000_000  # bytes after a case, beyond which the next one has a fresh child
RESULT = "outcome.json"
SHADES = {"happy": 40, "sad": 200}  # of the images that are right


@dataclass
class Outcome:
    """What happened to one case."""

    name: str
    result: str = ""  # "imported", "refused", "crashed" or "killed"
    message: str = ""
    right: int = 0  # images with the shade of their expression
    wrong: int = 0
    other: int = 0  # images that are neither, such as those the case is about
    notes: str = ""
    memory: int = 0  # bytes
    seconds: float = 0.0  # of the processor


def add(folder: Path, source: str) -> Outcome:
    """Imports a source, opens the dataset again and reads all of its images."""
    outcome = Outcome(folder.name)
    try:
        import_source(folder / source, "faces")
    except FerError as error:
        return finished(outcome, "refused", str(error))
    dataset = open_dataset("faces")
    outcome.notes = "\n".join(dataset.notes)
    json.dumps(outcome.notes, ensure_ascii=False).encode()  # as a page sends them
    for position, expression in enumerate(dataset.index["expression"]):
        shade = float(dataset.image(position)[0, 0].mean())
        if expression not in SHADES or shade not in SHADES.values():
            outcome.other += 1
        elif shade == SHADES[expression]:
            outcome.right += 1
        else:
            outcome.wrong += 1
    dataset.checked().fingerprint()
    open_pixels(dataset, (16, 16), 1)
    return finished(outcome, "imported")


def correct(folder: Path, file: str) -> Outcome:
    """Imports corrections into a dataset, which must be correctable afterwards."""
    outcome = Outcome(folder.name)
    dataset = import_source(folder / "faces", "faces")
    try:
        dataset.import_corrections(
            (folder / file).read_bytes().decode("utf-8-sig", "surrogateescape")
        )
        outcome.result = "imported"
    except FerError as error:
        finished(outcome, "refused", str(error))
    dataset.exclude([0], "blank")
    outcome.right = len(open_dataset("faces").saved_corrections)
    return outcome


def upload(folder: Path, file: str) -> Outcome:
    """Reads an upload of photos as the Predict page does."""
    outcome = Outcome(folder.name, "imported")
    with (folder / file).open("rb") as opened:
        batch = read_uploads([(file, "1", opened)])
        outcome.message = "\n".join([*batch.errors, *batch.notes])
        for photo in batch.photos:
            try:
                outcome.right += float(decode(photo.read(), photo.name)[0, 0].mean()) == 40
            except FerError as error:
                outcome.message += f"\n{error}"
    if len(batch.errors) > 20:
        outcome.wrong = len(batch.errors)
    return outcome


def spoil(folder: Path, spoiler: str) -> Outcome:
    """Imports good images, puts something else in their place and reads them."""
    from tests.datasets.hostile_cases import SPOILERS

    outcome = Outcome(folder.name, "imported")
    dataset = import_source(folder / "faces", "faces")
    SPOILERS[spoiler](dataset)
    again = open_dataset("faces")
    for action in (
        lambda: again.image(0),
        lambda: again.checked().fingerprint(),
        lambda: open_pixels(again, (16, 16), 1),
        again.changed_files,
    ):
        try:
            action()
        except FerError as error:
            finished(outcome, "refused", str(error))
    return outcome


def finished(outcome: Outcome, result: str, message: str = "") -> Outcome:
    outcome.result, outcome.message = result, message
    json.dumps(message, ensure_ascii=False).encode()  # as a page sends it
    return outcome


ACTIONS: dict[str, Callable[[Path, str], Outcome]] = {
    "add": add,
    "correct": correct,
    "upload": upload,
    "spoil": spoil,
}


def run(folder: Path, action: str, argument: str) -> Outcome:
    """Runs and measures a case; one that takes too long ends this process."""
    os.environ["FER_HOME"] = str(folder / "home")
    signal.alarm(MAX_SECONDS)  # which no handler in Python would end
    start, _ = time.process_time(), resident_bytes()
    try:
        outcome = ACTIONS[action](folder, argument)
    except BaseException:
        outcome = Outcome(folder.name, "crashed", traceback.format_exc())
    outcome.memory, outcome.seconds = peak_bytes(), time.process_time() - start
    signal.alarm(0)
    return outcome


def run_in_child(jobs: list[Job]) -> int:
    """Runs cases in a child, until its memory has grown; returns whether a case ended it."""
    child = os.fork()
    if child == 0:
        limit_process(address_space=MAX_ADDRESSES)
        for folder, action, argument in jobs:
            outcome = run(Path(folder), action, argument)
            (Path(folder) / RESULT).write_text(json.dumps(asdict(outcome)))
            if resident_bytes() > MAX_KEPT:
                break
        os._exit(0)
    return os.waitpid(child, 0)[1]


def run_all(jobs: list[Job]) -> Iterator[Outcome]:
    """Runs cases one after another in as few children as they leave alive.

    A child that has run a case runs another in half the time of a fresh one.
    """
    while jobs:
        status = run_in_child(jobs)
        while jobs and (result := Path(jobs[0][0]) / RESULT).exists():
            yield Outcome(**json.loads(result.read_text()))
            jobs = jobs[1:]
        if status and jobs:
            yield Outcome(Path(jobs[0][0]).name, "killed")
            jobs = jobs[1:]


def main() -> None:
    """Runs the cases of the JSON files named on standard input, and prints their outcomes.

    A case is a list of folder, action and argument.
    """
    for line in sys.stdin:
        for outcome in run_all(json.loads(Path(line.rstrip("\n")).read_text())):
            print(json.dumps(asdict(outcome)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
