"""Permissions of the people who reach a server."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core import access, runs, tasks
from fer_core.access import HIDDEN_PATH, Access, AccessError
from fer_core.datasets import open_dataset
from fer_core.datasets.importing import check_source, import_task
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.runs import RECIPES
from fer_core.storage import paths, usage, write_json
from fer_core.tasks import Task, TaskState, progress, queue, worker
from fer_core.tasks.requests import Request
from fer_core.vision import encode


@pytest.fixture
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts no supervisor: submitted tasks stay queued."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def save_faces(folder: Path, count: int = 8) -> list[Path]:
    """Saves faces of two classes."""
    files = []
    for number in range(count):
        file = folder / ("happy", "sad")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (48, 48, 3), dtype=np.uint8)
        file.write_bytes(encode(pixels))
        files.append(file)
    return files


def do(task: Task) -> str:
    """Does a queued task in this process; returns its error message."""
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    worker.work(task)
    return task.error


def submit_import(source: Path, name: str, kind: str = "import") -> Task:
    directory = tasks.new_directory(paths.tasks_root(), kind)
    return queue.submit(directory, kind, {"source": str(source), "name": name})


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("unix:///tmp/s", True),
        (None, False),  # Streamlit then listens everywhere
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.example", False),
    ],
)
def test_only_an_address_of_this_machine_alone_is_local(
    address: str | None, is_local: bool
) -> None:
    found = Access.of_server(address, {})
    assert found.may_write is is_local and found.may_read_paths is is_local
    assert (found.upload_bytes is None) is is_local


def test_a_proxy_or_a_word_makes_a_local_server_public() -> None:
    assert not Access.of_server("localhost", {}).is_public
    assert Access.of_server("localhost", {"FER_PUBLIC": "1"}).is_public
    assert Access.of_server("localhost", {}, is_forwarded=True).is_public
    assert not Access.of_server("localhost", {"FER_PUBLIC": "0"}, is_forwarded=True).is_public
    assert Access.of_server("0.0.0.0", {"FER_PUBLIC": "0"}).is_public


@pytest.mark.parametrize("name", ["FER_PUBLIC", "FER_ALLOW_WRITE", "FER_MAX_WORKSPACE_GB"])
def test_a_word_that_is_not_understood_opens_nothing(name: str) -> None:
    with pytest.raises(FerError, match=name):
        Access.of_server("0.0.0.0", {name: "maybe"})


def test_links_do_not_lead_out_of_the_allowed_folders(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "allowed-not"
    allowed.mkdir()
    secret.mkdir()
    (allowed / "out").symlink_to(secret)
    (tmp_path / "in").symlink_to(allowed)
    may_read = Access.of_server("0.0.0.0", {"FER_ALLOW_PATHS": f"{tmp_path / 'in'}"}).may_read
    assert may_read(allowed) and may_read(allowed / "face.png") and may_read(tmp_path / "in" / "x")
    assert not may_read(secret) and not may_read(allowed / "out" / "face.png")
    assert not may_read(allowed / ".." / "allowed-not") and not may_read("/") and not may_read("\0")


def test_forbidden_paths_get_the_same_sentence_whether_they_exist_or_not(tmp_path: Path) -> None:
    place, recipe = tmp_path / "secret", RECIPES["vgg19_dropout"].config
    messages = []
    with access.acting_with(Access(folders=(tmp_path / "allowed",))):
        for _ in ("gone", "there"):
            with pytest.raises(FerError) as refused:
                check_source(place)
            messages.append(str(refused.value))
            with pytest.raises(FerError) as refused:
                runs.weights_file(replace(recipe, weights=str(place / "weights.h5")))
            messages.append(str(refused.value))
            place.mkdir(exist_ok=True)
            (place / "weights.h5").touch()
    assert messages[:2] == messages[2:]
    assert runs.weights_file(replace(recipe, weights=str(place / "weights.h5")))


@pytest.mark.parametrize("kind", ["import", "preview"])
def test_a_folder_that_became_a_link_is_not_read_when_the_task_runs(
    tmp_path: Path, no_supervisor: None, kind: str
) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    (allowed / "faces").mkdir(parents=True)
    save_faces(secret)
    with access.acting_with(Access(folders=(allowed,))):
        task = submit_import(allowed / "faces", "faces", kind)
    (allowed / "faces").rmdir()
    (allowed / "faces").symlink_to(secret)
    assert "must be a folder" in do(task)
    assert not (paths.datasets_root() / "faces").exists()


def test_links_out_of_an_allowed_folder_are_left_out(tmp_path: Path, no_supervisor: None) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    save_faces(allowed)
    hidden = save_faces(secret)
    (allowed / "happy" / "link.png").symlink_to(hidden[0])
    (allowed / "angry").symlink_to(secret / "happy")
    with access.acting_with(Access(folders=(allowed,))):
        task = submit_import(allowed, "faces")
    assert not do(task)
    dataset = open_dataset("faces")
    assert dataset.images == 8 and dataset.class_names == ("happy", "sad")


def test_an_uploaded_table_reads_no_file_of_the_machine(
    tmp_path: Path, no_supervisor: None
) -> None:
    files = save_faces(tmp_path / "secret")
    rows = "\n".join(f"{file},{file.parent.name}" for file in [*files, tmp_path / "gone.png"])
    messages = []
    for lines in (rows, rows.replace(".png", ".jpg")):  # there, and not there
        with access.acting_with(Access(folders=())):
            directory = tasks.new_directory(paths.tasks_root(), "import")
            (directory / "upload.csv").write_text(f"image,expression\n{lines}\n")
            arguments = {"upload": "upload.csv", "name": "stolen"}
            task = queue.submit(directory, "import", arguments)
        messages.append(do(task).replace(".jpg", ".png").replace(task.id, ""))
    assert messages[0] == messages[1] != ""
    assert not (paths.datasets_root() / "stolen").exists()


def test_an_image_that_became_a_link_is_not_shown(tmp_path: Path) -> None:
    files, hidden = save_faces(tmp_path / "faces"), save_faces(tmp_path / "secret")
    dataset = import_task.import_source(tmp_path / "faces", "faces")
    files[0].unlink()
    files[0].symlink_to(hidden[1])
    position = dataset.index["path"].tolist().index("happy/0.png")
    assert dataset.image(position).shape == (48, 48, 3)
    with access.acting_with(Access(folders=())):
        assert dataset.image(position + 1).shape == (48, 48, 3)
        with pytest.raises(FerError, match="No such file"):
            dataset.image(position)


def test_nothing_changes_where_changes_are_off(no_supervisor: None) -> None:
    dataset = draw_dataset("faces", count=70)
    dataset.exclude([0], "blurred")
    queued = queue.submit(tasks.new_directory(paths.tasks_root(), "draw"), "draw", {"name": "new"})
    ended = Task(tasks.new_directory(paths.tasks_root(), "draw"))
    run = runs.submit_run(replace(RECIPES["cnn_classic"].config, dataset="faces"))
    before = snapshot()
    actions = [
        dataset.delete,
        lambda: dataset.exclude([1], "blurred"),
        lambda: dataset.restore([0]),
        lambda: dataset.relabel([1], "happy"),
        lambda: dataset.confirm([1], True),
        lambda: dataset.import_corrections(dataset.saved_corrections.to_csv()),
        queued.cancel,
        queued.request_stop,
        ended.delete,
        run.delete,
        lambda: run.save_notes(run.notes),
        lambda: queue.move(run, 1),
        lambda: queue.submit(ended.directory, "draw", {"name": "other"}),
        lambda: queue.save_preferences(queue.Preferences(auto_resume=True)),
        lambda: runs.submit_run(run.config),
        lambda: tasks.new_directory(paths.tasks_root(), "video"),
    ]
    with access.acting_with(Access(may_write=False)):
        for action in actions:
            with pytest.raises(AccessError):
                action()
    assert snapshot() == before


def snapshot() -> dict[str, bytes]:
    """Returns the content of every file of the workspace."""
    files = (path for path in paths.workspace().rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files if path.suffix != ".lock"}


def test_a_task_has_the_permissions_of_who_submitted_it(no_supervisor: None) -> None:
    with access.acting_with(
        Access(may_write=True, folders=(Path("/faces"),), workspace_bytes=10**9)
    ):
        task = queue.submit(
            tasks.new_directory(paths.tasks_root(), "draw"), "draw", {"name": "new"}
        )
    request = task.request
    assert request is not None
    found = Access.from_record(request.access, Path("/uploads"))
    assert found == Access(folders=(Path("/faces"), Path("/uploads")), workspace_bytes=10**9)
    assert Access.from_record({"folders": "garbled"}).may_read("/etc") is False
    assert Access.from_record(["garbled"]).may_read_paths is False
    record = {"kind": "draw", "arguments": {"name": "new"}, "submitted": 0}
    write_json(task.directory / "request.json", record)  # of an older version: no limits
    assert task.request == Request("draw", {"name": "new"}, 0)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("/home/bob smith/my faces/x.png must be a file.", f"{HIDDEN_PATH} must be a file."),
        (
            "[Errno 13] Permission denied: '/root/.ssh'",
            f"[Errno 13] Permission denied: '{HIDDEN_PATH}'",
        ),
        ("The full traceback is in /srv/fer/runs/a/log", "The full traceback is in runs/a/log"),
        ("The source is /faces/a.csv", "The source is /faces/a.csv"),
        ("C:\\Users\\bob\\x.png is empty.", f"{HIDDEN_PATH} is empty."),
        ("train/happy/1.png, 48/48, 3 / 4 and http://x.y/z", None),
    ],
)
def test_strangers_do_not_learn_the_folders_of_the_machine(message: str, shown: str | None) -> None:
    strangers = Access(is_public=True, folders=(Path("/faces"),))
    assert strangers.without_paths(message, Path("/srv/fer")) == (shown or message)
    assert Access().without_paths(message, Path("/srv/fer")) == message


def test_a_full_workspace_takes_no_new_work(no_supervisor: None) -> None:
    draw_dataset("faces", count=70)
    used = usage.workspace_bytes()
    files = sum(path.stat().st_size for path in paths.workspace().rglob("*") if path.is_file())
    assert used == files
    with access.acting_with(Access(workspace_bytes=used + 1000)):
        directory = tasks.new_directory(paths.tasks_root(), "import", more=1000)
        with pytest.raises(AccessError):
            tasks.new_directory(paths.tasks_root(), "import", more=1001)
        (directory / "upload").write_bytes(os.urandom(2000))
        usage._measured.clear()
        with pytest.raises(AccessError):
            queue.submit(directory, "import", {"upload": "upload.zip", "name": "new"})
        assert tasks.room_left() == 0
    assert not queue.waiting()


def test_a_task_ends_once_it_outgrows_the_quota_and_leaves_nothing_half_written(
    no_supervisor: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    table = tmp_path / "faces.csv"
    pixels = " ".join(["0"] * 48 * 48)
    rows = [f"{number % 7},{pixels},Training" for number in range(3000)]
    table.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    paths.workspace().mkdir()
    with access.acting_with(Access(workspace_bytes=2_000_000)):  # of the 7 MB that it takes
        task = submit_import(table, "faces")
        error = do(task)
    assert task.state is TaskState.FAILED and "0.0 GB" in error
    assert list(paths.datasets_root().iterdir()) == []
    assert usage._folder_bytes(str(paths.workspace())) < 1_000_000


def test_an_old_measurement_of_the_workspace_does_not_outlast_what_the_disk_lost(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.mkdir()
    free = 10_000
    monkeypatch.setattr(usage, "_PATIENCE", 1e9)
    monkeypatch.setattr(usage, "_free", lambda root: free)
    assert usage.workspace_bytes(1000) == 0
    (workspace / "file").write_bytes(bytes(1001))
    assert usage.workspace_bytes(1000) == 0  # as far as the disk tells, nothing was written
    free -= 1001
    assert usage.workspace_bytes(2000) == 0
    assert usage.workspace_bytes(1000) == 1001
