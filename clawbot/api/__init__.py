"""The REST door, /api/v1/: one file per resource. It calls the same verbs as pages and commands."""
