"""FER Studio's server: `streamlit run streamlit_app.py`. What it shows is in `frame.py`."""

import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st


@asynccontextmanager
async def preload(app: st.App) -> AsyncIterator[None]:
    """Imports what most pages need while the browser loads the app, which takes it as long."""
    names = ("fer_core.evaluation", "fer_core.figures")
    threading.Thread(target=lambda: [*map(importlib.import_module, names)], daemon=True).start()
    yield


app = st.App("frame.py", lifespan=preload)
