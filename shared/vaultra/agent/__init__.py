"""The agent: what it may look at, how it answers, and what keeps it honest."""
