"""How Solvent is extended: names that stand for objects, imported at their first use."""
