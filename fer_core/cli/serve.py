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
        "at its address. Ends by Ctrl+C or SIGTERM, after the requests that have begun.",
    )
    serve.add_argument("run", help=RUN_HELP)
    serve.add_argument("--port", type=int, default=defaults.port, help="default: %(default)s")
    serve.add_argument(
        "--host",
        default=defaults.host,
        help="the address to listen on; other machines can only reach another than the default, "
        "which is %(default)s, and need the token",
    )
    serve.add_argument(
        "--token",
        default=os.environ.get(TOKEN, ""),
        help="that programs must send as `Authorization: Bearer TOKEN`; other users of this "
        f"machine can read it here, but not in the environment variable {TOKEN}",
    )
    serve.add_argument(
        "--max-mb",
        type=int,
        default=defaults.max_request_bytes // 1_000_000,
        metavar="N",
        help="of a request (default: %(default)s)",
    )
    serve.add_argument(
        "--max-images",
        type=int,
        default=defaults.max_images,
        metavar="N",
        help="of a request (default: %(default)s)",
    )
    serve.add_argument(
        "--rate",
        type=int,
        default=defaults.rate,
        metavar="N",
        help="requests a minute of one address (default: any number on this machine, else 600)",
    )
    serve.set_defaults(command=_serve)


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
