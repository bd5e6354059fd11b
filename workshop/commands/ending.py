"""How every command ends: with one sentence, if there is something to say, and with the right exit code."""

import contextlib
import sys
from collections.abc import Callable

from workshop.messages import RunError, UsageError, coloured, say
from workshop.processes import Terminated, leave, stop_in_order

EXIT_OTHER = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def run_program(main: Callable[[], None], end: Callable[[int], object] = leave) -> None:
    """Run `main` and exit: 0 when done, 2 for a mistake of the user's, 130 or 143 when interrupted, 1 if it failed.

    `end` is called with the code where something was broken off.
    """
    stop_in_order()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):  # of what stands in for a console
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # not every one shows every character
    try:
        main()
    except UsageError as mistake:
        first, *others = str(mistake).splitlines()
        say("\n".join([coloured(first, "red", sys.stderr), *others]))
        sys.exit(EXIT_USAGE)
    except (RunError, OSError) as problem:
        text = str(problem)
        if isinstance(problem, OSError):
            text = f"{problem.filename or 'A file'}: {problem.strerror or problem}."
        say(coloured(text, "red", sys.stderr))
        end(EXIT_OTHER)
    except Terminated:
        end(EXIT_TERMINATED)
    except KeyboardInterrupt:
        end(EXIT_INTERRUPTED)
