"""Permissions of the people who reach this server: what is off, why, and how to switch it on."""

import os
from typing import TypedDict

import streamlit as st
from streamlit import config, runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core import access
from fer_core.access import PATHS, WORKSPACE_GB, WRITE, Access, is_local
from fer_core.errors import FerError
from pages.components.shared.formatting import plain
from pages.components.shared.uploads import limit_uploads

_REACHED = "Switched off, since people on other machines can reach this server."
_WRITE_OFF = f"{_REACHED} Its owner can allow changes with {WRITE}=1."
_PATHS_OFF = f"{_REACHED} Its owner can name folders that may be read with {PATHS}."


class WidgetState(TypedDict):
    """Arguments of a button or a field."""

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
    """Shows what people on other machines may do here, and how the owner can change it."""
    quota = permissions.workspace_bytes
    room = f" The workspace may take {quota / 1e9:,.0f} GB ({WORKSPACE_GB})." if quota else ""
    changes = "on" if permissions.may_write else f"off; {WRITE}=1 allows them"
    folders = "off" if not permissions.folders else f"{len(permissions.folders)} allowed"
    st.warning(
        "**People on other machines can reach this server, and there is no password.** "
        f"Changes (import, train, evaluate, correct, delete): {changes}. Reading folders of this "
        f"machine: {folders}"
        + ("." if permissions.folders else f"; {PATHS} names those that may be read.")
        + room,
        icon=":material/public:",
    )
