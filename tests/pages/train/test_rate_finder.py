"""The learning-rate finder on the Train page."""

import time

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import RateTest, newest_rate_test, save_rate_test
from fer_core.runs.listing import list_runs
from fer_core.storage.files import write_json
from fer_core.tasks.supervisor import take
from tests.pages.conftest import PageOpener, press, rerun


def test_the_suggested_rate_is_taken_into_the_form_with_a_click(
    open_page: PageOpener, no_supervisor: None
) -> None:
    draw_dataset("faces", count=70)
    page = open_page("train")
    press(page, "Find the learning rate")
    task = newest_rate_test("faces", "cnn_classic")
    assert task is not None and list_runs() == []
    attempt = take(task)
    assert attempt is not None
    rates = tuple(10.0 ** (step / 20 - 6) for step in range(100))
    found = RateTest(rates, tuple(2 - min(step, 130 - step) / 100 for step in range(100)))
    save_rate_test(task, found)
    write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": time.time()})
    rerun(page)
    press(page, f"Use {found.suggestion:g}")
    (field,) = [each for each in page.number_input if each.label == "Learning rate"]
    assert field.value == found.suggestion
    assert newest_rate_test("faces", "cnn_classic") is None
