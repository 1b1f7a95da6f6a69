"""The one error and the one warning of this package, both meant for a reader, not for a programmer."""


class S2MError(ValueError):
    """Bad input: one line that names the cause and the cure.

    The command line prints the line and exits with status 1; in Python it is an ordinary ``ValueError``.

    >>> from s2m.errors import S2MError
    >>> raise S2MError("the example set is empty: give at least one example")
    Traceback (most recent call last):
    s2m.errors.S2MError: the example set is empty: give at least one example
    """


class ConvergenceWarning(UserWarning):
    """A fit is not at a strict maximum, so its implicit gradient is not exact: the line names the set and the cure."""
