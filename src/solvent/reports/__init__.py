"""Self-contained HTML pages: of a run, of a dataset, of a comparison."""
