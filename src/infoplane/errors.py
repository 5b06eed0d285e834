"""The exceptions that are the user's to mend."""

__all__ = ["UserError", "WrongType", "WrongValue"]


class UserError(Exception):
    """A mistake or a fault outside of the code: one line that names the key or file, and the remedy.

    The command line prints the line without a traceback and exits with status 1.
    """


class WrongType(UserError, TypeError):
    """An argument of another type than a function takes."""


class WrongValue(UserError, ValueError):
    """An argument of the right type whose value a function does not take."""
