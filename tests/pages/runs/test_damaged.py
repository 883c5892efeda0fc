"""Runs that came from elsewhere, and folders that a person or a power cut has changed."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.runs.listing import list_runs, unreadable_runs
from fer_core.runs.run import Run
from fer_core.storage import paths
from tests.pages.conftest import PageOpener, RunFactory, rerun

PAGES = ("home", "train", "runs", "evaluate", "predict")

pytestmark = pytest.mark.usefixtures("no_supervisor")


def write(name: str, text: str) -> Callable[[Run], None]:
    """Damage: a file that holds something else."""

    def damage(run: Run) -> None:
        path = run.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return damage


def remove(name: str) -> Callable[[Run], None]:
    """Damage: a file or folder that is gone."""

    def damage(run: Run) -> None:
        path = run.directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def folder(name: str) -> Callable[[Run], None]:
    """Damage: a folder where a file should be."""

    def damage(run: Run) -> None:
        (run.directory / name).unlink(missing_ok=True)
        (run.directory / name).mkdir()

    return damage


HEADER = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
DAMAGES = {
    "history with a header only": write("history.csv", HEADER),
    "history of garbage": write("history.csv", "\0\0\0\x01 what\n,,,\n" * 9),
    "history without a header": write("history.csv", "0,1.9,0.2,1.9,0.2,0.0001,30.0\n" * 2),
    "empty history": write("history.csv", ""),
    "history with a number too few": write("history.csv", f"{HEADER}0,1,.2,1,.2,1e-4,30\n1,1,.3\n"),
    "history with a number too many": write("history.csv", f"{HEADER}0,1,.2,1,.2,1e-4,30,9,9\n"),
    "history with words": write("history.csv", f"{HEADER}a,b,c,d,e,f,g\n"),
    "history that is a folder": folder("history.csv"),
    "no history": remove("history.csv"),
    "steps of garbage": write("steps.csv", "\0\0\n1,2\n"),
    "notes of garbage": write("notes.json", "{"),
    "notes of numbers": write("notes.json", '{"name": 5, "starred": "yes"}'),
    "notes that are a list": write("notes.json", "[1]"),
    "notes without end": write("notes.json", f'{{"name": "{"x" * 10_000}"}}'),
    "notes of a newer version": write("notes.json", '{"name": "mine", "colour": "red"}'),
    "empty validation predictions": write("predictions/val.csv", ""),
    "garbage as validation predictions": write("predictions/val.csv", "\0\0\n1,2\n"),
    "predictions without classes": write("predictions/val.csv", "path,row,expression\na,,sad\n"),
    "predictions of words": write("predictions/val.csv", "path,row,expression,p_sad\na,,sad,x\n"),
    "predictions of other classes": write(
        "predictions/val.csv", "path,row,expression,p_x\n,,x,1\n"
    ),
    "no predictions": remove("predictions"),
    "garbage as test predictions": write("predictions/test.csv", "\0\0\n1,2\n"),
    "a damaged record of looks": write("predictions/test.json", "{"),
    "looks that are no times": write("predictions/test.json", '{"opened": ["once"]}'),
    "a damaged process": write("attempts/0/process.json", "{"),
    "a process of words": write("attempts/0/process.json", '{"pid": "x"}'),
    "a damaged exit": write("attempts/0/exit.json", "{"),
    "an exit without words": write("attempts/0/exit.json", "{}"),
    "a damaged request": write("attempts/0/request.json", "{"),
    "a request of another form": write("attempts/0/request.json", '{"kind": 1, "arguments": 2}'),
    "an attempt without a number": write("attempts/copy of 0/request.json", "{}"),
    "attempts that are a file": lambda run: (remove("attempts")(run), write("attempts", "")(run)),
    "no attempts": remove("attempts"),
    "damaged progress": write("progress.json", ""),
    "a damaged result": write("result.json", "{"),
    "a result of a newer version": write("result.json", '{"reason": "bored"}'),
    "a result of words": write("result.json", '{"reason": 1, "epochs": "x"}'),
    "no result": remove("result.json"),
    "damaged classes": write("dataset.json", "{"),
    "classes of numbers": write("dataset.json", '{"class_names": [1, 2]}'),
    "no classes": remove("dataset.json"),
    "damaged environment": write("environment.json", "[]]"),
    "environment that is a list": write("environment.json", "[1]"),
    "settings of a newer version": write("config.json", '{"dataset": "drawn", "colour": "red"}'),
    "settings of an older version": write("config.json", '{"dataset": "drawn"}'),
    "no settings at all": write("config.json", "{}"),
    "settings of another type": write("config.json", '{"recipe": ["x"], "dataset": 5}'),
    "settings that are a folder": folder("config.json"),
    "a model that is a folder": folder("model.keras"),
    "no model": remove("model.keras"),
    "an export that is a file": write("export", ""),
}

# What the page Evaluate reads of a run; the other damages leave it as it is.
EVALUATED = re.compile("predictions|looks|classes|environment|settings|result|model")


@pytest.fixture
def damaged_runs(finished_run: RunFactory) -> list[Run]:
    """A run with each damage, named after it, which no file of the run minds."""
    whole = finished_run(epochs=3, opened=True)
    damaged = []
    for name, damage in DAMAGES.items():
        run = Run(whole.directory.with_name(name))
        shutil.copytree(whole.directory, run.directory)
        damage(run)
        damaged.append(run)
    whole.delete()
    return damaged


def one_by_one(runs: list[Run]) -> Iterator[Run]:
    """Yields each run while it is the only one: a page that lists all takes five times as long."""
    shelf = paths.runs_root().with_name("shelf")
    paths.runs_root().rename(shelf)
    paths.runs_root().mkdir()
    for run in runs:
        (shelf / run.id).rename(run.directory)
        yield run
        run.directory.rename(shelf / run.id)
    paths.runs_root().rmdir()
    shelf.rename(paths.runs_root())


@pytest.mark.parametrize("name", PAGES)
def test_a_damaged_run_breaks_no_page(
    open_page: PageOpener, damaged_runs: list[Run], name: str
) -> None:
    open_page(name)
    for run in one_by_one(damaged_runs) if name in ("train", "predict") else ():
        open_page(name, run=run.id)


def test_damaged_runs_with_opened_test_splits_break_no_page(
    open_page: PageOpener, damaged_runs: list[Run]
) -> None:
    evaluated = [run for run in list_runs() if run.model_file and EVALUATED.search(run.id)]
    for run in one_by_one(evaluated):
        page = open_page("evaluate", run=run.id)
        if run.has_test:
            page.button_group[0].set_value("test")
            rerun(page)


def test_damaged_runs_can_be_chosen_and_compared(
    open_page: PageOpener, damaged_runs: list[Run]
) -> None:
    page = open_page("runs")
    rows = len(page.dataframe[0].value)
    assert rows + len(unreadable_runs()) == len(DAMAGES)
    for _ in one_by_one(list_runs()):
        choose(page, [0])
    choose(page, list(range(rows)))


def choose(page: AppTest, rows: list[int]) -> None:
    page.session_state["runs-table"] = {"selection": {"rows": rows}}
    rerun(page)


def test_damaged_runs_can_be_deleted(damaged_runs: list[Run]) -> None:
    for run in damaged_runs:
        assert run.size_on_disk() > 0
        run.delete()
    assert list(paths.runs_root().iterdir()) == []
