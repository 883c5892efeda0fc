"""FER Studio: `streamlit run streamlit_app.py`.

Streamlit imports this file to start the server, and runs it as a script for every session.
"""

import importlib
import inspect
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager


@asynccontextmanager
async def preload(app: st.App) -> AsyncIterator[None]:
    """Prepares what most pages need while the browser loads the app, which takes it as long."""
    threading.Thread(target=prepare, daemon=True).start()
    yield


def prepare() -> None:
    """Makes this server decode large images in other processes, and loads what is slow."""
    from PIL import Image

    from fer_core import figures, vision

    vision.decode_large_elsewhere()
    figures.warm_up()
    for name in ("evaluation", "datasets.importing"):
        importlib.import_module(f"fer_core.{name}")
    Image.init()  # the plugins for all formats
    inspect.stack()  # Streamlit does so with the first element; is quicker the second time


def show_page() -> None:
    """Shows the page of this session, with what surrounds it: settings, navigation and errors."""
    from fer_core.tasks import queue
    from pages.components.shared.access import show_access
    from pages.components.shared.errors import handle_uncaught_errors
    from pages.components.shared.memory import freeze_imports, release_free_memory

    st.set_page_config(page_title="FER Studio", page_icon=":material/mood:", layout="wide")
    handle_uncaught_errors()
    queue.wake()  # resumes the queue after a restart, or where its supervisor was killed
    page = st.navigation(
        [
            st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
            st.Page("pages/datasets.py", title="Datasets", icon=":material/photo_library:"),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/runs.py", title="Runs", icon=":material/monitoring:"),
            st.Page("pages/evaluate.py", title="Evaluate", icon=":material/grid_on:"),
            st.Page("pages/predict.py", title="Predict", icon=":material/face:"),
            st.Page("pages/quiz.py", title="Quiz", icon=":material/quiz:"),
        ]
    )
    show_access()
    try:
        page.run()
    finally:  # a page may end early with st.stop
        freeze_imports()
        release_free_memory()


if __name__ == "__main__":
    show_page()
else:
    from pages.components.shared.memory import limit_heaps
    from pages.components.shared.plotly_script import script_route
    from pages.components.shared.uploads import UploadGate

    # Until `st.navigation` is called, Streamlit treats a folder named `pages` as an app without an
    # entry point: on a fresh server, a link to a page would open it without the navigation.
    PagesManager.uses_pages_directory = False
    limit_heaps()
    app = st.App(
        "streamlit_app.py",
        lifespan=preload,
        routes=[script_route()],
        middleware=[Middleware(UploadGate)],
    )
