"""Tests the service's answers to clients without a network or a model."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from fer_core.errors import FerError
from fer_core.inference import PhotoBatch, PhotoSettings
from fer_core.runs import Run
from fer_core.service import ServiceSettings, run_service, server
from fer_core.service.limits import RateLimit, RefusedError, UploadMemory

app = pytest.importorskip(
    "fer_core.service.app", reason="needs fastapi and fastapi-offline", exc_type=ImportError
)
TOKEN = "correct-horse"
MODEL = {"input": {"crop_margin": 0.0}}
ANSWER = '{"images": []}'


class Recognizer:
    """Answers with what a test says, or never."""

    def __init__(self, outcome: Exception | None = None, *, answers: bool = True) -> None:
        self.outcome = outcome
        self.answers = answers
        self.asked: list[tuple[PhotoBatch, Future[Any]]] = []

    def submit(self, batch: PhotoBatch, settings: PhotoSettings) -> "Future[Any]":
        future: Future[Any] = Future()
        self.asked.append((batch, future))
        if self.outcome:
            future.set_exception(self.outcome)
        elif self.answers:
            future.set_result(app.Answer(ANSWER, 1, ()))
        return future


class Client:
    """Asks the app by ASGI."""

    def __init__(self, recognizer: Recognizer, memory: int = 10**9, **settings: Any) -> None:
        self.raised: Exception | None = None  # what the server would log
        chosen = ServiceSettings(**settings)
        self._app = app.create_app(
            app.Service(chosen, recognizer, MODEL, UploadMemory(memory), RateLimit(chosen.rate))
        )

    def predict(
        self, body: bytes = b"x", headers: Mapping[str, str] | None = None, *, leaves: bool = False
    ) -> tuple[int, Any]:
        """Returns the status code and the JSON of the answer."""
        return asyncio.run(self._predict(body, {"host": "localhost"} | dict(headers or {}), leaves))

    async def _predict(
        self, body: bytes, headers: Mapping[str, str], leaves: bool
    ) -> tuple[int, Any]:
        incoming: asyncio.Queue[dict] = asyncio.Queue()
        incoming.put_nowait({"type": "http.request", "body": body, "more_body": False})
        if leaves:
            incoming.put_nowait({"type": "http.disconnect"})
        sent: list[dict] = []

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        self.raised = None
        try:
            await self._app(scope, incoming.get, send)
        except RuntimeError as error:
            self.raised = error
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], json.loads(text or b"null")


def test_an_internal_error_reaches_the_log_and_not_the_client() -> None:
    client = Client(Recognizer(RuntimeError("secret of the inside")))
    status, answer = client.predict()
    assert status == 500 and "secret" not in json.dumps(answer)
    assert str(client.raised) == "secret of the inside"


def test_only_the_token_opens_the_service() -> None:
    recognizer = Recognizer()
    client = Client(recognizer, token=TOKEN)
    for header in ("", TOKEN, "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", "Bearer \xff"):
        assert client.predict(headers={"authorization": header})[0] == 401
    assert not recognizer.asked
    right = {"authorization": f"Bearer {TOKEN}", "host": "example.com"}
    assert client.predict(headers=right) == (200, json.loads(ANSWER))


def test_a_client_that_asks_too_often_must_wait() -> None:
    client = Client(Recognizer(), rate=12)  # two at once
    assert [client.predict()[0] for _ in range(4)] == [200, 200, 429, 429]


def test_uploads_that_arrive_together_are_bounded() -> None:
    client = Client(Recognizer(), memory=3_000_000)
    assert client.predict(bytes(4_000_000))[0] == 503
    assert client.predict(bytes(2_500_000))[0] == 200
    assert client.predict(bytes(2_500_000))[0] == 200  # the first one is gone
    memory = UploadMemory(3_000_000)
    with memory.reserve() as first, memory.reserve() as second:
        first.cover(2_500_000)
        with pytest.raises(RefusedError):
            second.cover(1)


def test_photos_of_a_client_that_went_away_are_not_recognized() -> None:
    recognizer = Recognizer(answers=False)
    Client(recognizer).predict(leaves=True)
    ((_, future),) = recognizer.asked
    assert future.cancelled()


def test_other_machines_need_a_token_and_meet_the_limits_of_the_dashboard() -> None:
    for host in ("0.0.0.0", "192.168.1.2", "::", "", "example.com"):
        with pytest.raises(FerError):
            ServiceSettings(host=host)
    assert ServiceSettings(host="::1").is_local
    public = ServiceSettings(host="0.0.0.0", token=TOKEN)
    limited = public.within({"FER_MAX_UPLOAD_MB": "1", "FER_MAX_UPLOADS_MB": "4"})
    assert (limited.max_request_bytes, limited.max_upload_bytes) == (2**20, 4 * 2**20)
    assert limited.rate > 0


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None if name == "fastapi" else name)
    with pytest.raises(FerError, match="pip install fastapi$"):
        run_service(Run(tmp_path), ServiceSettings(), print)
