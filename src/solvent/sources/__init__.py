"""The catalogue of shared data sources: where they are, how they are read, and which version they have."""
