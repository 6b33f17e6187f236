"""What keeps workers working: their rows and heartbeat, the bell they hear, the supervisor beside them.

The loop itself is `tasks/drain.py`; the one file that knows django-q2 is `tasks/queue.py`.
"""
