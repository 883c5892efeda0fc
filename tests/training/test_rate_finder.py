from pathlib import Path

import pytest

from fer_core import experiments
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.experiments import RateTest, newest_rate_test, read_rate_test, submit_rate_test
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.storage.files import write_json
from fer_core.tasks import queue
from fer_core.tasks.supervisor import take
from fer_core.training.rate_finder import run_rate_test


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def test_a_rate_at_which_the_loss_falls_is_suggested_and_the_model_thrown_away(
    workspace: Path, small_model: None
) -> None:
    draw_dataset("faces", count=140)
    config = TrainConfig(dataset="faces", recipe="cnn_classic", batch_size=16, schedule="cosine")
    task = submit_rate_test(config)
    assert newest_rate_test("faces", "cnn_classic") == task and read_rate_test(task) is None
    attempt = take(task)
    assert attempt is not None
    run_rate_test(task)
    write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 1.0})
    found = read_rate_test(task)
    assert found is not None and len(found.losses) > 50
    assert list(found.rates) == sorted(found.rates)
    assert found.suggestion is not None and 1e-4 <= found.suggestion <= 1e-1
    assert not experiments.run_folder(task.directory).exists() and list_runs() == []


def test_a_rate_test_says_when_nothing_was_learned() -> None:
    rates = tuple(10.0 ** (step / 20 - 6) for step in range(100))
    flat = RateTest(rates, (2.0,) * 100)
    assert flat.suggestion is None
    valley = RateTest(rates, tuple(2 - min(step, 130 - step) / 100 for step in range(100)))
    best = rates[int(valley.smoothed.argmin())]
    assert valley.suggestion == pytest.approx(best / 10, rel=0.05)
    with pytest.raises(FerError):
        RateTest(rates, (1.0,))


def test_a_test_with_impossible_settings_leaves_nothing(workspace: Path) -> None:
    with pytest.raises(FerError):
        submit_rate_test(TrainConfig(dataset="none"))
    assert newest_rate_test("none", "") is None
