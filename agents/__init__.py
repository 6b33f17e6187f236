"""The hands: what an agent is, which roles there are, and who is configured to do what.

Imports neither `tasks` nor `clawbot`: an agent knows its brief and its desk and nothing else.
"""
