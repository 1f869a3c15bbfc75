"""Fingerprints: what a value, a file or a piece of code is, told by content, and the cache key made of them."""
