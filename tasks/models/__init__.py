"""The nouns, one file per family."""

from .artifact import Artifact, Comment, Finding
from .event import Event, Seal, Wake
from .hold import Hold
from .message import Message
from .notice import Notice
from .people import Absence, Member, Presence, UnsavedEdit
from .review import Decision, Review
from .run import Run, Worker
from .schedule import Occurrence, Schedule
from .site import Process, Site
from .task import Need, Subtask, Task
from .trust import Trust
from .workflow import Workflow, WorkflowVersion

__all__ = [
    "Absence",
    "Artifact",
    "Comment",
    "Decision",
    "Event",
    "Finding",
    "Hold",
    "Member",
    "Message",
    "Need",
    "Notice",
    "Occurrence",
    "Presence",
    "Process",
    "Review",
    "Run",
    "Schedule",
    "Seal",
    "Site",
    "Subtask",
    "Task",
    "Trust",
    "UnsavedEdit",
    "Wake",
    "Worker",
    "Workflow",
    "WorkflowVersion",
]
