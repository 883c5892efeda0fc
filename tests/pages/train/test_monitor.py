"""The part of a page that watches one run."""

import errno
import gc
import time
import weakref
from collections.abc import Callable
from datetime import timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core.expressions import EXPRESSIONS
from fer_core.runs.records import Notes
from fer_core.runs.run import Run
from fer_core.storage.files import write_json, write_text
from fer_core.tasks import queue, supervisor
from fer_core.tasks.processes import process_record
from fer_core.tasks.queue import Preferences, save_preferences
from fer_core.tasks.task import Progress, TaskState
from pages.components.shared.formatting import format_duration, format_size
from pages.components.shared.memory import freeze_imports
from pages.components.train.run_watch import FIRST_REFRESH_SECONDS
from tests.pages.conftest import RunFactory, rerun, take, unfold, write_history
from tests.tasks.requests import write_request


def watching(run: Run) -> AppTest:
    """A page that shows nothing but the monitor of a run."""

    def page() -> None:
        import streamlit as st

        from fer_core.runs.listing import open_run
        from fer_core.tasks import queue
        from pages.components.train.monitor import monitor

        monitor(open_run(st.query_params["run"]), queue.snapshot("train"))

    app = AppTest.from_function(page, default_timeout=120)
    app.query_params["run"] = run.id
    return rerun(app)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """After how many seconds the browser was told to ask again, page by page."""
    found: list[float | None] = []
    fragment = st.fragment

    def note(function: Callable[..., None], run_every: float | None) -> Callable[..., None]:
        found.append(run_every)
        return fragment(function, run_every=run_every)

    monkeypatch.setattr(st, "fragment", note)
    return found


@pytest.fixture
def training_run(new_run: RunFactory) -> Run:
    """A run in its third epoch; this test's process stands in for the supervisor."""
    run = new_run()
    write_json(take(run) / "process.json", process_record() | {"started": time.time()})
    write_history(run, epochs=2)
    run.save_progress(Progress(50, 1000, message="epoch 3 of 50", rate=900, seconds_left=60))
    return run


def test_a_training_run_shows_how_far_it_is(training_run: Run) -> None:
    page = watching(training_run)
    values = {metric.label: metric.value for metric in page.metric}
    assert values["Epoch"] == "3 of 50"
    assert values["Images per second"] == "900"
    assert ":" in values["Ends at"]
    assert values["Time left"] == "60 s"
    assert values["Best validation accuracy"] == "26.1%"


def test_the_best_accuracy_until_now_has_its_interval(training_run: Run) -> None:
    counts = {"train": [100] * 7, "val": [20] * 7}
    record = {"class_names": list(EXPRESSIONS), "counts": counts}
    write_json(training_run.directory / "dataset.json", record)
    (best,) = [one for one in watching(training_run).metric if one.label.startswith("Best")]
    assert best.value == "26.4%"  # 37 of 140
    assert best.delta == "19.8% to 34.3%"  # Wilson's


def test_a_continued_run_counts_to_its_new_goal(training_run: Run) -> None:
    asked = {"kind": "train", "arguments": {"epochs": 70, "since": 50}, "submitted": time.time()}
    write_json(take(training_run, attempt=1) / "request.json", asked)
    record = process_record() | {"started": time.time()}
    write_json(training_run.directory / "attempts" / "1" / "process.json", record)
    values = {metric.label: metric.value for metric in watching(training_run).metric}
    assert values["Epoch"] == "3 of 70"


def test_a_named_run_goes_by_its_name(training_run: Run) -> None:
    training_run.save_notes(Notes(name="My *best* try"))
    page = watching(training_run)
    assert page.subheader[0].value == r"My \*best\* try"
    assert page.caption[0].value == f"Classic CNN on drawn · {training_run.id}"


def test_every_session_refreshes_at_the_same_interval(
    training_run: Run, pauses: list[float | None]
) -> None:
    page = watching(training_run)
    watching(training_run)
    rerun(page)
    assert pauses == [FIRST_REFRESH_SECONDS] * 3


def test_the_first_step_shows_no_speed_and_the_first_seconds_no_end(training_run: Run) -> None:
    training_run.save_progress(Progress(10, 1000, message="epoch 1 of 50"))
    page = watching(training_run)
    assert not page.metric
    assert page.get("progress")[0].proto.text == "Epoch 1 of 50 …"
    training_run.save_progress(Progress(20, 1000, message="epoch 1 of 50", rate=900))
    values = {metric.label: metric.value for metric in watching(training_run).metric}
    assert values["Images per second"] == "900"
    assert values["Time left"] == "estimating …" and values["Ends at"] == "–"


def test_an_ended_run_is_not_looked_at_again(
    finished_run: RunFactory, pauses: list[float | None]
) -> None:
    watching(finished_run(opened=True))
    assert pauses == [None]


