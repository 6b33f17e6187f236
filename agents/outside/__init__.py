"""What it takes to ask a service that somebody else runs: where it is, who we are, whether it answers, and
what its reply means. Knows no database and no role."""
