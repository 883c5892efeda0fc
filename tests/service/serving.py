"""Runs the service in a process of its own, for tests and benchmarks."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROJECT = Path(__file__).parents[2]
MODEL = "residual-cnn"
PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Service:
    """A service that answers."""

    address: str
    process: subprocess.Popen[str]
    log: Path

    def connect(self) -> http.client.HTTPConnection:
        """Returns a new connection."""
        parts = urlsplit(self.address)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Returns the status code and the JSON of an answer."""
        with closing(self.connect()) as connection:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def predict(
        self, image: bytes, query: str = "", kind: str = "image/png", **headers: str
    ) -> tuple[int, Any]:
        """Returns the status code and the JSON of the answer for an image or form."""
        return self.ask("POST", f"/predict{query}", image, {"Content-Type": kind, **headers})


@contextmanager
def serving(log: Path, *options: str, **environment: str) -> Iterator[Service]:
    """Serves the pretrained model at a free port, and writes the service's log to a file."""
    command = [sys.executable, "-m", "fer_core", "serve", MODEL, "--port", "0", *options]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, f"the service ended: {log.read_text()}"
        yield Service(line.split()[-1].removesuffix("/docs"), process, log)
    finally:
        process.kill()
        process.communicate()


def form(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Returns a form with files, and its content type."""
    parts = [
        b'--END\r\nContent-Disposition: form-data; name="images"; filename="'
        + name.encode()
        + b'"\r\nContent-Type: application/octet-stream\r\n\r\n'
        + data
        + b"\r\n"
        for name, data in files.items()
    ]
    return b"".join([*parts, b"--END--\r\n"]), "multipart/form-data; boundary=END"
