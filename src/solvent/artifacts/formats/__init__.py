"""One file for each kind of value: how it is written and read. A format's library is imported at its first use."""
