"""Errors on pages: refused actions, and internal errors without a traceback."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import error_util
from streamlit.testing.v1 import AppTest

from fer_core import hardware
from pages.components.shared import errors
from tests.pages.conftest import APP, PageOpener

handle_uncaught_errors = errors.handle_uncaught_errors  # before a fixture replaces it


@pytest.fixture
def handled_errors(monkeypatch: pytest.MonkeyPatch, raised_errors: None) -> Iterator[None]:
    """Handles uncaught exceptions as the app does."""
    monkeypatch.setattr(errors, "handle_uncaught_errors", handle_uncaught_errors)
    shown = error_util.show_uncaught_app_exception
    monkeypatch.setattr(error_util, "show_uncaught_app_exception", shown)
    yield
    logging.getLogger(error_util.__name__).removeHandler(errors._LOG)


def broken(*arguments: object) -> str:
    raise TypeError("a bug")


def open_home() -> AppTest:
    return AppTest.from_file(str(APP), default_timeout=120).run()


def assert_reported(page: AppTest) -> None:
    assert "Internal error** (TypeError)" in page.error[0].value
    assert str(errors.log_file()) in page.error[0].value
    log = errors.log_file().read_text()
    assert "Traceback (most recent call last)" in log and "TypeError: a bug" in log


def test_a_bug_in_a_page_is_shown_without_its_traceback_and_logged(
    handled_errors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_core import runs

    monkeypatch.setattr(runs, "list_pretrained", broken)
    page = open_home()
    assert not page.exception
    assert_reported(page)


def test_a_bug_in_a_fragment_is_shown_and_logged_too(
    handled_errors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "describe", broken)
    page = open_home()
    assert not page.exception
    assert_reported(page)
    assert page.title[0].value == "FER Studio"


def test_a_bug_in_a_callback_is_shown_and_logged_too(
    handled_errors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_home()
    monkeypatch.setattr("fer_core.tasks.queue.submit", broken)
    page.button[0].click().run()
    assert not page.exception
    assert_reported(page)


def test_the_log_is_bounded(
    handled_errors: None, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.setattr(errors, "_MAX_LOG_BYTES", 2_000)
    handle_uncaught_errors()
    for _ in range(100):
        logging.getLogger(error_util.__name__).error("a line of text that fills the log")
    logs = list((workspace / "logs").iterdir())
    assert len(logs) == 3 and all(log.stat().st_size <= 2_000 for log in logs)


def test_an_unwritable_log_does_not_hide_the_error(
    handled_errors: None, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    workspace.mkdir()
    (workspace / "logs").write_text("a file where the folder should be")
    monkeypatch.setattr(hardware, "describe", broken)
    assert "Internal error** (TypeError)" in open_home().error[0].value


def test_a_page_that_stops_early_is_no_error(handled_errors: None, open_page: PageOpener) -> None:
    page = open_page("evaluate")  # without a model it calls st.stop
    assert not page.error and not errors.log_file().exists()


def test_tests_see_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "describe", broken)
    assert open_home().exception[0].message == "a bug"


def test_a_refused_action_is_reported_once(open_page: PageOpener) -> None:
    def page() -> None:
        import streamlit as st

        from fer_core.errors import FerError
        from pages.components.shared.errors import run_or_report, show_reported_errors

        def refuse() -> None:
            raise FerError("The run is queued: *stop* it first.")

        show_reported_errors()
        st.button("Delete", on_click=run_or_report, args=(refuse,))

    app = AppTest.from_function(page, default_timeout=120).run()
    app.button[0].click().run()
    assert [error.value for error in app.error] == [r"The run is queued: \*stop\* it first."]
    assert not app.run().error
