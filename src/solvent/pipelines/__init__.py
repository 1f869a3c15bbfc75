"""The words that pipelines are written with.

A call of a step inside a run talks to the tracer in `context.tracer`; this folder knows no other part of a run.
"""
