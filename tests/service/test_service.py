"""Tests the service in a process of its own, with valid, careless and hostile requests."""

import io
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from skimage import data

from fer_core.evaluation import provenance_of, threshold_of
from fer_core.inference import Classifier, PhotoResult, PhotoSettings, recognition, results_json
from fer_core.runs import Run
from fer_core.storage import paths
from fer_core.vision import FaceDetector, encode, min_face_size
from tests.service.serving import MODEL, Service, form, serving

pytest.importorskip("fastapi_offline", reason="needs fastapi and fastapi-offline")
pytestmark = pytest.mark.slow

PHOTO = data.astronaut()
ASTRONAUT, CROPPED = encode(PHOTO), encode(PHOTO[40:200, 150:300])
TOKEN = "correct-horse"
CLIENTS = 32


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service on one core, without a token, that takes 2 MB and 5 images."""
    log = tmp_path_factory.mktemp("service") / "log.txt"
    limits = ("--max-mb", "2", "--max-images", "5")
    with serving(log, *limits, OMP_NUM_THREADS="1", FER_HOME=str(log.parent / "home")) as running:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(running.process.pid, {min(os.sched_getaffinity(0))})
        yield running


@pytest.fixture(autouse=True)
def still_answers(service: Service) -> Iterator[None]:
    """Finds the service running after a test, and no traceback in its log."""
    yield
    status, answer = service.ask("GET", "/health")
    assert (status, answer["status"]) == (200, "ok")
    assert "Traceback" not in service.log.read_text()


def huge_png(side: int) -> bytes:
    """A PNG of so many pixels a side, whose pixels are missing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + checksum


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def expected_json(settings: PhotoSettings) -> dict:
    """Returns the JSON that the Predict page offers for the photo, without its timing."""
    run = Run(paths.PROJECT / "fer_core/pretrained" / MODEL)
    classifier = Classifier.load(run, tta=settings.tta)
    found = recognition.recognize(PHOTO, FaceDetector(), classifier)
    height, width = PHOTO.shape[:2]
    smallest = min_face_size(height, width)
    result = PhotoResult(tuple(found), height, width, smallest, 0.0)
    threshold = threshold_of(run, tta=settings.tta, min_accuracy=settings.min_accuracy)
    record = provenance_of(run, tta=settings.tta).record()
    return json.loads(results_json({"image": result}, [], record, settings, threshold or 0.0))


def test_an_image_gets_the_json_of_the_predict_page(service: Service) -> None:
    for query, settings in (
        ("", PhotoSettings(0.8)),
        ("?test_time_augmentation=1&minimum_accuracy=0.9", PhotoSettings(0.9, tta=True)),
    ):
        status, answer = service.predict(ASTRONAUT, query)
        assert status == 200 and answer["images"][0].pop("milliseconds") > 0
        expected = expected_json(settings)
        expected["images"][0].pop("milliseconds")
        assert len(answer["images"][0]["faces"]) == 1
        assert answer == expected


def test_a_form_brings_many_images_and_archives_of_them(service: Service) -> None:
    files = {"a.png": CROPPED, "b.png": b"", "c.zip": archive(d=b"text", **{"e.png": CROPPED})}
    body, kind = form(files)
    status, answer = service.predict(body, "?picture_is_face=true", kind)
    assert status == 200
    assert [each["image"] for each in answer["images"]] == ["a.png", "c.zip/e.png"]
    assert all(each["faces"][0]["detection"] == "whole picture" for each in answer["images"])
    (error,) = answer["errors"]
    assert "b.png" in error


def test_the_model_says_where_it_comes_from_and_what_it_is_not_for(service: Service) -> None:
    status, model = service.ask("GET", "/model")
    assert status == 200
    assert model["model"]["trained_on"] == "fer2013" and model["model"]["accuracy"]["images"] > 3000
    assert len(model["model"]["expressions"]) == 7
    assert model["license"] and model["must_not_be_used_for"] and model["card"]


