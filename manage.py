#!/usr/bin/env python
"""Clawbot's commands: `python manage.py help` lists them."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clawbot.settings")
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
    except BrokenPipeError:  # `manage.py status | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
