"""The app's pages, one file each; `streamlit_app.py` runs them."""
