"""Who signs in: users, the four groups, one-time sign-in links."""
