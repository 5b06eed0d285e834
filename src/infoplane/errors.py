"""The one exception that is the user's to mend."""

__all__ = ["UserError"]


class UserError(Exception):
    """A mistake or a fault outside of the code: one line that names the key or file, and the remedy.

    The command line prints the line without a traceback and exits with status 1.
    """
