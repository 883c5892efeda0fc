"""Checks that open questions and downloads survive the start and end of other tasks."""

from typing import TYPE_CHECKING, Any

import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import task as tasks
from fer_core.tasks.task import Progress, Task
from tests.e2e.browsing import open_page, press, settled
from tests.e2e.serving import Server
from tests.tasks.requests import write_request

if TYPE_CHECKING:
    from playwright.sync_api import Page

REDRAWS = 4


@pytest.fixture(scope="module")
def corrected(server: Server) -> None:
    draw_dataset("faces", count=70).exclude([0], "blank")


def begin_import(supervisor: dict[str, Any]) -> Task:
    """A task that adds a dataset, shown as running."""
    task = Task(tasks.new_directory(paths.tasks_root(), "import"))
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    write_json(attempt / "process.json", supervisor)
    write_request(attempt, "import", name="others", source="/nowhere")
    task.save_progress(Progress(0, REDRAWS, message="Step 0"))
    return task


@pytest.mark.usefixtures("corrected")
@pytest.mark.parametrize(
    ("tab", "popover", "inside"),
    [
        ("Classes", "Delete …", "Delete dataset"),
        ("Corrections", "Remove all …", "Remove all corrections"),
    ],
)
def test_a_question_stays_open_while_a_task_goes_on_and_ends(
    page: "Page", address: str, trainer: dict[str, Any], tab: str, popover: str, inside: str
) -> None:
    task = begin_import(trainer)
    open_page(page, f"{address}/datasets?dataset=faces")
    page.get_by_text("Step 0").wait_for()
    page.get_by_role("tab", name=tab).click()
    button = page.get_by_role("button", name=inside)
    press(page.get_by_role("button", name=popover), button)
    for number in range(1, REDRAWS):
        task.save_progress(Progress(number, REDRAWS, message=f"Step {number}"))
        page.get_by_text(f"Step {number}").wait_for()
        assert button.is_visible()
    write_json(task.directory / "result.json", {"dataset": "others"})
    write_json(task.directory / "attempts" / "0" / "exit.json", {"code": 0})
    page.get_by_text(f"Step {REDRAWS - 1}").wait_for(state="detached")
    settled(page)
    assert button.is_visible()


@pytest.mark.usefixtures("corrected")
def test_a_file_that_was_made_can_be_fetched_after_the_page_was_drawn_again(
    page: "Page", address: str, trainer: dict[str, Any]
) -> None:
    task = begin_import(trainer)
    open_page(page, f"{address}/datasets?dataset=faces")
    page.get_by_role("tab", name="Corrections").click()
    with page.expect_download() as expected:
        page.get_by_role("button", name="Download corrections").click()
    for number in range(1, REDRAWS):
        task.save_progress(Progress(number, REDRAWS, message=f"Step {number}"))
        page.get_by_text(f"Step {number}").wait_for()
    answer = page.request.get(expected.value.url)  # a busy browser asks as late as this
    assert answer.ok and answer.text().startswith("path,")
