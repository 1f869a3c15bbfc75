"""The interpreter, its packages, the state of git and the user's source: captured, so that a run can be made again."""
