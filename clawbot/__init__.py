"""The face: dashboard, live feed, commands and settings. It asks; it remembers nothing."""
