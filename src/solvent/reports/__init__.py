"""Pages to look at: self-contained HTML of data, runs and comparisons, without a server and without a network."""
