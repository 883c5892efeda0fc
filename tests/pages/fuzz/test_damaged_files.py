"""Damages every file of a small workspace in every way, and opens every page.

The tests try a share of all cases, the same ones every time; FER_FUZZ_SHARE chooses another. All of
them take hours; the log tells how far they are, and what was found:

    FER_FUZZ_EVERY=1 python -m pytest -m slow -n 0 tests/pages/fuzz --log-cli-level=info
"""

import logging
import os
import shutil
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core.errors import FerError
from fer_core.inference.videos import list_videos
from fer_core.storage import paths
from fer_core.tasks import process_record, queue
from pages.components.datasets import class_changes
from tests.old_workspace import unpack
from tests.pages.conftest import APP
from tests.pages.fuzz.damages import Case, add_live_items, cases, damaged_copy
from tests.pages.fuzz.readers import readers

LOG = logging.getLogger(__name__)
EVERY = int(os.environ.get("FER_FUZZ_EVERY", "1000"))  # one of so many cases is tried on pages
SHARE = int(os.environ.get("FER_FUZZ_SHARE", "0"))  # which of them
READ_MORE = 10  # times as many are tried without pages
BATCH = 40  # damages in one workspace
TIMEOUT = 120  # seconds of a page, on a busy machine
PAGES = ("home", "datasets", "train", "runs", "evaluate", "predict", "quiz")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("no_supervisor"),
    pytest.mark.filterwarnings("ignore:May not flag all label issues:UserWarning"),
]


@dataclass
class Findings:
    """What went wrong, and how much was tried."""

    opened: int = 0
    slowest: float = 0.0  # seconds
    failures: list[str] = field(default_factory=list)

    def run(self, page: AppTest, what: str) -> AppTest:
        """Runs a page and notes its exceptions."""
        started = time.monotonic()
        try:
            page.run(timeout=TIMEOUT)
        except RuntimeError as error:  # no answer in time
            self.failures.append(f"{what}: {error}")
        self.opened += 1
        self.slowest = max(self.slowest, time.monotonic() - started)
        for exception in page.exception:
            ours = [line for line in exception.stack_trace if f"{paths.PROJECT}" in line]
            last = " ".join(ours[-1:]).strip()
            self.failures.append(f"{what}: {exception.message:.200} {last}")
        return page

    def open(self, name: str, what: str, **address: str) -> AppTest:
        """Opens a page and notes its exceptions."""
        page = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
        page.switch_page(f"pages/{name}.py")
        page.query_params.update(address)
        page.session_state[class_changes.OPEN] = True
        return self.run(page, f"{name} {address} {what}")


