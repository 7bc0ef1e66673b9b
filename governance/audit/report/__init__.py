"""The audit report: who rehearsed what, how it was scored, who reviewed it, and how to prove it."""
