"""One piece of work under one workflow version."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.history.changes import Recorded

from .workflow import Workflow, WorkflowVersion


class Task(Recorded):
    """`status` is one of three words, ever; `stage_status` keeps the fine grain."""

    NOUN = "task"
    LOGGED = (
        "key", "number", "workflow_id", "workflow_version_id", "title", "slug", "status", "outcome",
        "stage_status", "round", "priority", "due_on", "starts_at", "owner", "correlation_id", "parent_id",
        "undoing_at", "created_by", "created_at", "done_at",
    )  # fmt: skip
    MASKED = ("title",)
    HASHED = ("input", "idempotency_key")
    OF_TASK = "pk"
    UNIQUE = ("key",)

    class Status(models.TextChoices):
        BACKLOG = "backlog"  # nothing of it was ever claimed
        DOING = "doing"
        DONE = "done"

    class Ending(models.TextChoices):
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    key = models.CharField(max_length=20, unique=True)
    number = models.PositiveIntegerField()
    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="tasks")
    workflow_version = models.ForeignKey(WorkflowVersion, models.PROTECT, related_name="tasks")
    title = models.CharField(max_length=200)
    slug = models.CharField(max_length=80, help_text="names the task's files; unique within the workflow")
    input = models.JSONField(default=dict)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.BACKLOG)
    outcome = models.CharField(max_length=9, choices=Ending.choices, blank=True)
    stage_status = models.CharField(
        max_length=64, blank=True, help_text="done_as of the latest finished stage"
    )
    round = models.PositiveIntegerField(default=1)
    priority = models.SmallIntegerField(default=0, help_text="higher goes first; -10 to 10")
    due_on = models.DateField(null=True, blank=True)
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="when its first stage may run; empty: backlog"
    )
    version = models.PositiveIntegerField(default=1, help_text="+1 with every change; pages compare it")
    idempotency_key = models.CharField(max_length=200, unique=True, null=True, blank=True)
    owner = models.CharField(max_length=100, blank=True, help_text="user:ana")
    correlation_id = models.CharField(
        max_length=200, unique=True, null=True, blank=True, help_text="what the outside calls this task"
    )
    parent = models.ForeignKey(
        "Subtask", models.SET_NULL, null=True, blank=True, related_name="children",
        help_text="the stage of another task that injected this one and waits for it",
    )  # fmt: skip
    undoing_at = models.DateTimeField(
        null=True, blank=True, help_text="since when its effects are taken back; it ends as cancelled"
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=100)
    started_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="task_number"),
            models.UniqueConstraint(fields=["workflow", "slug"], name="task_slug"),
            models.CheckConstraint(
                condition=Q(status__in=["backlog", "doing", "done"]), name="task_status_is_one_of_three"
            ),
            # A done task says how it ended and when; a live one says neither.
            models.CheckConstraint(
                condition=Q(status="done", done_at__isnull=False, outcome__in=["completed", "cancelled"])
                | (~Q(status="done") & Q(done_at__isnull=True, outcome="")),
                name="task_done_has_outcome",
            ),
        ]
        indexes = [
            # The board: live tasks by status, done ones newest first.
            models.Index(fields=["status", "-done_at", "-id"], name="task_board"),
            models.Index(fields=["workflow", "status"], name="task_by_workflow"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"


class Subtask(Recorded):
    """One stage of one task (one item of it where a stage fans out): the row that workers claim."""

    NOUN = "subtask"
    LOGGED = (
        "task_id", "stage", "position", "item", "spread", "passed_over", "awaits", "round", "live", "agent",
        "done_as", "status", "priority", "attempts", "crashes", "max_attempts", "fence", "reason",
    )  # fmt: skip
    MASKED = ("reason", "requests")
    HASHED = ("given", "requests", "fields")
    UNIQUE = ("task_id", "stage", "item", "round")

    class Status(models.TextChoices):
        BLOCKED = "blocked"  # needs others or an answer, or its task is in the backlog
        READY = "ready"
        DOING = "doing"
        WAITING = "waiting"  # for a person
        DONE = "done"
        SKIPPED = "skipped"
        CANCELLED = "cancelled"
        SUPERSEDED = "superseded"  # replaced by a newer round

    class Awaits(models.TextChoices):
        """What a blocked row waits for beside the rows that its needs name."""

        CHILD = "child"  # the task that it injected
        MESSAGE = "message"  # an answer from another system

    OPEN = (Status.BLOCKED, Status.READY, Status.DOING, Status.WAITING)
    PASSED = (Status.DONE, Status.SKIPPED)
    ENDED = (Status.DONE, Status.SKIPPED, Status.CANCELLED, Status.SUPERSEDED)

    # No index of its own where another one begins with the same column: every claim and finish pays for each.
    task = models.ForeignKey(Task, models.CASCADE, related_name="subtasks", db_index=False)
    stage = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField(help_text="place of the stage in the workflow, from 0")
    item = models.CharField(max_length=64, blank=True, help_text="which item, where the stage fans out")
    given = models.JSONField(null=True, blank=True, help_text="the item's value; for an undo, why")
    spread = models.PositiveIntegerField(
        null=True, blank=True, help_text="into how many items the stage was spread; empty: not yet"
    )
    passed_over = models.BooleanField(default=False, help_text="skipped because its branch was not taken")
    awaits = models.CharField(max_length=7, choices=Awaits.choices, blank=True)
    round = models.PositiveIntegerField(default=1)
    # 1 while this row is the current one of its stage and item, NULL once superseded: a plain unique
    # index over it is the "partial" unique index that MariaDB lacks.
    live = models.PositiveSmallIntegerField(null=True, default=1)
    agent = models.CharField(max_length=64, help_text="slug of the agent, or human")
    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="+", db_index=False)
    done_as = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BLOCKED)
    needs_left = models.PositiveIntegerField(default=0, help_text="how many needed subtasks are not done")
    priority = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="claimed no earlier; moves with retries")
    attempts = models.PositiveIntegerField(default=0, help_text="claims so far in this round")
    crashes = models.PositiveIntegerField(default=0, help_text="claims whose worker died")
    max_attempts = models.PositiveIntegerField(default=3)
    fence = models.PositiveIntegerField(
        default=0, help_text="+1 with each claim and each stop; proves who holds it"
    )
    worker = models.ForeignKey(
        "Worker", models.SET_NULL, null=True, blank=True, related_name="subtasks", db_index=False
    )
    requests = models.JSONField(default=list, help_text="numbered wishes that came with this round")
    fields = models.JSONField(default=dict, help_text="small facts of the outcome, for routing")
    reason = models.CharField(max_length=300, blank=True, help_text="why it waits or will be retried")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["task", "position", "round", "id"]
        constraints = [
            models.UniqueConstraint(fields=["task", "stage", "item", "round"], name="subtask_round"),
            models.UniqueConstraint(fields=["task", "stage", "item", "live"], name="subtask_live"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "blocked", "ready", "doing", "waiting", "done", "skipped", "cancelled", "superseded",
                    ]
                ),
                name="subtask_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="superseded", live__isnull=True) | (~Q(status="superseded") & Q(live=1)),
                name="subtask_superseded_is_not_live",
            ),
            models.CheckConstraint(
                condition=Q(status="doing", worker__isnull=False) | ~Q(status="doing"),
                name="subtask_doing_has_worker",
            ),
        ]  # fmt: skip
        indexes = [
            # The claim: ready rows by priority. Partial where the database can; 0002 adds MariaDB's
            # plain twin.
            models.Index(
                fields=["-priority", "not_before", "id"], condition=Q(status="ready"), name="subtask_ready"
            ),
            # The rescue: what each worker holds.
            models.Index(fields=["worker"], condition=Q(status="doing"), name="subtask_held"),
            models.Index(fields=["agent", "status"], name="subtask_by_agent"),
            # The sweeps that inject child tasks, and look for answers that did not come in time.
            models.Index(fields=["awaits", "not_before"], condition=~Q(awaits=""), name="subtask_awaits"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}/{self.stage}#{self.round}"


class Need(Recorded):
    """One edge of a task's graph: `subtask` may start only when `on` is done or skipped."""

    NOUN = "need"
    LOGGED = ()
    NAMED_BY = ("subtask_id", "on_id")
    OF_TASK = "subtask__task_id"

    subtask = models.ForeignKey(Subtask, models.CASCADE, related_name="needs", db_index=False)
    on = models.ForeignKey(Subtask, models.CASCADE, related_name="needed_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subtask", "on"], name="need_once")]
