"""The roles: one kind of work per file, found by file name (`agents/registry.py`). No Django here."""
