"""How a script ends: an exit status and, where something is wrong, one line that says why."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

from s2m.errors import S2MError

P = ParamSpec("P")


def exit_status(main: Callable[P, None]) -> Callable[P, int]:
    """Let a script's main return 0, or 1 for a problem with its input, or 130 where it was interrupted.

    >>> @exit_status
    ... def main() -> None:
    ...     raise S2MError("there are no photographs: get them with `make photos`")
    >>> main()  # the line goes to standard error
    1
    """

    @functools.wraps(main)
    def ending(*arguments: P.args, **options: P.kwargs) -> int:
        try:
            main(*arguments, **options)
        except S2MError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("interrupted: nothing half-written is left, run again to go on", file=sys.stderr)
            return 130
        return 0

    return ending
