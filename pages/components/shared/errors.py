"""Shows errors: refused actions as a sentence, internal errors with where their log is."""

import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

import streamlit as st
from streamlit import error_util

from fer_core import access
from fer_core.errors import FerError
from fer_core.storage import paths
from pages.components.shared.formatting import code, plain

_KEY = "reported-errors"
_STREAMLIT_LOGGER = logging.getLogger(error_util.__name__)
_MAX_LOG_BYTES, _OLD_LOGS = 1_000_000, 2


def run_or_toast(action: Callable[[], object]) -> None:
    """Runs the action of a button; shows a toast if it is refused."""
    message = _error_message(action)
    if message:
        st.toast(plain(message), icon=":material/info:")


def run_or_report(action: Callable[[], object]) -> bool:
    """Runs the action of a button; returns whether it was done.

    If it is refused, the next `show_reported_errors` shows why.
    """
    message = _error_message(action)
    if message:
        st.session_state.setdefault(_KEY, []).append(message)
    return not message


def show_reported_errors() -> None:
    """Shows the errors that `run_or_report` has collected since the last run of the page."""
    for message in st.session_state.pop(_KEY, []):
        st.error(plain(message))


def _error_message(action: Callable[[], object]) -> str:
    try:
        action()
    except (FerError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def log_file() -> Path:
    """Returns the path of the app's log of internal errors."""
    return paths.workspace() / "logs" / "app.log"


def handle_uncaught_errors() -> None:
    """Makes uncaught exceptions end as "Internal error" and in the log, without a traceback.

    Streamlit calls one function for whatever a page, a fragment or a callback raises. Fragments
    and callbacks run outside the frame, where no `try` would see their exceptions.
    """
    error_util.show_uncaught_app_exception = show_internal_error
    if _LOG not in _STREAMLIT_LOGGER.handlers:
        _STREAMLIT_LOGGER.addHandler(_LOG)


def show_internal_error(ex: BaseException) -> None:
    """Shows the type of an unexpected exception and where its traceback is."""
    place = "the server's log" if access.current().is_public else code(str(log_file()))
    st.error(
        f"**Internal error** ({plain(type(ex).__name__)}). This is a bug in FER Studio. "
        f"The traceback is in {place}; reload the page to try again.",
        icon=":material/bug_report:",
    )


class _WorkspaceLog(logging.Handler):
    """Appends records to the log in the workspace, which may differ from test to test."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log_file().parent.mkdir(parents=True, exist_ok=True)
            file = RotatingFileHandler(
                log_file(), maxBytes=_MAX_LOG_BYTES, backupCount=_OLD_LOGS, encoding="utf-8"
            )
        except OSError:  # disk full or read-only: the server's own log still has the traceback
            return
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        file.handle(record)
        file.close()


_LOG = _WorkspaceLog(logging.ERROR)
