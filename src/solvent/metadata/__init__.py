"""The metadata store: who ran what, when, on which data, and what came of it."""
