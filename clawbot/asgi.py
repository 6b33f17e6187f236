"""What a server is told to serve: the application, and beside it the proof that this process sees the data
folder that the others see."""

from __future__ import annotations

import atexit
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clawbot.settings")
django.setup()  # what is imported below needs that

from tasks import folder  # noqa: E402
from tasks.engine import site  # noqa: E402

try:
    folder.prepare()
except folder.FolderError as error:
    sys.exit(str(error))

from clawbot.live.application import application  # noqa: E402  # looks into the folder for static files

__all__ = ["application"]

atexit.register(site.watch("web").stop)
