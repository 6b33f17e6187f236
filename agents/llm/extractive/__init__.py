"""The thinking of the built-in engine: it ranks, chooses and arranges sentences of the sources.

It writes none of its own beyond fixed frames ("X gives another figure: ..."), so every statement of a
draft is in a source word for word. One file per job; plain functions, deterministic, no network.
"""