def test_what_cannot_be_answered_gets_a_sentence_and_its_status_code(service: Service) -> None:
    body, kind = form({"a.png": CROPPED})
    six, _ = form({f"{number}.png": CROPPED for number in range(6)})
    many_zipped, _ = form({"a.zip": archive(**{f"{n}.png": CROPPED for n in range(6)})})
    field = body.replace(b'; filename="a.png"', b"")
    host = urlsplit(service.address).port
    cases = [
        (400, service.predict(body[:-20], kind=kind)),
        (400, service.predict(body, kind="multipart/form-data")),
        (400, service.predict(body.replace(b"\r\n\r\n", b"\r\n"), kind=kind)),
        (403, service.predict(ASTRONAUT, Origin="https://example.com")),
        (403, service.predict(ASTRONAUT, Host=f"example.com:{host}")),
        (403, service.predict(ASTRONAUT, Host="[")),
        (404, service.ask("GET", "/predict/x")),
        (405, service.ask("GET", "/predict")),
        (413, service.predict(bytes(2_000_001))),
        (413, service.predict(six, kind=kind)),
        (413, service.predict(many_zipped, kind=kind)),
        (415, service.predict(b"{}", kind="application/json")),
        (422, service.predict(field, kind=kind)),
        (422, service.predict(b"--END--\r\n", kind=kind)),
        (422, service.predict(b"", kind="application/x-www-form-urlencoded")),  # curl's
        (422, service.predict(ASTRONAUT[:5000])),
        (422, service.predict(huge_png(60_000))),
        (422, service.predict(ASTRONAUT, "?minimum_accuracy=nan")),
        (422, service.predict(ASTRONAUT, "?whole=1")),
    ]
    for number, (expected, (status, answer)) in enumerate(cases):
        assert (number, status) == (number, expected), answer
        assert list(answer) == ["error"] and answer["error"]


def test_a_giant_upload_is_refused_before_it_is_sent(service: Service) -> None:
    with closing(service.connect()) as connection:
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_endless_and_compressed_uploads_take_no_memory(service: Service) -> None:
    process = psutil.Process(service.process.pid)
    service.predict(ASTRONAUT)
    before = process.memory_info().rss
    status, _ = service.predict((bytes(100_000) for _ in range(500)), kind="image/png")
    assert status == 413
    bomb, kind = form({"bomb.zip": archive(**{"a.png": bytes(400_000_000)})})
    assert len(bomb) < 2_000_000
    status, _ = service.predict(bomb, kind=kind)
    assert status == 422
    assert process.memory_info().rss - before < 60_000_000


def test_32_clients_at_a_time_get_their_own_answers(service: Service) -> None:
    def ask(number: int) -> list[int]:
        side = 48 + number
        image = encode(PHOTO[:side, :side])
        answers = [service.predict(image, "?picture_is_face=true") for _ in range(4)]
        assert {status for status, _ in answers} == {200}
        return [answer["images"][0]["width"] for _, answer in answers]

    with ThreadPoolExecutor(CLIENTS) as pool:
        widths = list(pool.map(ask, range(CLIENTS)))
    assert widths == [[48 + number] * 4 for number in range(CLIENTS)]


def test_clients_that_stop_or_go_away_disturb_nobody(service: Service) -> None:
    parts = urlsplit(service.address)
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(ASTRONAUT)}\r\n\r\n"
    ).encode()
    sent = [b"", b"POST", head, head + ASTRONAUT[:5000], head + ASTRONAUT]
    clients = []
    for _ in range(8):
        for begun in sent:
            clients.append(socket.create_connection((parts.hostname, parts.port)))
            clients[-1].sendall(begun)
    status, _ = service.predict(ASTRONAUT)
    assert status == 200
    for client in clients:  # half of them with the answer unread, or in the middle of the upload
        client.close()
    status, _ = service.predict(ASTRONAUT)
    assert status == 200


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads what Linux tells")
def test_the_service_loads_no_tensorflow(service: Service) -> None:
    service.predict(ASTRONAUT)
    maps = Path(f"/proc/{service.process.pid}/maps").read_text()
    assert "onnxruntime" in maps and "tensorflow" not in maps


def test_a_request_that_has_begun_is_answered_before_the_service_ends(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with serving(log, FER_SERVICE_TOKEN=TOKEN, FER_HOME=str(tmp_path / "home")) as other:
        assert other.predict(ASTRONAUT)[0] == 401
        assert other.predict(ASTRONAUT, Authorization="Bearer correct-hors")[0] == 401
        with closing(other.connect()) as connection:
            connection.putrequest("POST", "/predict")
            for name, value in {
                "Authorization": f"Bearer {TOKEN}",
                "Content-Length": str(len(ASTRONAUT)),
                "Content-Type": "image/png",
                "Expect": "100-continue",
            }.items():
                connection.putheader(name, value)
            connection.endheaders()
            assert connection.sock is not None
            assert b"100 Continue" in connection.sock.recv(1000)  # it reads the upload now
            other.process.send_signal(signal.SIGTERM)
            connection.send(ASTRONAUT)
            answer = connection.getresponse()
            assert answer.status == 200
            assert len(json.loads(answer.read())["images"][0]["faces"]) == 1
        assert other.process.wait(timeout=60) == 0
    text = log.read_text()
    assert "Traceback" not in text and TOKEN not in text


@pytest.mark.skipif(shutil.which("schemathesis") is None, reason="needs schemathesis")
def test_the_service_does_what_its_documentation_says(service: Service, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.address}/openapi.json"]
    # Random bytes are no image, which the documentation cannot say.
    command += ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "15"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"[1-9]\d* passed", done.stdout)
