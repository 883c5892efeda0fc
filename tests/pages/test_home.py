"""The Home page."""

import errno
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.tasks import queue
from fer_core.tasks import task as tasks
from tests.pages.conftest import rerun

PageOpener = Callable[..., AppTest]
RunFactory = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("no_supervisor")


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_an_empty_workspace_offers_a_demo_dataset(open_page: PageOpener) -> None:
    page = open_page("home")
    assert metrics(page)["Training now"] == "idle"
    assert (metrics(page)["Runs"], metrics(page)["Datasets"]) == ("0", "0")
    assert metrics(page)["Hardware"].startswith(("CPU", "NVIDIA", "Tesla"))
    page.button[0].click()
    rerun(page)
    (task,) = queue.waiting()
    assert task.request.kind == "draw"
    drawn = {"name": "drawn-faces", "count": 2100, "seed": 0, "subjects": 0}
    assert task.request.arguments == drawn


def test_a_full_disk_is_reported_in_a_toast(
    open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*arguments: object, **settings: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    page = open_page("home")
    monkeypatch.setattr("fer_core.tasks.queue.write_json", no_room)
    page.button[0].click().run()
    assert not page.exception and "No space left on device" in page.toast[0].value


def test_runs_and_datasets_are_counted(
    open_page: PageOpener, finished_run: Callable[..., Run]
) -> None:
    finished_run()
    draw_dataset("faces", count=70)
    page = open_page("home")
    assert (metrics(page)["Runs"], metrics(page)["Datasets"]) == ("1", "1")


def test_a_queued_run_counts_as_queued(open_page: PageOpener, new_run: Callable[..., Run]) -> None:
    queue.submit(new_run().directory, "train")
    page = open_page("home")
    assert (metrics(page)["Training now"], metrics(page)["Queued"]) == ("idle", "1")


def test_a_new_demo_dataset_leads_to_training(open_page: PageOpener) -> None:
    draw_dataset("faces", count=70)
    page = open_page("home", dataset="faces")
    assert "faces is ready" in page.success[0].value
    assert not any(button.label == "Create demo dataset" for button in page.button)


def test_a_failed_demo_dataset_shows_the_reason(open_page: PageOpener) -> None:
    directory = tasks.new_directory(paths.tasks_root(), "draw")
    task = queue.submit(directory, "draw", {"name": "faces", "count": 1, "seed": 0})
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    (attempt / "error.txt").write_text("There must be at least 70 faces. Received: 1")
    page = open_page("home")
    assert "Received: 1" in page.error[0].value


def test_an_unknown_dataset_in_the_address_is_ignored(open_page: PageOpener) -> None:
    page = open_page("home", dataset="[click](https://example.org)")
    assert not page.success
    assert any(button.label == "Create demo dataset" for button in page.button)


def test_the_pretrained_model_is_offered_if_there_is_one(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    labels = [link.proto.label for link in open_page("home").get("page_link")]
    assert not any("pretrained" in label for label in labels)
    monkeypatch.setattr(paths, "pretrained_root", lambda: run.directory.parent)
    labels = [link.proto.label for link in open_page("home").get("page_link")]
    assert any("pretrained" in label for label in labels)
