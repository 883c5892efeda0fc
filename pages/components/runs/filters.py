"""Filters runs by text, state, recipe, dataset, star and archive."""

from collections.abc import Sequence

import streamlit as st

from fer_core.evaluation import Overview
from pages.components.shared.formatting import format_recipe, format_state

_ALL, _STARRED, _ARCHIVED = "All", "Starred", "Archived"
_SEARCH, _SHELF, _TRIALS = "runs-search", "runs-shelf", "runs-trials"
_TRAITS = {
    "State": lambda one: format_state(one.state, one.reason),
    "Recipe": lambda one: format_recipe(one.config),
    "Dataset": lambda one: one.config.dataset,
}


def filter_runs(everything: Sequence[Overview]) -> list[Overview]:
    """Shows the filters and returns the runs that pass, in their order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search",
            key=_SEARCH,
            placeholder="Name, note, recipe or dataset",
            icon=":material/search:",
            width=320,
            persist_state="session",
        )
        shelf = st.segmented_control(
            "Show",
            [_ALL, _STARRED, _ARCHIVED],
            default=_ALL,
            required=True,
            key=_SHELF,
            help="Archived runs are listed only here.",
            persist_state="session",
        )
        wanted = _choose_traits(everything)
        trials = _choose_trials(everything)
    shown = [one for one in everything if trials or one.run.trial is None or one.notes.starred]
    found = [one for one in shown if _is_on(one, shelf) and _holds(one, words)]
    for trait, values in wanted.items():
        found = [one for one in found if not values or _TRAITS[trait](one) in values]
    st.caption(_spoken_count(found, everything))
    return found


def show_none_found() -> None:
    """Says that no run passed the filters, and offers to clear them."""
    st.info("No runs match.", icon=":material/search_off:")
    st.button("Show all runs", icon=":material/filter_alt_off:", on_click=_clear)


def _choose_trials(everything: Sequence[Overview]) -> bool:
    """Shows a switch, if there are trials; returns whether they are listed."""
    if not any(one.run.trial for one in everything):
        return True
    return st.toggle(
        "Trials",
        key=_TRIALS,
        help="Lists the runs of experiments too. They are also in the experiments above.",
        persist_state="session",
    )


def _choose_traits(everything: Sequence[Overview]) -> dict[str, list[str]]:
    chosen = sum(bool(st.session_state.get(_key(trait))) for trait in _TRAITS)
    label = f"Filter · {chosen}" if chosen else "Filter"
    wanted = {}
    with st.popover(label, icon=":material/filter_alt:", key="runs-filter"):
        for trait, of in _TRAITS.items():
            options = sorted({of(one) for one in everything})
            _forget_vanished(_key(trait), options)
            wanted[trait] = st.multiselect(
                trait, options, key=_key(trait), placeholder="Any", persist_state="session"
            )
    return wanted


def _forget_vanished(key: str, options: Sequence[str]) -> None:
    """Drops filter values that no run has anymore, which would hide runs invisibly."""
    kept = [value for value in st.session_state.get(key, []) if value in options]
    if kept != st.session_state.get(key, []):
        st.session_state[key] = kept


def _spoken_count(found: Sequence[Overview], everything: Sequence[Overview]) -> str:
    total = "1 run" if len(everything) == 1 else f"{len(everything):,} runs"
    archived = sum(one.notes.archived for one in everything)
    said = total if len(found) == len(everything) else f"{len(found):,} of {total}"
    return f"{said} · {archived:,} archived" if archived else said


def _is_on(one: Overview, shelf: str) -> bool:
    if shelf == _ARCHIVED:
        return one.notes.archived
    return not one.notes.archived and (shelf == _ALL or one.notes.starred)


def _holds(one: Overview, words: str) -> bool:
    """Tells whether every word occurs in the run's name, note, recipe, dataset or id."""
    texts = (one.notes.name, one.notes.note, format_recipe(one.config), one.config.dataset)
    text = "\n".join((*texts, one.run.id)).casefold()
    return all(word in text for word in words.casefold().split())


def _key(trait: str) -> str:
    return f"runs-filter-{trait}"


def _clear() -> None:
    st.session_state[_SEARCH], st.session_state[_SHELF] = "", _ALL
    st.session_state[_TRIALS] = True
    for trait in _TRAITS:
        st.session_state[_key(trait)] = []