@pytest.fixture
def original(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace that is copied and damaged, with the caches that its pages make."""
    unpack(tmp_path).rename(workspace)
    add_live_items(workspace, process_record())
    monkeypatch.setattr(paths, "pretrained_root", lambda: paths.PROJECT / "fer_core/pretrained")
    monkeypatch.setattr("pages.components.shared.models.preload", lambda run, tta: None)
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    findings = Findings()
    for name in PAGES:
        findings.open(name, "undamaged")
    assert findings.failures == []
    return workspace.rename(tmp_path / "original")


def chosen_cases(original: Path, every: int) -> list[Case]:
    """Returns one of so many cases, the same ones every time."""
    return [
        case
        for case in cases(original)
        if zlib.crc32(f"{case.file} {case.name}".encode()) % every == SHARE % every
        and not (case.name == "no permission" and os.geteuid() == 0)
    ]


def batches(original: Path) -> Iterator[list[Case]]:
    """Yields cases of which no two are of the same file of the workspace itself."""
    chosen = chosen_cases(original, EVERY)
    while chosen:
        batch: list[Case] = []
        for case in chosen:
            if len(batch) == BATCH:
                break
            if case.item or not any(other.file == case.file for other in batch):
                batch.append(case)
        chosen = [case for case in chosen if case not in batch]
        yield batch


def test_no_damaged_file_ends_a_page(original: Path, workspace: Path) -> None:
    findings, tried = Findings(), Counter[str]()
    for batch in batches(original):
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(original, workspace, symlinks=True)
        st.cache_resource.clear()
        st.cache_data.clear()
        open_pages(findings, batch, workspace)
        tried.update(Path(case.file).name for case in batch)
        LOG.info(
            "%d damages, %d pages opened, slowest %.1f s, failures: %s",
            tried.total(),
            findings.opened,
            findings.slowest,
            findings.failures,
        )
    LOG.info("By file: %s", dict(tried))
    assert findings.failures == []


def test_no_damaged_file_is_an_internal_error_of_a_reader(original: Path, workspace: Path) -> None:
    shutil.copytree(original, workspace, symlinks=True)
    failures = list[str]()
    chosen = chosen_cases(original, max(1, EVERY // READ_MORE))
    for number, case in enumerate(chosen):
        if number % 500 == 0:
            LOG.info("%d of %d damages read, failures: %s", number, len(chosen), failures)
        file = workspace / case.file
        case.damage(file)
        for read in readers(workspace / case.item):
            try:
                read()
            except FerError:
                continue
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                failures.append(f"{case.file}, {case.name}: {error!r:.200} in {place}")
                LOG.info("%s", failures[-1])
        _remove(file)
        shutil.copy2(original / case.file, file)
    assert failures == []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def open_pages(findings: Findings, batch: list[Case], workspace: Path) -> None:
    """Does the damages and opens every page, and those that show a damaged item with that item."""
    files = [damaged_copy(workspace, case, number) for number, case in enumerate(batch)]
    names = [f"[{case.file}: {case.name}]" for case in batch]
    pages = {name: findings.open(name, " ".join(names)) for name in PAGES}
    for case, file, name in zip(batch, files, names, strict=True):
        item = file.relative_to(workspace).parts[1] if case.item else ""
        if case.item.startswith("runs"):
            open_run(findings, pages["runs"], item, name)
        elif case.item.startswith("datasets"):
            findings.open("datasets", name, dataset=item)
            findings.open("train", name, dataset=item)
        elif case.file.startswith("evaluations"):
            open_evaluations(findings, "residual-cnn", name)
        elif "video" in case.item:
            open_video(findings, item, name)


def open_run(findings: Findings, runs: AppTest, run: str, name: str) -> None:
    table = list(runs.dataframe[0].value["id"]) if len(runs.dataframe) else []
    if run in table:
        runs.session_state["runs-table"] = {"selection": {"rows": [table.index(run)]}}
        findings.run(runs, f"runs {run} {name}")
    for page in ("train", "predict", "quiz"):
        findings.open(page, name, run=run)
    open_evaluations(findings, run, name)


def open_evaluations(findings: Findings, run: str, name: str) -> None:
    page = findings.open("evaluate", name, run=run)
    show_map(findings, page, name)
    for split in ("Test", "Other data"):
        for control in page.button_group:
            if control.label == "Split" and split in control.options:
                control.set_value({"Test": "test", "Other data": "other"}[split])
                findings.run(page, f"evaluate {run} {split} {name}")
                show_map(findings, page, name)
                break


def show_map(findings: Findings, page: AppTest, name: str) -> None:
    for toggle in page.toggle:
        if toggle.label == "Show the feature map" and not toggle.value:
            toggle.set_value(True)
            findings.run(page, f"map {name}")
            break


def open_video(findings: Findings, task: str, name: str) -> None:
    page = findings.open("predict", name)
    (source,) = [each for each in page.button_group if each.label == "Source"]
    source.set_value("Video")
    findings.run(page, f"video {name}")
    ended = [video.id for video in list_videos() if not video.state.is_active]
    for box in page.selectbox:
        if box.label == "Video" and task in ended:
            box.select_index(ended.index(task))
            findings.run(page, f"video {task} {name}")
            break
