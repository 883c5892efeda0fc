"""Measures how much five browsers that watch a training slow it down.

    python -m tests.benchmarks.run_watching [--viewers 5] [--pairs 10] [--seconds 30]
                                            [--faces 20000] [--as browsers connections]

Trains the classic CNN under a supervisor in a temporary workspace, next to a server. In every
second period viewers watch: headless browsers, or bare connections that poll as often as browsers
but draw nothing, as if the browsers ran on other machines. Two adjacent periods form a pair and
give a ratio; the watched period comes first in every second pair.

Images per second are taken from `steps.csv` by wall time, without the first row of each epoch,
which includes the validation. Run it on an idle machine.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which

import numpy as np
import psutil

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import submit_run
from fer_core.storage.reading import read_json
from fer_core.tasks.processes import supervisor_file
from pages.components.train.run_watch import FIRST_ROWS
from tests.conftest import end_supervisor
from tests.e2e.serving import CHROMIUM_OPTIONS, serve

SETTLE = 10.0  # seconds after viewers connect or leave, so that page loads are not measured

Watch = Callable[[str, int], AbstractContextManager[None]]


@dataclass(frozen=True)
class Cores:
    """CPU seconds so far, or between two moments, by part."""

    training: float
    server: float
    viewers: float
    machine: float  # all processes, including those above


@dataclass(frozen=True)
class Period:
    """What was measured in a period with or without viewers."""

    rate: float  # images per second
    seconds: float
    cores: Cores


def main(arguments: Sequence[str] | None = None) -> None:
    """Alternates watched and unwatched periods and prints the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--faces", type=int, default=20_000)
    kinds: dict[str, Watch] = {"browsers": browsers, "connections": connections}
    parser.add_argument("--as", dest="kinds", choices=kinds, nargs="+", default=list(kinds))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["FER_HOME"] = home
        try:
            run = start_training(options.faces)
            with serve(Path(home)) as server:
                page = f"{server.address}/train?run={run.id}"
                for kind in options.kinds:
                    compare(run, kind, lambda count, kind=kind: kinds[kind](page, count), options)
        finally:
            end_supervisor()


def start_training(faces: int) -> Run:
    """Starts a run that does not end; returns it during its first epoch."""
    say(f"Drawing {faces:,} faces, then training starts …")
    name = draw_dataset("faces", count=faces).name
    run = submit_run(replace(RECIPES["cnn_classic"].config, dataset=name, epochs=10_000))
    while len(run.steps) <= FIRST_ROWS:  # pages poll a run more often in its first minutes
        if not run.state.is_active:
            raise SystemExit(f"The training ended: {run.error or run.log()}")
        time.sleep(0.5)
    return run


def compare(
    run: Run,
    kind: str,
    watch: Callable[[int], AbstractContextManager[None]],
    options: argparse.Namespace,
) -> None:
    """Measures pairs of an unwatched and a watched period and prints a summary."""
    pairs = []
    for number in range(options.pairs):
        found = {}
        for watched in (number % 2 == 1, number % 2 == 0):
            with watch(options.viewers) if watched else contextlib.nullcontext():
                time.sleep(SETTLE)
                found[watched] = measure(run, options.seconds)
        pairs.append((found[False], found[True]))
        say(f"  {number + 1:2}: {found[False].rate:.0f} → {found[True].rate:.0f} images/s")
    without, with_ = zip(*pairs, strict=True)
    ratios = [after.rate / before.rate for before, after in pairs]
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    error = statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else float("nan")
    say(
        f"{options.viewers} {kind}: {median(without, 'rate'):.0f} images/s unwatched, "
        f"{median(with_, 'rate'):.0f} watched\n"
        f"  ratio: median {middle:.3f}, quartiles {low:.3f} to {high:.3f}, "
        f"mean {statistics.mean(ratios):.3f} ± {error:.3f} (standard error, {len(ratios)} pairs)"
    )
    for name, periods in (("unwatched", without), ("watched", with_)):
        say(f"  CPU seconds per second, {name}: {shares(periods)}")


def median(periods: Sequence[Period], field: str) -> float:
    """Returns the median over all periods."""
    return statistics.median(getattr(period, field) for period in periods)


