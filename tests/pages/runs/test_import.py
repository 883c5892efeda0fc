"""The part of the Runs page that imports a model of another program."""

from pathlib import Path

import pytest

from fer_core.model_io.importing import submit_inspection
from fer_core.tasks import supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from pages.components.shared.formatting import plain
from tests.pages.conftest import PageOpener, rerun


@pytest.mark.usefixtures("no_supervisor")
def test_an_inspection_has_one_button_and_says_once_what_is_wrong(
    open_page: PageOpener, tmp_path: Path
) -> None:
    file = tmp_path / "words.h5"
    file.write_text("no model")
    task = submit_inspection(file)
    page = open_page("runs")
    own = {f"stop-{task.id}", f"dismiss-{task.id}", f"discard-{task.id}"}
    (button,) = [each for each in page.button if each.key in own]
    assert button.label == "Discard"
    attempt = supervisor.take(task)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(task)))
    rerun(page)
    (error,) = page.error
    assert error.value == plain(task.error)
    (button,) = [each for each in page.button if each.key in own]
    button.click()
    rerun(page)
    assert not page.error
