"""The command that serves a model to other programs: serve."""

import argparse
import os
from typing import Any

from fer_core.cli.console import RUN_HELP, echo
from fer_core.cli.runs import find_run
from fer_core.service import TOKEN, ServiceSettings, run_service


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    defaults = ServiceSettings
    serve = commands.add_parser(
        "serve",
        help="recognize expressions for other programs, as a web service",
        description="Answers POST /predict with what the Predict page offers as JSON; see /docs "
        "at its address. Ctrl+C or SIGTERM ends it after the requests that have begun.",
    )
    serve.add_argument("run", help=RUN_HELP)
    serve.add_argument(
        "--port", type=int, default=defaults.port, help="port to listen on (default: %(default)s)"
    )
    serve.add_argument(
        "--host",
        default=defaults.host,
        help="address to listen on (default: %(default)s, which only this machine can reach; any "
        "other needs --token)",
    )
    serve.add_argument(
        "--token",
        default=os.environ.get(TOKEN, ""),
        help="secret that clients must send as `Authorization: Bearer TOKEN`; other users of this "
        f"machine can see the command line, so better set the environment variable {TOKEN}",
    )
    _add_limits(serve)
    serve.set_defaults(command=_serve)


def _add_limits(serve: argparse.ArgumentParser) -> None:
    defaults = ServiceSettings
    serve.add_argument(
        "--max-mb",
        type=int,
        default=defaults.max_request_bytes // 1_000_000,
        metavar="N",
        help="largest size of a request in megabytes (default: %(default)s)",
    )
    serve.add_argument(
        "--max-images",
        type=int,
        default=defaults.max_images,
        metavar="N",
        help="most images in a request (default: %(default)s)",
    )
    serve.add_argument(
        "--rate",
        type=int,
        default=defaults.rate,
        metavar="N",
        help="most requests per minute from one address (default: unlimited on this machine, else "
        "600)",
    )


def _serve(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    settings = ServiceSettings(
        host=options.host,
        port=options.port,
        token=options.token,
        max_request_bytes=options.max_mb * 1_000_000,
        max_images=options.max_images,
        rate=options.rate,
    )
    run_service(run, settings, lambda address: echo(f"{run.name} answers at {address}/docs"))
    echo("The service has ended.")
    return 0
