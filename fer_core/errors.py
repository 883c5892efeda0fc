"""Defines the error for problems that the user can solve."""


class FerError(ValueError):
    """Tells of a problem that the user can solve; its message is shown as it is.

    The message names the thing, the rule and the value received, and says what to do. Any other
    exception is an internal error, whose traceback belongs in a log.
    """
