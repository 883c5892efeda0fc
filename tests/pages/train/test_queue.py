"""The queue on the Train page, and what can be done with runs that have ended."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs import tensorboard
from fer_core.runs.listing import list_runs
from fer_core.runs.records import STOPPED, Result
from fer_core.runs.run import Run
from fer_core.runs.writers import save_result
from fer_core.storage.files import write_json
from fer_core.tasks import queue
from fer_core.tasks.processes import process_record
from fer_core.tasks.task import TaskState
from pages.components.shared.formatting import format_run
from pages.components.train.settings_form import OPEN
from tests.pages.conftest import RunFactory, rerun, take, unfold

PageOpener = Callable[..., AppTest]

pytestmark = pytest.mark.usefixtures("no_supervisor")


def button(page: AppTest, key: str) -> object:
    return next(button for button in page.button if button.key == key)


def press(page: AppTest, key: str) -> AppTest:
    button(page, key).click()
    return rerun(page)


@pytest.fixture
def three(new_run: RunFactory) -> list[Run]:
    """Runs that wait, the oldest first."""
    runs = [new_run() for _ in range(3)]
    for run in runs:
        queue.submit(run.directory, "train")
    return runs


def order() -> list[str]:
    return [task.id for task in queue.waiting()]


def test_a_queued_run_can_be_moved_up_and_down(three: list[Run], open_page: PageOpener) -> None:
    first, second, third = (run.id for run in three)
    page = press(open_page("train"), f"Earlier-{third}")
    assert order() == [first, third, second]
    page = press(page, f"Later-{first}")
    assert order() == [third, first, second]
    assert button(page, f"Earlier-{third}").disabled and button(page, f"Later-{second}").disabled


@pytest.mark.parametrize("looks", [1, 2])
def test_a_run_submitted_while_the_page_is_drawn_is_shown(
    three: list[Run],
    new_run: RunFactory,
    open_page: PageOpener,
    monkeypatch: pytest.MonkeyPatch,
    looks: int,
) -> None:
    late, lineup, done = new_run(), queue.snapshot, []

    def meanwhile(kind: str) -> tuple:
        found = lineup(kind)
        done.append(found)
        if len(done) == looks:
            queue.submit(late.directory, "train")
        return found

    monkeypatch.setattr(queue, "snapshot", meanwhile)
    page = open_page("train", run=three[0].id)
    assert button(page, f"cancel-{late.id}")


def test_a_cancelled_run_stays_in_the_list(three: list[Run], open_page: PageOpener) -> None:
    page = press(open_page("train"), f"cancel-{three[1].id}")
    assert order() == [three[0].id, three[2].id]
    assert three[1].state is TaskState.CANCELLED
    assert not any(button.key == f"cancel-{three[1].id}" for button in page.button)


def test_a_run_that_just_started_is_not_cancelled(three: list[Run], open_page: PageOpener) -> None:
    page = open_page("train")
    (three[0].directory / "request.json").unlink()
    write_json(take(three[0]) / "process.json", process_record() | {"started": time.time()})
    page = press(page, f"cancel-{three[0].id}")
    assert three[0].state is TaskState.RUNNING
    assert "can be canceled only while it waits. It is running" in page.toast[0].value


def test_the_running_run_is_listed_first_and_can_be_watched(
    three: list[Run], open_page: PageOpener
) -> None:
    (three[1].directory / "request.json").unlink()
    write_json(take(three[1]) / "process.json", process_record() | {"started": time.time()})
    page = open_page("train", run=three[0].id)
    assert any("epoch 1 of 50" in text.value for text in page.markdown)
    page = press(page, f"watch-{three[1].id}")
    assert not any("epoch 1 of 50" in text.value for text in page.markdown)  # told by the curve
    assert page.query_params["run"] in (three[1].id, [three[1].id])


def test_the_watched_run_has_no_link_to_itself(three: list[Run], open_page: PageOpener) -> None:
    page = open_page("train", run=three[1].id)
    buttons = [button(page, f"watch-{run.id}") for run in three]
    assert [one.disabled for one in buttons] == [False, True, False]
    assert buttons[1].label == "Shown below"


def test_a_single_queued_run_cannot_be_moved(new_run: RunFactory, open_page: PageOpener) -> None:
    run = new_run()
    queue.submit(run.directory, "train")
    page = open_page("train")
    assert button(page, f"cancel-{run.id}")
    assert not any(one.label in ("Earlier", "Later") for one in page.button)


def test_viewing_an_idle_queue_starts_its_supervisor(
    three: list[Run],
    finished_run: RunFactory,
    open_page: PageOpener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, woken = finished_run(), []
    monkeypatch.setattr(queue, "wake", lambda: woken.append(True))
    open_page("train", run=ended.id)
    assert woken
    (three[0].directory / "request.json").unlink()
    write_json(take(three[0]) / "process.json", process_record() | {"started": time.time()})
    woken.clear()
    open_page("train", run=ended.id)
    assert not woken


def test_a_damaged_queued_run_can_be_cancelled(three: list[Run], open_page: PageOpener) -> None:
    (three[2].directory / "config.json").write_text("{")
    press(open_page("train"), f"cancel-{three[2].id}")
    assert order() == [three[0].id, three[1].id]


def test_the_automatic_resume_setting_is_shared_by_all_sessions(
    three: list[Run], open_page: PageOpener
) -> None:
    first, second = open_page("train"), open_page("train")
    assert not first.toggle[0].value
    first.toggle[0].set_value(True)
    rerun(first)
    assert queue.read_preferences().auto_resume
    assert rerun(second).toggle[0].value


@pytest.fixture
def ended(finished_run: RunFactory) -> RunFactory:
    """Makes finished runs that have a checkpoint."""

    def make(*, opened: bool = False) -> Run:
        run = finished_run(epochs=20, opened=opened)
        (run.directory / "checkpoints").mkdir()
        return run

    return make


def epochs(page: AppTest) -> object:
    return next(entry for entry in page.number_input if entry.label == "Continue for more epochs")


def continue_training(page: AppTest) -> AppTest:
    next(button for button in page.button if button.label == "Continue training").click()
    return rerun(page)


def test_a_finished_run_continues_for_the_given_epochs(
    ended: RunFactory, open_page: PageOpener
) -> None:
    run = ended()
    page = open_page("train", run=run.id)
    assert epochs(page).value == 10
    epochs(page).set_value(5)
    continue_training(page)
    assert run.state is TaskState.QUEUED
    assert (run.goal.epochs, run.goal.since) == (25, 20)


def test_a_stopped_run_offers_its_remaining_epochs(
    ended: RunFactory, open_page: PageOpener
) -> None:
    run = ended()
    save_result(run, Result(STOPPED, 20, 19, 1.1, 0.6))
    assert epochs(open_page("train", run=run.id)).value == 30


def test_a_run_that_another_tab_continued_is_not_continued_again(
    ended: RunFactory, open_page: PageOpener
) -> None:
    run = ended()
    page = open_page("train", run=run.id)
    queue.submit(run.directory, "train", {"epochs": 22, "since": 20})
    page = continue_training(page)
    assert run.goal.epochs == 22
    assert "Only a run that has ended can be continued" in page.toast[0].value


def test_a_run_without_a_checkpoint_is_not_offered_more_epochs(
    finished_run: RunFactory, open_page: PageOpener
) -> None:
    page = open_page("train", run=finished_run().id)
    assert not any(button.label == "Continue training" for button in page.button)


def test_a_second_opening_of_the_test_split_is_announced(
    ended: RunFactory, open_page: PageOpener
) -> None:
    sealed, run = ended(), ended(opened=True)
    assert "second look" not in epochs(open_page("train", run=sealed.id)).help
    assert "second look" in epochs(open_page("train", run=run.id)).help
    looks = run.predictions_file("test").with_suffix(".json")
    write_json(looks, {"opened": ["2026-03-01T12:30:00", "2026-03-02T12:30:00"]})
    page = open_page("train", run=run.id)
    assert any("Opened 2 times" in caption.value for caption in page.caption)
    run.predictions_file("test").unlink()
    page = open_page("train", run=run.id)
    assert any("Opened before the run was continued" in text.value for text in page.caption)


def test_a_remark_on_the_end_is_shown(ended: RunFactory, open_page: PageOpener) -> None:
    run = ended()
    save_result(run, Result(STOPPED, 20, 19, 1.1, 0.6, remark="faces were deleted."))
    assert open_page("train", run=run.id).warning[0].value == "faces were deleted."


def test_a_run_can_start_from_the_weights_of_one_that_fits(
    ended: RunFactory, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_dataset("faces", count=70)
    source = ended()
    config = source.config.to_dict() | {"image_size": [64, 64]}
    write_json(source.directory / "config.json", config)
    page = open_page("train")
    page = unfold(page, OPEN)
    page.selectbox(key="recipe").set_value("cnn_classic_wide").run()
    assert "initial-run-cnn_classic_wide" not in [box.key for box in page.selectbox]
    page.selectbox(key="recipe").set_value("cnn_classic").run()
    page.selectbox(key="initial-run-cnn_classic").set_value(source.id)
    page = rerun(page)
    sizes = [entry for entry in page.number_input if entry.label.startswith("Image ")]
    assert [(size.value, size.disabled) for size in sizes] == [(64, True)] * 2
    next(button for button in page.button if button.label == "Start training").click()
    page = rerun(page)
    (run,) = [run for run in list_runs() if run.config.dataset == "faces"]
    assert (run.config.initial_run, run.config.image_size) == (source.id, (64, 64))
    assert any("Started from the weights of Classic CNN on" in text.value for text in page.caption)
    source.delete()
    page = open_page("train", run=run.id)
    assert any("which has been deleted" in text.value for text in page.caption)


def test_a_deleted_teacher_is_deselected(ended: RunFactory, open_page: PageOpener) -> None:
    draw_dataset("faces", count=70)
    kept, gone = ended(), ended()
    for run in (kept, gone):
        names = list(open_dataset("faces").class_names)
        write_json(run.directory / "dataset.json", {"class_names": names, "counts": {}})
        (run.directory / "model.keras").touch()
    page = unfold(open_page("train"), OPEN)
    key = "setting-cnn_classic-teachers-faces"
    page.multiselect(key=key).set_value([kept.id, gone.id])
    page = rerun(page)
    gone.delete()
    page = rerun(page)
    assert page.multiselect(key=key).value == []
    page.multiselect(key=key).set_value([kept.id])
    share = next(entry for entry in page.number_input if entry.label == "Distillation weight")
    share.set_value(0.4)
    next(button for button in page.button if button.label == "Start training").click()
    page = rerun(page)
    (run,) = [run for run in list_runs() if run.config.dataset == "faces"]
    assert (run.config.teachers, run.config.distillation) == ((kept.id,), 0.4)


def test_a_deleted_initial_run_is_deselected(ended: RunFactory, open_page: PageOpener) -> None:
    draw_dataset("faces", count=70)
    kept, gone = ended(), ended()
    page = open_page("train")
    page.selectbox(key="initial-run-cnn_classic").set_value(gone.id)
    page = rerun(page)
    gone.delete()
    page = rerun(page)
    box = page.selectbox(key="initial-run-cnn_classic")
    assert box.value == "" and len(box.options) == 2 and format_run(kept) in box.options[1]


def test_without_tensorboard_the_checkbox_says_what_to_install(
    workspace: Path, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_dataset("faces", count=70)
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    page = unfold(open_page("train"), OPEN)
    box = next(box for box in page.checkbox if box.label == "TensorBoard files")
    assert box.disabled and "pip install tensorboard" in box.help


def test_a_run_with_tensorboard_files_shows_the_command(
    ended: RunFactory, open_page: PageOpener
) -> None:
    run = ended()
    write_json(run.directory / "config.json", run.config.to_dict() | {"tensorboard": True})
    page = open_page("train", run=run.id)
    command = f'tensorboard --logdir "{run.directory.parent}"'
    assert any(command in caption.value for caption in page.caption)
