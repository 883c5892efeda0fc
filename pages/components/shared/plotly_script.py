"""Serves Plotly's script to browsers: a route of the server, and its address for live figures.

A browser compiles such a script on another thread, and keeps it for the next visit. Sent as the
script of a Streamlit component, its 4.8 MB block the page each time.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse
from starlette.routing import Route
from streamlit import config

if TYPE_CHECKING:
    from starlette.requests import Request

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",  # its address has the version
    # Else Streamlit compresses it again for each browser, unlike its own scripts.
    "Content-Encoding": "identity",
}


def script_route() -> Route:
    """Returns the HTTP route of the script, without loading Plotly while the server starts."""
    return Route(_path(), _send)


def script_address() -> str:
    """Returns the address of the script on this server."""
    import plotly

    return f"{_path()}?v={plotly.__version__}"


def _send(request: "Request") -> FileResponse:
    import plotly

    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return FileResponse(script, headers=_HEADERS)


def _path() -> str:
    base = config.get_option("server.baseUrlPath").strip("/")
    return f"/{base}/scripts/plotly.min.js" if base else "/scripts/plotly.min.js"
