"""Hostile inputs are refused or skipped within bounds of memory and time, and harm nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datasets.hostile_cases import Case, all_cases
from tests.datasets.hostile_runner import Outcome

MAX_MEMORY = 1_400_000_000  # bytes, of which the program itself takes 200 MB
MAX_SECONDS = 15.0  # of the processor
CASES = all_cases()
KINDS = sorted({case.kind for case in CASES})
Runner = subprocess.Popen[str]


def tree_of(folder: Path) -> dict[bytes, tuple[int, int]]:
    """Returns the mode of all that lies in a folder, and when each file was modified.

    Workspaces and outcomes are left out, which the runner writes; that changes the time of folders.
    """
    found, waiting = {}, [os.fsencode(folder)]
    while waiting:  # a deep tree is no reason to recur as deeply
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:  # too deep
            continue
        for entry in entries:
            if entry.name not in (b"home", b"outcome.json"):
                status = entry.stat(follow_symlinks=False)
                is_folder = entry.is_dir(follow_symlinks=False)
                found[entry.path] = status.st_mode, 0 if is_folder else status.st_mtime_ns
                if is_folder:
                    waiting.append(entry.path)
    return found


def prepare(cases: list[Case], folder: Path) -> list[tuple[str, str, str]]:
    """Makes the inputs; returns what the runner needs."""
    jobs = []
    for number, case in enumerate(cases):
        place = folder / f"{number:03d}"
        (place / "home").mkdir(parents=True)
        case.build(place)
        jobs.append((str(place), case.action, case.argument))
    (folder / "jobs.json").write_text(json.dumps(jobs))
    return jobs


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """A process that runs cases in its children; starting it takes two seconds."""
    command = [sys.executable, "-m", "tests.datasets.hostile_runner"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=120) == 0


def run_jobs(
    runner: Runner, cases: list[Case], jobs: list[tuple[str, str, str]]
) -> Iterator[tuple[Case, Path, Outcome]]:
    assert runner.stdin is not None and runner.stdout is not None
    print(Path(jobs[0][0]).parent / "jobs.json", file=runner.stdin, flush=True)  # noqa: T201
    for case, job in zip(cases, jobs, strict=True):
        yield case, Path(job[0]), Outcome(**json.loads(runner.stdout.readline()))


def problem_of(case: Case, place: Path, outcome: Outcome) -> str:
    """What is wrong with an outcome, or ""."""
    left = sorted(path.name for path in (place / "home").glob("datasets/*"))
    whole = outcome.result == "imported" or case.action != "add"
    checks = {
        f"it was {outcome.result}: {outcome.message[-1500:]}": outcome.result in case.results,
        f"{left} is left": left == (["faces"] if whole and case.action != "upload" else []),
        f"{outcome.wrong} are wrong": outcome.wrong == 0,
        f"{outcome.right} and not {case.right} are right": outcome.result == "refused"
        and case.action == "add"
        or case.right in (None, outcome.right),
        "nothing was noted": not case.noted or "kipped" in outcome.notes,
        f"the message has {len(outcome.message):,} characters": len(outcome.message) < 20_000,
        f"the notes have {len(outcome.notes):,} characters": len(outcome.notes) < 20_000,
        f"it took {outcome.memory / 1e6:.0f} MB": outcome.memory < MAX_MEMORY,
        f"it took {outcome.seconds:.1f} s": outcome.seconds < MAX_SECONDS,
    }
    return "; ".join(what for what, is_right in checks.items() if not is_right)


def check(runner: Runner, cases: list[Case], folder: Path) -> list[Outcome]:
    """Runs cases and checks their outcomes, and that nothing else in the folder has changed."""
    problems, outcomes, before = {}, [], {}
    try:
        jobs = prepare(cases, folder)
        before = tree_of(folder)
        for case, place, outcome in run_jobs(runner, cases, jobs):
            outcomes.append(outcome)
            if problem := problem_of(case, place, outcome):
                problems[f"{case.kind}: {case.name}"] = problem
        changed = before.items() ^ tree_of(folder).items()
    finally:
        subprocess.run(["rm", "-rf", *folder.iterdir()], check=True)  # deeper than pytest can
    assert not problems
    if not any(case.action == "spoil" for case in cases):  # which change files themselves
        assert not changed
    return outcomes


UNIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes, devices and forks of Unix")


@UNIX
def test_a_few_hostile_inputs_do_no_harm(runner: Runner, tmp_path: Path) -> None:
    wanted = {
        *("special: pipe", "special: zeros", "special: itself", "special: pipe as x.csv"),
        *("images: empty.png", "images: tags.tif", "images: exif.png", "votes: ragged"),
        *("boxes: bad", "names: odd", "names: usual", "archives: not UTF-8"),
        *("archives: encrypted", "archives: damaged", "later: array of huge rows"),
        *("corrections: time with a carriage return", "corrections: a million columns"),
    }
    cases = [case for case in CASES if f"{case.kind}: {case.name}" in wanted]
    assert {f"{case.kind}: {case.name}" for case in cases} == wanted
    check(runner, cases, tmp_path)


@pytest.mark.slow
@UNIX
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_inputs_do_no_harm(runner: Runner, kind: str, tmp_path: Path) -> None:
    outcomes = check(runner, [case for case in CASES if case.kind == kind], tmp_path)
    largest, longest = max(o.memory for o in outcomes), max(o.seconds for o in outcomes)
    print(f"{kind:12s} {len(outcomes):4d} {largest / 1e6:6.0f} MB {longest:5.1f} s")  # noqa: T201
