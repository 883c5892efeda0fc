"""The pages; each reads top to bottom like the screen. `streamlit_app.py` is the frame around them.

Streamlit takes a folder of this name for an app without a frame until `st.navigation` is called:
a link that is the first thing asked of a fresh server would open a bare page.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

if getattr(PagesManager, "uses_pages_directory", False):
    PagesManager.uses_pages_directory = False
    st.rerun()  # this time through the frame; the import ends here and is done anew