def shares(periods: Sequence[Period]) -> str:
    """Returns the CPU share of each part and of everything else on the machine."""

    def share(part: Callable[[Cores], float]) -> str:
        return f"{statistics.median(part(one.cores) / one.seconds for one in periods):.3f}"

    others = share(lambda cores: cores.machine - cores.training - cores.server - cores.viewers)
    return (
        f"training {share(lambda cores: cores.training)}, "
        f"server {share(lambda cores: cores.server)}, "
        f"viewers {share(lambda cores: cores.viewers)}, others {others}"
    )


def measure(run: Run, seconds: float) -> Period:
    """Waits and returns what was measured meanwhile."""
    rows, before, started = len(run.steps), cores(), time.monotonic()
    time.sleep(seconds)
    after, passed = cores(), time.monotonic() - started
    differences = [getattr(after, name) - getattr(before, name) for name in vars(after)]
    return Period(rate(run, rows), passed, Cores(*differences))


def rate(run: Run, first: int) -> float:
    """Returns images per second of wall time from that row of `steps.csv` on."""
    steps = run.steps.iloc[first - 1 :]
    images = np.diff(steps["step"]) * run.config.batch_size
    seconds = images / steps["images_per_second"].to_numpy()[1:]
    within = np.diff(np.ceil(steps["epoch"])) == 0  # without rows that include a validation
    return float(images[within].sum() / seconds[within].sum())


def cores() -> Cores:
    """Returns CPU seconds so far: of training, the server, viewers and the machine."""
    supervisor = psutil.Process(int(read_json(supervisor_file())["pid"]))
    training = [supervisor, *supervisor.children(recursive=True)]
    own = psutil.Process().children(recursive=True)
    serving = [process for process in own if "streamlit" in process.cmdline()]
    # Bare connections are threads of this process.
    viewing = [psutil.Process(), *(one for one in own if one not in [*serving, *training])]
    times = psutil.cpu_times()
    return Cores(
        processor_time(training),
        processor_time(serving),
        processor_time(viewing),
        times.user + times.nice + times.system,
    )


def processor_time(processes: Sequence[psutil.Process]) -> float:
    """Returns user and system time so far, in seconds."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextmanager
def browsers(page: str, count: int) -> Iterator[None]:
    """Opens Chromium sessions that show the page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as runner:
        browser = runner.chromium.launch(
            executable_path=which("chromium") or which("chromium-browser"),
            args=list(CHROMIUM_OPTIONS),
        )
        tabs = [browser.new_context().new_page() for _ in range(count)]
        for tab in tabs:
            tab.goto(page, timeout=120_000)
            tab.locator(".live-plot .main-svg").first.wait_for(timeout=120_000)
        yield
        browser.close()


@contextmanager
def connections(page: str, count: int) -> Iterator[None]:
    """Opens connections that poll like browsers, but draw nothing."""
    ended, drawn = threading.Event(), threading.Barrier(count + 1, timeout=120)
    viewers = [threading.Thread(target=connect, args=(page, drawn, ended)) for _ in range(count)]
    for viewer in viewers:
        viewer.start()
    drawn.wait()
    yield
    ended.set()
    for viewer in viewers:
        viewer.join()


def connect(page: str, drawn: threading.Barrier, ended: threading.Event) -> None:
    """Keeps one connection to the server in Streamlit's protocol until it is canceled."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect as open_socket

    host, _, rest = page.removeprefix("http://").partition("/")
    name, _, query = rest.partition("?")
    request = BackMsg()
    request.rerun_script.page_name, request.rerun_script.query_string = name, query
    address = f"ws://{host}/_stcore/stream"
    with open_socket(address, subprotocols=["streamlit"], max_size=None) as socket:
        socket.send(request.SerializeToString())
        interval, due = 0.0, float("inf")
        while not ended.is_set():
            if time.monotonic() >= due:
                due += interval
                socket.send(request.SerializeToString())
            try:
                message = ForwardMsg.FromString(socket.recv(timeout=0.2))
            except TimeoutError:
                continue
            if message.metadata.cacheable:
                request.rerun_script.cached_message_hashes.append(message.hash)
            if message.WhichOneof("type") == "auto_rerun":
                if not interval:
                    drawn.wait()
                interval = message.auto_rerun.interval
                due = time.monotonic() + interval
                request.rerun_script.fragment_id = message.auto_rerun.fragment_id
                request.rerun_script.is_auto_rerun = True


def say(text: str) -> None:
    """Prints and flushes at once."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
