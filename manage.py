#!/usr/bin/env python3
"""Clawbot's commands: `./manage.py help` lists them. Whatever Python starts it, the one in `.venv` runs."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"


def main() -> None:
    """Run the command that the terminal names."""
    if sys.prefix == sys.base_prefix or not find_spec("django"):
        _hand_over()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clawbot.settings")
    try:
        _run()
    except KeyboardInterrupt:  # Ctrl-C is how `tail` and `--wait` end
        sys.exit(130)
    except BrokenPipeError:  # `./manage.py status | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run() -> None:
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError

    from tasks.folder import FolderError

    try:
        execute_from_command_line(sys.argv)
    except FolderError as error:
        sys.exit(str(error))
    except (DatabaseError, InterfaceError) as error:
        from tasks.database import ailment  # needs the apps, which are loaded by now

        if ailment(error) is None:
            raise
        sys.exit(f"{ailment(error)} Nothing was changed. ({' '.join(str(error).split())})")


def _hand_over() -> None:
    """Go on in `.venv`, if there is one; an environment that somebody made and filled is left alone."""
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(python, [str(python), *sys.argv])
    if not find_spec("django"):
        sys.exit("Clawbot's packages are not installed here. Run `make setup`, then try again.")


if __name__ == "__main__":
    main()
