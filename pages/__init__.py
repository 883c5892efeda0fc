"""The app's pages, one file each; `streamlit_app.py` runs them.

Until `st.navigation` is called, Streamlit treats a folder named `pages` as an app without an entry
point: on a fresh server, a link to a page would open it without the navigation.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

if getattr(PagesManager, "uses_pages_directory", False):
    PagesManager.uses_pages_directory = False
    st.rerun()  # through streamlit_app.py; this import is aborted and repeated
