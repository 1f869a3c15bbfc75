"""LightGBM and XGBoost models in the files of these libraries; what their scikit-learn wrappers add is tagged JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tagged import Decoder, Encoder, tagged
from solvent.artifacts.tags import class_name, find_class


class _Boosters:
    """A bare booster is written natively; a wrapper is its attributes, with the booster as an artifact of its own."""

    def __init__(self, package: str) -> None:
        self._package = package

    def accepts(self, value: Any) -> bool:
        return any(
            base.__module__.partition(".")[0] == self._package and base.__name__ in ("Booster", "LGBMModel", "XGBModel")
            for base in type(value).__mro__
        )

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        name = class_name(type(value))
        if name is None:
            raise Unsuitable("its class can't be imported by name")
        if type(value).__name__ != "Booster":
            state = value.__getstate__()
            return {"class": name, "state": self._tree(state, sink)}
        state = dict(value.__getstate__())
        handle = "_handle" if "_handle" in state else "handle"
        model = state.pop(handle, None)
        if model is None:
            raise Unsuitable("the booster holds no model")
        data = model.encode() if isinstance(model, str) else bytes(model)
        meta = {"class": name, "state": self._tree(state, sink), "handle": handle, "text": isinstance(model, str)}
        sink.write(data)
        return meta

    def read(self, source: Source) -> Any:
        kind = find_class(source.meta["class"])
        state = Decoder(source.child).value(source.meta["state"])
        if "text" in source.meta:
            data = source.bytes()
            state[source.meta["handle"]] = data.decode() if source.meta["text"] else bytearray(data)
        value = kind.__new__(kind)
        if hasattr(value, "__setstate__"):
            value.__setstate__(state)
        else:
            value.__dict__.update(state)
        return value

    def _tree(self, state: Any, sink: Sink) -> Any:
        return Encoder(lambda part, path: tagged("child", sink.child(part, path)), sink.path).tree(dict(state))


LIGHTGBM = _Boosters("lightgbm")
XGBOOST = _Boosters("xgboost")
