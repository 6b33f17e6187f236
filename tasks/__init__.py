"""The memory and the rules: what work exists, where it stands, who may change it and how.

Calls agents only through `agents.contract` and `agents.registry`; knows nothing of pages.
"""
