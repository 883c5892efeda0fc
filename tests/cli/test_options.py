"""The spellings of commands and options, old and new."""

import argparse

import pytest

from fer_core import __main__
from fer_core.__main__ import main
from fer_core.errors import FerError

TRAIN = ["train", "--dataset", "faces", "--recipe", "cnn_classic"]
OLD_AND_NEW = [
    ([*TRAIN, "--average-views"], [*TRAIN, "--tta"]),
    ([*TRAIN, "--no-average-views"], [*TRAIN, "--no-tta"]),
    ([*TRAIN, "--overlay"], [*TRAIN, "--corrections"]),
    ([*TRAIN, "--no-overlay"], [*TRAIN, "--no-corrections"]),
    (["evaluate", "RUN", "--average-views"], ["evaluate", "RUN", "--tta"]),
    (["predict", "RUN", "a.png", "--average-views"], ["predict", "RUN", "a.png", "--tta"]),
    (["video", "RUN", "a.mp4", "--average-views"], ["video", "RUN", "a.mp4", "--tta"]),
    (["queue", "--resume-by-itself"], ["queue", "--auto-resume"]),
    (["queue", "--no-resume-by-itself"], ["queue", "--no-auto-resume"]),
    (["overlay", "faces", "--export", "a.csv"], ["corrections", "faces", "--export", "a.csv"]),
    (["overlay", "faces", "--import", "a.csv"], ["corrections", "faces", "--import", "a.csv"]),
]


def parse(arguments: list[str]) -> argparse.Namespace:
    return __main__._parser().parse_args(arguments)


@pytest.mark.parametrize(("old", "new"), OLD_AND_NEW, ids=lambda arguments: arguments[-1])
def test_an_old_spelling_still_works(old: list[str], new: list[str]) -> None:
    assert parse(old) == parse(new)


def test_an_option_that_is_not_given_keeps_the_recipes_setting() -> None:
    options = parse(TRAIN)
    assert options.average_views is None and options.overlay is None
    assert parse(["queue"]).auto_resume is None
    assert parse(["predict", "RUN", "a.png"]).tta is False


@pytest.mark.parametrize("command", ["", "train", "evaluate", "predict", "video", "queue"])
def test_the_help_lists_only_the_new_spellings(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse([*command.split(), "--help"])
    text = capsys.readouterr().out
    for old in ("average-views", "overlay", "resume-by-itself", "SUPPRESS"):
        assert old not in text


def test_an_error_that_the_user_can_solve_is_printed_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> list[object]:
        raise FerError("There must be runs.")

    monkeypatch.setattr("fer_core.cli.runs.list_runs", refuse)
    assert main(["runs"]) == 1
    assert capsys.readouterr().err == "There must be runs.\n"


def test_an_internal_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[object]:
        raise ValueError("cannot reshape array")

    monkeypatch.setattr("fer_core.cli.runs.list_runs", fail)
    with pytest.raises(ValueError, match="cannot reshape array"):
        main(["runs"])
