"""Permissions of the people who reach this server: what is off, why, and how to switch it on."""

import os
from typing import TypedDict

import streamlit as st
from streamlit import config, runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core import access
from fer_core.access import PATHS, WRITE, Access, is_local
from fer_core.errors import FerError
from pages.components.shared.formatting import code, plain
from pages.components.shared.uploads import limit_uploads

_REACHED = "Switched off, since people on other machines can reach this server."
_WRITE_OFF = f"{_REACHED} Its owner can allow changes with {WRITE}=1."
_PATHS_OFF = f"{_REACHED} Its owner can name folders that may be read with {PATHS}."
LOG_OFF = f"{_REACHED} Its owner can open the log by adding the workspace to {PATHS}."


class WidgetState(TypedDict):
    """Holds the arguments of a button or a field."""

    disabled: bool
    help: str | None


def server_access() -> Access:
    """Returns the permissions of the session's user; the place to ask who has logged in.

    Raises:
        FerError: a variable of the environment has a value that is not understood.
    """
    if not runtime.exists():  # pages are imported, but not served
        return access.OWNER
    return Access.of_server(
        config.get_option("server.address"), os.environ, is_forwarded=_is_forwarded()
    )


def show_access() -> None:
    """Limits uploads, and shows a notice of what is off.

    Ends the page if the permissions cannot be told.
    """
    try:
        permissions = server_access()
    except FerError as error:
        st.error(plain(str(error)), icon=":material/lock:")
        st.stop()
    if runtime.exists():
        limit_uploads(server_access)
    if permissions.is_public:
        _show_notice(permissions)


def writing(*, disabled: bool = False, help: str | None = None) -> WidgetState:
    """Returns the state of a button that changes something: disabled, with why, if that is off."""
    if access.current().may_write:
        return {"disabled": disabled, "help": help}
    return {"disabled": True, "help": _WRITE_OFF}


def reading_paths(*, help: str | None = None) -> WidgetState:
    """Returns the state of a field for a path: disabled, with why, if no path may be read."""
    if access.current().may_read_paths:
        return {"disabled": False, "help": help}
    return {"disabled": True, "help": _PATHS_OFF}


def upload_limit(most: int) -> int:
    """Returns how many MB an uploaded file may have, at most `most`."""
    limit = access.current().session_upload_bytes
    return most if limit is None else max(1, min(most, limit >> 20))


# On import, which no page goes without: an action must never find the permissions of the owner.
access.install(server_access)


def _is_forwarded() -> bool:
    """Tells whether the page was not opened as one of this machine: a proxy or tunnel serves it.

    A page of another site whose name points to this machine (DNS rebinding) looks like that too.
    """
    if get_script_run_ctx(suppress_warning=True) is None:  # no session, but the server itself
        return False
    headers = st.context.headers
    host = headers.get("Host", "localhost")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return not is_local(name) or "X-Forwarded-For" in headers


def _show_notice(permissions: Access) -> None:
    """Shows what is off for people on other machines, and how the owner can switch it on."""
    off = []
    if not permissions.may_write:
        off.append(f"changes, such as training and deleting ({code(f'{WRITE}=1')} allows them)")
    if not permissions.may_read_paths:
        off.append(f"folders of this machine ({code(PATHS)} names those that may be read)")
    said = f"Off: {'; '.join(off)}." if off else "Everybody can change and delete everything."
    st.warning(
        f"**People on other machines can reach this server, without a password.** {said}",
        icon=":material/public:",
    )
