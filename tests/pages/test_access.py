"""A server that people on other machines can reach."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from fer_core.access import Access
from fer_core.storage import paths
from fer_core.tasks import queue
from pages.components.datasets import class_changes
from pages.components.shared.uploads import UploadGate, limit_uploads
from tests.pages.conftest import APP, PageOpener, RunFactory, drawn_run, rerun, take, unfold

PAGES = ("home", "datasets", "train", "runs", "evaluate", "predict", "quiz")


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets the server listen on all addresses."""
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    yield
    config.set_option("server.address", before)


@pytest.fixture
def open_in_frame(monkeypatch: pytest.MonkeyPatch) -> PageOpener:
    """Returns a function that opens a page in `streamlit_app.py`, which AppTest leaves out."""
    begin = PagesManager.__init__

    def begin_with_navigation(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", begin_with_navigation)

    def open_page(name: str, **address: str) -> AppTest:
        app = rerun(AppTest.from_file(str(APP), default_timeout=120))
        app.switch_page(f"pages/{name}.py")
        app.session_state[class_changes.OPEN] = True
        return rerun(app)

    return open_page


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_is_off(
    page: str, public: None, open_in_frame: PageOpener, finished_run: RunFactory
) -> None:
    drawn_run(finished_run)
    app = open_in_frame(page)
    assert app.title[0].value == {"home": "FER Studio"}.get(page, page.capitalize())
    assert "FER_ALLOW_WRITE=1" in app.warning[0].value and "FER_ALLOW_PATHS" in app.warning[0].value


def test_a_local_server_says_nothing(open_in_frame: PageOpener) -> None:
    assert not open_in_frame("home").warning


def test_strangers_see_no_log_and_no_folder_of_the_machine_on_train(
    public: None, open_page: PageOpener, new_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run()
    attempt = take(run)
    (attempt / "worker.log").write_text('File "/home/bob/fer_core/x.py"')
    (attempt / "error.txt").write_text(
        f"/home/bob/faces must be a folder. See {attempt}/worker.log"
    )
    (attempt / "exit.json").write_text('{"code": 1, "ended": 1.0}')
    page = unfold(open_page("train", run=run.id), f"log-{run.id}")
    shown = "".join(each.value for kind in ("error", "caption", "code") for each in page.get(kind))
    assert (
        "bob" not in shown and str(paths.workspace()) not in shown and "must be a folder" in shown
    )
    monkeypatch.setenv("FER_ALLOW_PATHS", str(paths.workspace()))
    page = unfold(open_page("train", run=run.id), f"log-{run.id}")
    assert any("bob" in each.value for each in page.code)


def test_strangers_download_nothing_that_a_link_leads_to(
    public: None, open_page: PageOpener, finished_run: RunFactory, tmp_path: Path
) -> None:
    run, secret = finished_run(), tmp_path / "secret.txt"
    secret.write_text("secret")
    (run.directory / "export").mkdir(exist_ok=True)
    (run.directory / "export" / "link.h5").symlink_to(secret)
    (run.directory / "export" / "model.h5").write_text("a model")
    page = open_page("runs")
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": [0]}}
    offered = [button.label for button in rerun(page).download_button]
    assert any("model.h5" in label for label in offered)
    assert not any("link.h5" in label for label in offered)


def test_forged_presses_of_disabled_buttons_change_nothing(
    public: None,
    monkeypatch: pytest.MonkeyPatch,
    open_page: PageOpener,
    finished_run: RunFactory,
    new_run: RunFactory,
    no_supervisor: None,
) -> None:
    monkeypatch.setattr(Widget, "_assert_can_interact", lambda widget: None)
    queued = queue.submit(new_run().directory, "train")
    finished = drawn_run(finished_run)
    before, tried = contents(), set()
    for page, run in [*((page, finished) for page in PAGES), ("train", queued)]:
        app = open_page(page, run=run.id)
        while untried := [each for each in app.button if each.disabled and each.label not in tried]:
            untried[0].click()
            tried.add(untried[0].label)
            rerun(app)
    assert tried >= {"Create demo dataset", "Cancel this run", "Start training", "Scan images"}
    assert contents() == before


def contents() -> dict[str, bytes]:
    """Returns the content of every file of the workspace but caches and locks."""
    files = (path for path in paths.workspace().rglob("*") if path.is_file())
    kept = (path for path in files if "cache" not in path.parts and path.suffix != ".lock")
    return {str(path): path.read_bytes() for path in kept}


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    """Uploads of a server that allows 3 MB a session and 5 MB in all."""
    manager = MemoryUploadedFileManager("/upload")
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    monkeypatch.setattr(config, "set_option", lambda name, value: None)
    limits = Access(session_upload_bytes=3_000_000, upload_bytes=5_000_000)
    limit_uploads(lambda: limits)
    limit_uploads(lambda: limits)  # at every run of a page
    return manager


def upload(uploads: MemoryUploadedFileManager, session: str, name: str, size: int = 10**6) -> bool:
    """Uploads a file; returns whether the server took it."""
    try:
        uploads.add_file(session, UploadedFileRec(name, name, "", bytes(size)))
    except HTTPException as refused:
        assert refused.status_code == 413
        return False
    return True


def test_uploads_are_limited_in_a_session_and_in_all(uploads: MemoryUploadedFileManager) -> None:
    taken = [upload(uploads, session, f"{n}") for session in "abc" for n in range(3)]
    assert taken == [True, True, False] * 2 + [False] * 3  # 2 MB, 2 MB, none
    assert upload(uploads, "a", "0")  # replaces a file of the same number
    uploads.remove_session_files("a")
    assert upload(uploads, "c", "0") and upload(uploads, "c", "1")


def test_uploads_that_arrive_at_the_same_time_are_limited_together(
    uploads: MemoryUploadedFileManager,
) -> None:
    """Of a hundred uploads that never end, as many are received as fit."""
    held = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal held
        size = len((await receive())["body"])
        held += size
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    async def attack(sessions: str) -> None:
        gate = UploadGate(app)
        paths = [f"/_stcore/upload_file/{session}/file" for session in sessions]
        scopes = [{"type": "http", "method": "PUT", "path": path} for path in paths]
        every = [asyncio.ensure_future(gate(scope, receive, None)) for scope in scopes]
        done, waiting = await asyncio.wait(every, timeout=0.1)
        assert {task.exception().status_code for task in done} == {413}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not gate._arriving

    asyncio.run(attack("a" * 100))
    assert 2_500_000 < held <= 3_000_000
    held = 0
    asyncio.run(attack("abcdefghij" * 10))
    assert 4_500_000 < held <= 5_000_000


def test_any_number_of_empty_files_is_too_many(uploads: MemoryUploadedFileManager) -> None:
    taken = [upload(uploads, "a", f"{number}", size=0) for number in range(1000)]
    assert sum(taken) < 1000
