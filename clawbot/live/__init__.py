"""Tells open pages what changed. The event table is the feed; each web process reads it by itself.

doorbell.py wakes, feed.py reads, hub.py keeps the sockets, socket.py is one of them. What travels is
what changed and its version; the page fetches the fragment, so rights are applied where it is rendered.
"""
