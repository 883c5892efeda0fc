"""Names are text: on no page do they become a link, an image, a color or a formula.

Whoever makes a dataset, a run or a video chooses the names in it.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core import batches, runs
from fer_core.datasets import Dataset
from fer_core.datasets.importing import import_source
from fer_core.runs import Run
from fer_core.storage import paths, read_json, write_json
from fer_core.tasks import new_directory
from fer_core.tasks.requests import Request
from pages.components.datasets import class_changes
from pages.components.shared.formatting import code, file_name, plain
from tests.datasets.trees import write_tree
from tests.pages.conftest import PageOpener, RunFactory, rerun, take

NAME = (
    "[a](x) ![b](x) :red[c] $x$ <script> `evil` *evil* www.evil.example me@evil.example _www.evil.e"
)
FOLDER = NAME.replace(":", "")  # requests of tasks take no name with a colon
TEXT = f"{NAME} [a](http://evil.example) ![b](http://evil.example/p) https://evil.example \x1b[1m"
CARD = """# [a](http://evil.example) ![b](http://evil.example/p)
:red[c] $x$ <script> www.evil.example
[b][c]

[c]: //evil
"""
# What is left of Markdown when code and escaped characters are gone.
_INERT = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|\\.", re.DOTALL)
_ACTIVE = re.compile(
    r"https?://evil|www\.evil|@evil|\]\(|\]\[|\]:|<script|:red\[|\$x\$|\*evil\*|evil`|\x1b"
)
_MARKDOWN = {"body", "label", "help", "text", "content", "caption", "delta", "title"}
_LITERAL = {"code", "text_input", "text_area"}  # elements that show their value as it is


def is_active(markdown: str) -> bool:
    """Tells whether a text holds more than text."""
    return _ACTIVE.search(_INERT.sub("", markdown)) is not None


def texts_of(message: Any) -> Iterator[str]:
    """Yields the texts of a Streamlit element that the browser shows as Markdown."""
    for field, value in message.ListFields():
        values = list(value) if field.is_repeated else [value]
        if field.message_type is not None:
            for each in values:
                if hasattr(each, "ListFields"):
                    yield from texts_of(each)
        elif field.name in _MARKDOWN:
            yield from (each for each in values if isinstance(each, str))


def walk(node: Any) -> Iterator[Any]:
    """Yields all nodes of a page."""
    yield node
    for child in getattr(node, "children", {}).values():
        yield from walk(child)


def assert_inert(page: AppTest) -> str:
    """Asserts that no text of the page is active; returns all of them."""
    shown = []
    for node in walk(page._tree):
        kind = getattr(node, "type", "")
        if getattr(node, "proto", None) is None or kind in _LITERAL:
            continue
        if kind == "plotly_chart":
            figure = node.proto.spec or node.proto.figure.spec
            assert "<script" not in figure and "<a" not in figure
            continue
        shown += texts_of(node.proto)
    active = [text for text in shown if is_active(text)]
    assert not active
    return "\n".join(shown)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """A dataset in whose files, classes, notes and corrections are names."""
    folder = write_tree(tmp_path / NAME, {"images": 16})
    files = sorted((folder / "images").iterdir())
    classes = (NAME, "sad", "happy")
    rows = [["path", "expression", "split"]]
    for number, file in enumerate(files):
        named = file.rename(file.with_name(f"{number} {NAME}.png"))
        split = ("train", "val")[number % 4 == 3]
        rows.append([f"images/{named.name}", classes[number % 3], split])
    pd.DataFrame(rows[1:], columns=rows[0]).to_csv(folder / f"{NAME}.csv", index=False)
    dataset = import_source(folder, "faces")
    record = read_json(dataset.directory / "data_set.json")
    record |= {"notes": [*record["notes"], TEXT], "layout": TEXT[:60]}
    write_json(dataset.directory / "data_set.json", record)
    dataset.exclude([0], TEXT[:150].replace("\x1b", ""))
    dataset.relabel([1], NAME)
    return dataset


@pytest.fixture
def named_runs(dataset: Dataset, finished_run: RunFactory, new_run: RunFactory) -> list[Run]:
    """Runs with such names in every record: finished, failed, queued, of a lost dataset."""
    finished = renamed(finished_run(), FOLDER)
    predictions = dataset.index[["path", "expression"]].assign(row="")
    for number, name in enumerate(dataset.class_names):
        predictions[f"p_{name}"] = (0.2, 0.5, 0.3)[number]
    predictions.to_csv(finished.predictions_file("val"), index=False)
    counts = {"train": [4, 4, 4], "val": [2, 1, 1]}
    record = {"class_names": list(dataset.class_names), "counts": counts}
    write_json(finished.directory / "dataset.json", record)
    result = finished.result
    assert result is not None
    runs.save_result(finished, replace(result, remark=TEXT))
    rename_dataset(finished, "faces")
    finished.save_notes(replace(finished.notes, name=TEXT.replace("\x1b", "")[:90], note=NAME))
    (finished.directory / "model_card.md").write_text(CARD)
    lost = renamed(finished_run(), f"{FOLDER} lost")
    rename_dataset(lost, TEXT)
    failed = renamed(new_run(), f"{FOLDER} failed")
    (take(failed) / "error.txt").write_text(TEXT)
    write_json(failed.directory / "attempts" / "0" / "exit.json", {"code": 1, "signal": None})
    damaged = renamed(new_run(), f"{FOLDER} damaged")
    (damaged.directory / "config.json").write_text("{")
    queued = renamed(new_run(), f"{FOLDER} queued")
    ask(queued.directory, "train", {})
    return [finished, lost, failed, queued]


def renamed(run: Run, name: str) -> Run:
    return Run(run.directory.rename(run.directory.with_name(f"20261128-120000_{name}")))


def rename_dataset(run: Run, name: str) -> None:
    record = read_json(run.directory / "config.json") | {"dataset": name}
    write_json(run.directory / "config.json", record)


def ask(directory: Path, kind: str, arguments: dict[str, Any]) -> None:
    task = directory.parent.parent if directory.parent.name == "attempts" else directory
    request = Request(kind, arguments, time.time(), str(task)).sealed()
    write_json(directory / "request.json", asdict(request))


@pytest.fixture
def named_tasks(named_runs: list[Run]) -> None:
    """Failed and queued tasks of every kind, with such names."""
    of_run = {"run": named_runs[0].id}
    asked = {
        "import": {"name": FOLDER, "source": f"/{TEXT}"},
        "draw": {"name": FOLDER},
        "evaluate": of_run | {"dataset": FOLDER, "split": "val"},
        "open_test": of_run,
        "video": of_run | {"name": TEXT, "network": TEXT, "file": "video.mp4"},
        "batch": of_run | {"name": TEXT, "network": TEXT, "source": f"/{TEXT}", "patterns": [TEXT]},
        "examine": {"dataset": "faces"},
    }
    for kind, arguments in asked.items():
        ask(new_directory(paths.tasks_root(), kind), kind, arguments)
        failed = new_directory(paths.tasks_root(), kind)
        attempt = failed / "attempts" / "0"
        attempt.mkdir(parents=True)
        ask(attempt, kind, arguments)
        write_json(attempt / "process.json", {"pid": 0, "created": 0.0, "started": 0.0})
        write_json(attempt / "exit.json", {"code": 1, "signal": None, "ended": 0.0})
        (attempt / "error.txt").write_text(TEXT)
        if kind == "batch":
            write_batch(failed, named_runs[0].class_names)
    for directory in paths.tasks_root().iterdir():
        write_json(directory / "progress.json", {"done": 1, "total": 2, "message": TEXT})


def write_batch(directory: Path, class_names: Sequence[str]) -> None:
    """Writes the results of a batch in which everything has such names."""
    columns = [NAME, "participant", "condition"]
    file = {"name": f"{NAME}.png", "columns": dict.fromkeys(columns, NAME)}
    manifest = {"class_names": list(class_names), "files": [file, file], "columns": columns}
    write_json(directory / "manifest.json", manifest | {"problems": [TEXT], "notes": [TEXT]})
    described = batches.describe_summary(class_names)[1:]
    person = {column.name: NAME if column.kind == "text" else 1 for column in described}
    result = {"name": file["name"], "notes": [TEXT], "track_frames": {"1": 1}}
    (directory / "files").mkdir()
    write_json(directory / "files" / "00000.json", result | {"people": [person]})
    write_json(directory / "files" / "00001.json", {"name": NAME, "problem": TEXT})


PAGES = ("home", "datasets", "train", "runs", "evaluate", "predict", "quiz")


@pytest.mark.parametrize("page", PAGES)
def test_no_page_takes_names_for_markdown(
    page: str, named_runs: list[Run], named_tasks: None, no_supervisor: None, open_page: PageOpener
) -> None:
    shown = []
    for run in named_runs if page == "train" else named_runs[:1]:
        app = open_page(page, run=run.id, dataset="faces")
        shown.append(assert_inert(app))
        for change in CHANGES.get(page, ()):
            change(app)
            shown.append(assert_inert(rerun(app)))
    # The names were there to be shown.
    assert page == "home" or "evil" in "".join(shown)


def open_changes(app: AppTest) -> None:
    app.session_state[class_changes.OPEN] = True


def select_runs(app: AppTest) -> None:
    app.session_state["runs-table"] = {"selection": {"rows": [0, 1]}}


# What to do on a page to see more of it.
CHANGES: dict[str, tuple[Callable[[AppTest], object], ...]] = {
    "datasets": (open_changes,),
    "runs": (select_runs,),
    "evaluate": (lambda app: app.segmented_control[0].set_value("other"),),
    "predict": (
        lambda app: app.segmented_control[0].set_value("Video"),
        lambda app: app.segmented_control[0].set_value("Batch"),
    ),
}


def test_a_name_is_shown_as_it_is() -> None:
    assert plain("a_b *c* [d](e) <f>") == r"a_b \*c\* \[d\](e) \<f\>"
    assert plain("  two\n- lines") == "two - lines"
    starts = [plain(text) for text in ("- a", "+ d", "---", "1. b", "2)", "# c")]
    assert starts == [r"\- a", r"\+ d", r"\---", r"1\. b", r"2\)", r"\# c"]
    assert plain("12.5 s, a:b, 7-8") == r"12.5 s, a\:b, 7-8"
    assert code("a`b") == "``a`b``" and code("`a``") == "``` `a`` ```"
    assert file_name("../a/b\n", ".csv") == "_a_b_.csv" and file_name("..", ".csv") == "file.csv"
