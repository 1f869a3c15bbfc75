"""Thin adapters to the standards of others: OpenLineage, Croissant, model cards."""
