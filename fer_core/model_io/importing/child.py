"""Reads a foreign model with limits on memory and time; started by `reading`.

python -m fer_core.model_io.importing.child  takes a request as JSON from standard input, and writes
an answer as JSON to standard output: a model, or a sentence, or the traceback of another fault
"""

import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files
from fer_core.model_io.importing.kinds import kind_of
from fer_core.process_limits import limit_process
from fer_core.storage import check_record

MORE_BYTES = 4_000_000_000  # of address space, than after the imports; VGG19 takes 1 GB
MAX_SECONDS = 120  # of the processor; VGG19 takes 3
MAX_FILE_BYTES = 2**31  # that it may write


def main() -> None:
    """Answers one request."""
    request = json.loads(sys.stdin.buffer.read())
    output, sys.stdout = sys.stdout, sys.stderr  # nothing else may write into the answer
    limit()
    output.write(json.dumps(_answer(request)))
    output.flush()
    os._exit(0)  # the interpreter may lack the memory to end in order


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    weights, choices = request["weights"], request["choices"]
    files = Files(Path(request["model"]), Path(weights) if weights else None)
    chosen = check_record(ImportChoices, choices) if choices else None
    try:
        kind = kind_of(files.model)
        return {"model": asdict(kind.read(files, chosen, Path(request["folder"])))}
    except FerError as error:
        return {"refusal": str(error)}
    except MemoryError:
        return {"refusal": f"It needs more than {MORE_BYTES / 1e9:.0f} GB of memory to be read."}
    # A damaged file raises errors of zipfile, zlib, struct, h5py, NumPy, ONNX and others.
    except Exception as error:
        return {
            "fault": f"{type(error).__name__}: {error}"[:300],
            "traceback": traceback.format_exc(),
        }


def limit() -> None:
    """Limits this process to what a file may take."""
    limit_process(
        address_space=psutil.Process().memory_info().vms + MORE_BYTES,
        file_size=MAX_FILE_BYTES,
        cpu_seconds=MAX_SECONDS,
    )


if __name__ == "__main__":
    main()
