from tests.serving.conftest import cancer

__all__ = ["cancer"]
