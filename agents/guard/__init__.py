"""What every tool that leaves the process goes through: which files, which addresses, how much."""
