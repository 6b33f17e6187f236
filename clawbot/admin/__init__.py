"""Django's admin, for the rare look behind the pages.

Agents change by new versions, people by their form; everything that work has written can be read and
not changed: only the verbs of tasks/ move work.
"""

from . import agents, people, tasks

__all__ = ["agents", "people", "tasks"]
