"""Reads foreign models in a process of its own, which anything in a file may end."""

import json
import logging
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from fer_core.errors import FerError
from fer_core.hardware import subprocess_env
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.storage import check_record, paths

_LOG = logging.getLogger(__name__)

_CHILD = "fer_core.model_io.importing.child"
_MAX_SECONDS = 300  # by the clock; the processor's time is limited too
_MAX_ANSWER_BYTES = 2**20


def read_model(files: Files, choices: ImportChoices | None, folder: Path) -> ForeignModel:
    """Reads a foreign model, and with choices writes it into the folder; see `kinds.Kind`.

    Raises:
        FerError: it cannot be imported; the message names the file, and says what to do.
    """
    for path in filter(None, (files.model, files.weights)):
        if not path.exists():
            raise FerError(f"There must be a file. There is no {path}.")
    answer = _ask(files, choices, folder)
    if "model" in answer:
        return check_record(ForeignModel, answer["model"])
    name = files.model.name
    if "fault" in answer:
        # Nearly always damage; but a fault of this program must be found too.
        _LOG.info("%s could not be read.\n%s", name, answer.get("traceback"))
        raise FerError(f"{name} is damaged, or not what it seems to be. {answer['fault']}")
    refusal = str(answer.get("refusal") or _died(answer))
    raise FerError(refusal if name in refusal else f"{name} cannot be imported. {refusal}")


def _died(answer: dict[str, Any]) -> str:
    return (
        "Reading it took too much memory or time, or ended the process that read it "
        f"(exit code {answer.get('code')})."
    )


def _ask(files: Files, choices: ImportChoices | None, folder: Path) -> dict[str, Any]:
    request = {
        "model": str(files.model.resolve()),
        "weights": str(files.weights.resolve()) if files.weights else None,
        "choices": asdict(choices) if choices else None,
        "folder": str(folder.resolve()),
    }
    environment = subprocess_env() | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        try:
            done = subprocess.run(
                [sys.executable, "-m", _CHILD],
                input=json.dumps(request).encode(),
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=paths.PROJECT,
                env=environment,
                timeout=_MAX_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"refusal": f"Reading it took more than {_MAX_SECONDS} seconds."}
        log.seek(max(0, log.seek(0, 2) - _MAX_ANSWER_BYTES))
        _LOG.debug("%s", log.read().decode(errors="replace"))
    with suppress(msgspec.DecodeError):
        if len(done.stdout) <= _MAX_ANSWER_BYTES:
            return msgspec.json.decode(done.stdout, type=dict[str, Any])
    return {"code": done.returncode}
