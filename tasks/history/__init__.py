"""The log of everything that happened: its seal, its checks, and the state that it tells of.

Events are written by `tasks/log.py`; everything here reads, binds or replays them.
"""
