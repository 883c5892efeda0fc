"""Offers files that are made when a download button is pressed."""

import threading
import uuid
from collections.abc import Callable

import streamlit as st
from streamlit import runtime

_HELD_SECONDS = 120.0  # a busy browser asks for the file some seconds after it was made


def offer_download(
    label: str,
    make: Callable[[], str | bytes],
    name: str,
    mime: str,
    *,
    key: str,
    icon: str = ":material/download:",
    disabled: bool = False,
    help: str | None = None,
) -> None:
    """Shows a button that downloads what `make` returns when it is pressed.

    Args:
        make: called in a thread that belongs to no session.
        name: of the file.
    """
    st.download_button(
        label,
        lambda: held(make(), name, mime),
        file_name=name,
        mime=mime,
        icon=icon,
        on_click="ignore",
        key=key,
        disabled=disabled,
        help=help,
    )


def held(content: str | bytes, name: str, mime: str) -> bytes:
    """Returns the content of a file, after registering it for as long as a browser may want it.

    Streamlit (1.67) keeps a file that was made for a pressed button only until two runs of any
    page or fragment have ended. That is a second where a page refreshes itself, and a download
    that begins later is canceled. This goes when such files have an owner there.
    """
    data = content.encode() if isinstance(content, str) else content
    if runtime.exists():
        files = runtime.get_instance().media_file_mgr
        place = f"download-{uuid.uuid4().hex}"

        def hold(data: bytes) -> None:
            files.add(data, mime, place, file_name=name, is_for_static_download=True)

        hold(data)
        release = threading.Timer(_HELD_SECONDS, hold, [b""])  # takes the place of the file
        release.daemon = True
        release.start()
    return data