def test_a_waiting_run_tells_its_place(new_run: RunFactory, no_supervisor: None) -> None:
    runs = [new_run() for _ in range(3)]
    for run in runs:
        queue.submit(run.directory, "train")
    texts = [watching(run).get("progress")[0].proto.text for run in runs]
    assert texts[0].startswith("Next in the queue")
    assert texts[1:] == ["Number 2 in the queue.", "Number 3 in the queue."]


def test_what_a_page_leaves_as_garbage_is_collected(training_run: Run) -> None:
    class Knot:
        """Refers to itself, so that only the collector can free it."""

        def __init__(self) -> None:
            self.itself = self

    freeze_imports()
    knot = weakref.ref(Knot())
    assert gc.get_freeze_count() > 100_000
    watching(training_run)
    assert knot() is None


def test_stop_training_asks_the_trainer_to_stop(training_run: Run) -> None:
    page = watching(training_run)
    assert page.button[0].label == "Stop training"
    page.button[0].click()
    page = rerun(page)
    assert training_run.state is TaskState.STOPPING
    assert page.button[0].disabled


def test_before_the_first_epoch_it_says_what_it_does(training_run: Run) -> None:
    training_run.save_progress(Progress(10, 100, message="Reading the images"))
    page = watching(training_run)
    assert not page.metric
    assert page.get("progress")[0].proto.text == "Reading the images …"


def test_a_waiting_run_can_be_taken_from_the_queue(
    new_run: RunFactory, no_supervisor: None
) -> None:
    run = new_run()
    write_request(run.directory)
    page = watching(run)
    assert page.button[0].label == "Cancel this run"
    page.button[0].click()
    page = rerun(page)
    assert run.state is TaskState.CANCELLED
    assert "removed from the queue" in page.info[0].value


def test_a_stop_that_the_disk_does_not_take_is_said_in_passing(
    training_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(self: Run) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Run, "request_stop", no_room)
    page = watching(training_run)
    page.button[0].click()
    page = rerun(page)
    assert "No space left on device" in page.toast[0].value


def test_a_failed_run_shows_its_sentence(new_run: RunFactory) -> None:
    run = new_run()
    write_text(take(run) / "error.txt", "The loss must stay finite.")
    page = watching(run)
    assert page.error[0].value == "The loss must stay finite."
    assert page.button[0].label == "Resume training"


def test_an_interrupted_run_says_what_is_known(new_run: RunFactory) -> None:
    run = new_run()
    write_json(take(run) / "exit.json", {"code": 0, "signal": 9, "ended": time.time()})
    said = watching(run).warning[0].value
    assert "was killed" in said and said.endswith("0 of 50 epochs completed.")


def test_an_interrupted_run_that_goes_on_by_itself_is_waited_for(
    new_run: RunFactory, pauses: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: started.append(True))
    run = new_run()
    queue.submit(run.directory, "train")
    attempt = supervisor.take(run)
    assert attempt is not None
    write_json(attempt / "exit.json", {"code": 0, "signal": 9, "ended": time.time()})
    started.clear()
    watching(run)
    assert pauses == [None] and not started
    save_preferences(Preferences(auto_resume=True))
    page = watching(run)
    assert pauses[-1] == FIRST_REFRESH_SECONDS and started
    assert "Training will resume automatically in a moment." in [
        caption.value for caption in page.caption
    ]


def test_a_finished_run_shows_validation_and_opened_test(finished_run: RunFactory) -> None:
    page = watching(finished_run(opened=True))
    assert page.success[0].value == "Completed after 50 epochs in 25 min; best epoch: 50."
    assert [metric.value for metric in page.metric] == ["60.0%", "50.0%"]
    assert len(page.get("bidi_component")) == 2  # curves, confusion matrix
    (scores,) = (text.value for text in page.markdown if text.value.startswith("| Expression"))
    assert len(scores.splitlines()) == 2 + len(EXPRESSIONS) + 1  # a head, and a mean


def test_the_log_can_be_read(training_run: Run) -> None:
    (training_run.directory / "attempts" / "0" / "worker.log").write_text("epoch 1\nepoch 2\n")
    page = unfold(watching(training_run), f"log-{training_run.id}")
    assert page.code[0].value == "epoch 1\nepoch 2"


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [(0, "0 s"), (100, "100 s"), (120, "2 min"), (3600, "1 h 0 min"), (100_000, "1 d 3 h")],
)
def test_durations_are_spoken_in_their_largest_units(seconds: int, spoken: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == spoken


def test_sizes_are_spoken() -> None:
    assert [format_size(size) for size in (10, 80_100_000, 1_230_000_000)] == [
        "1 KB",
        "80 MB",
        "1.2 GB",
    ]
