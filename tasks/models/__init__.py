"""The nouns, one file per family."""

from .artifact import Artifact, Comment, Finding
from .event import Event, Wake
from .hold import Hold
from .notice import Notice
from .review import Decision, Review
from .run import Run, Worker
from .schedule import Occurrence, Schedule
from .task import Need, Subtask, Task
from .workflow import Workflow, WorkflowVersion

__all__ = [
    "Artifact",
    "Comment",
    "Decision",
    "Event",
    "Finding",
    "Hold",
    "Need",
    "Notice",
    "Occurrence",
    "Review",
    "Run",
    "Schedule",
    "Subtask",
    "Task",
    "Wake",
    "Worker",
    "Workflow",
    "WorkflowVersion",
]
