"""A tracer that executes: the loop, the cache, the worker entry, the record, and reading it back."""
