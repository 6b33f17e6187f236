"""The site, which is one database and one data folder, and the processes that serve it on their hosts."""

from __future__ import annotations

from django.db import models


class Site(models.Model):
    """This database's one row. The data folder that belongs to it has a mark of this name."""

    name = models.CharField(max_length=32, unique=True, help_text="random; the name of its mark")
    only = models.PositiveSmallIntegerField(default=1, unique=True, editable=False)
    marked_at = models.DateTimeField(null=True, help_text="when a data folder first got its mark")


class Process(models.Model):
    """One web or work process that runs, and whether it sees the data folder that the others see. It keeps
    a file named `token` in its folder, so whoever shares that folder sees the file."""

    class Kind(models.TextChoices):
        WEB = "web"
        WORK = "work"

    kind = models.CharField(max_length=4, choices=Kind.choices)
    token = models.CharField(max_length=32, unique=True)
    cluster = models.CharField(max_length=120, blank=True, help_text="whose drain it is")
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    folder = models.CharField(max_length=500, help_text="its data folder, as it calls it")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="by the database's clock")
    fault = models.TextField(help_text="why it claims nothing; empty once it has proved what it sees")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} on {self.host} (process {self.pid}, folder {self.folder})"
