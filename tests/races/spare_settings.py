"""A cluster with workers to spare: they stand idle and hold the queue's lock, where a kill hurts."""

from clawbot.settings import *  # noqa: F403
from clawbot.settings import Q_CLUSTER as _CLUSTER
from clawbot.settings import WORKERS

Q_CLUSTER = {**_CLUSTER, "workers": WORKERS + 3}
