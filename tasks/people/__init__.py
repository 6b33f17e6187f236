"""Who may decide what, and by which rules: members, times away, reviews and their policies, authority.

What people then do with it are the verbs of `tasks/supervision/`; who may is asked of `tasks/access.py`.
"""
