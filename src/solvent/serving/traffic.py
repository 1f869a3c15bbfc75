"""Which model answers a request."""

from __future__ import annotations

from collections.abc import Sequence

from solvent.serving.model import Model


class Traffic:
    """Gives a model for each request; this one knows a single model."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def ready(self) -> bool:
        """Whether requests can be answered: a model is loaded and has answered its examples."""
        return True

    @property
    def models(self) -> Sequence[Model]:
        """All models that may answer, the one that answers most first."""
        return (self._model,)

    def model(self, key: bytes = b"") -> Model:
        """Give the model for requests of this key: the same one each time."""
        return self._model
