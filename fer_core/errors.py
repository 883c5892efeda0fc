"""The error that a user can mend."""


class FerError(ValueError):
    """Something the user can mend; its message is a sentence to show as it is.

    The sentence names the thing, the rule and the value received, and says what to do. Everything
    else that is raised is a fault of the program: its traceback belongs in a log.
    """
