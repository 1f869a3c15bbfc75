"""Tables to look at: moved ones, hostile ones, empty ones."""

from __future__ import annotations
