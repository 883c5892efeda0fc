"""Names on a terminal and on pages."""

from fer_core.text import visible


def test_names_cannot_control_a_terminal() -> None:
    assert visible("a\x1b[2J\r\nb\x9b31m\udcff\u2028") == "a\\x1b[2J\\r\\nb\\x9b31m\\udcff\\u2028"
    assert visible("photo\u202egnp.exe") == "photo\\u202egnp.exe"
    assert visible("Gesicht äöü 😀👩‍🔬") == "Gesicht äöü 😀👩‍🔬"
