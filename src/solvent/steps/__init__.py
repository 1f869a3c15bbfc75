"""Ready-made steps: load a source, split, preprocess, train, evaluate."""
