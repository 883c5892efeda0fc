"""What this is, what this machine is doing, and the first step."""

import streamlit as st
from pages.components.dataset_views import submit_drawn_dataset

PAGES = (
    ("pages/datasets.py", "Data sets", "Add a folder of faces and look at what is in it."),
    ("pages/train.py", "Train", "Train a network on a data set and watch it learn."),
    ("pages/runs.py", "Runs", "Compare what was trained, download a model, clean up."),
    ("pages/evaluate.py", "Evaluate", "See which expressions a run confuses."),
    ("pages/predict.py", "Predict", "Try a run on a photo or on your own camera."),
)


def draw() -> None:
    """Asks for the drawn data set; the page then shows how far it is."""
    st.session_state["drawing"] = submit_drawn_dataset().id


st.title("FER Studio")
st.markdown("Look at faces, train a network on their expressions, and try it, without code.")
