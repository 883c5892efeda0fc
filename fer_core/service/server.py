"""Runs the service until it is asked to end."""

import logging
import os
import socket
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fer_core import access, evaluation, vision
from fer_core.errors import FerError
from fer_core.model_io import PROHIBITED_USES, usage_of
from fer_core.runs import Run
from fer_core.service.settings import ServiceSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_PACKAGES = {
    "fastapi": "fastapi",
    "fastapi_offline": "fastapi-offline",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
}
_BACKLOG = 128
_END_SECONDS = 10  # for requests that are being answered when the service ends


def run_service(run: Run, settings: ServiceSettings, report: Callable[[str], None]) -> None:
    """Serves a run's model until SIGINT or SIGTERM; answers what has begun, then ends.

    Args:
        report: called with the address, once the service answers.

    Raises:
        FerError: a package is missing, the run has no usable model, or the address is taken.
    """
    missing = [package for module, package in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise FerError(
            f"The service must have more packages. Install them: pip install {' '.join(missing)}"
        )
    settings = settings.within(os.environ)
    permissions = access.Access.of_server(settings.host, os.environ)
    from fer_core.service.recognizer import Recognizer

    vision.decode_large_elsewhere()
    listener = _listen(settings)
    with closing(listener), closing(Recognizer(run)) as recognizer:
        access.install(lambda: permissions)
        _serve(_create_app(run, settings, recognizer), listener, report)


def _create_app(run: Run, settings: ServiceSettings, recognizer: Any) -> "ASGIApp":
    from fer_core.service.app import Service, create_app
    from fer_core.service.connections import CloseUnread
    from fer_core.service.limits import RateLimit, UploadMemory

    service = Service(
        settings,
        recognizer,
        describe_model(run),
        UploadMemory(settings.max_upload_bytes),
        RateLimit(settings.rate),
    )
    return CloseUnread(create_app(service))


def describe_model(run: Run) -> dict[str, Any]:
    """Returns what the service tells of a run's model; see `answers.Model`.

    Raises:
        FerError: the run has no model, or its files are damaged.
    """
    usage = usage_of(run, (0.0, 255.0))
    return {
        "note": "A facial expression is not an emotion.",
        "must_not_be_used_for": PROHIBITED_USES,
        "license": usage.license,
        "model": evaluation.provenance_of(run).record(),
        "input": {
            "height": usage.height,
            "width": usage.width,
            "channels": usage.channels,
            "color": usage.color,
            "crop_margin": usage.crop_margin,
        },
        "temperature": usage.temperature,
        "threshold": usage.threshold,
        "sha256": usage.model_sha256,
        "card": evaluation.read_card(run),
    }


def _listen(settings: ServiceSettings) -> socket.socket:
    host, port = settings.host.strip("[]"), settings.port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no name"
        raise FerError(
            f"The service must be able to listen on {host}, port {port}: {reason}. "
            "Choose another with --port or --host."
        ) from error


def _serve(app: "ASGIApp", listener: socket.socket, report: Callable[[str], None]) -> None:
    import uvicorn

    from fer_core.service.uvicorn_server import ImpatientProtocol, Server

    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level="INFO")
    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_END_SECONDS,
    )
    Server(config, lambda: report(address)).run(sockets=[listener])
