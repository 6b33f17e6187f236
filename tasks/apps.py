"""Registers the tasks app, and the tables of the queue."""

import os

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    default_auto_field = "django.db.models.BigAutoField"


class QueueTables(AppConfig):
    """django-q2 for its tables only. Its commands would show or start clusters past `tasks/queue.py`, and
    its pages let a browser name the function to run."""

    name = "django_q"
    verbose_name = "Queue"
    default_auto_field = "django.db.models.AutoField"
    # Where Django looks for an app's commands, templates and static files: there are none.
    path = os.devnull
