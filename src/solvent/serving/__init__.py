"""A bundle at work: what a server needs of Solvent, and nothing of its stores, engines and runs."""
