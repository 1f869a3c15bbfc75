"""Models for ONNX Runtime, with the methods that the estimators they were made of have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from solvent.artifacts.sink import Sink, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUT = "X"


class OnnxModel:
    """Stands for a fitted estimator: `predict`, `predict_proba` and `transform` give what its ONNX graph computes.

    Rows are a table or an array of numbers, (rows, features); a table's columns are taken by the names that the estimator
    was fitted with, as scikit-learn checks them. `kind` is classifier, regressor, transformer or booster; `classes` are the
    labels of a classifier, `of` says which class the graph was made of. One thread works on a request.
    """

    def __init__(
        self, graph: bytes, kind: str, of: str, input_type: str, names: tuple[str, ...] = (), classes: Any = None
    ) -> None:
        self.graph = graph
        self.kind = kind
        self.of = of
        self.input_type = input_type
        self.names = names
        self.classes = classes

    @property
    def classes_(self) -> NDArray[Any]:
        import numpy as np

        return np.asarray(self.classes)

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        import numpy as np

        if not self.names:
            raise AttributeError("feature_names_in_")
        return np.asarray(self.names, dtype=object)

    def predict(self, rows: Any) -> Any:
        """Give the labels or numbers; of a booster with two classes the probability of the latter."""
        found = self._run(0, rows)
        if self.kind == "classifier":
            return found.astype(self.classes_.dtype, copy=False)
        if self.kind == "booster":
            return self._run(1, rows)[:, 1]
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def predict_proba(self, rows: Any) -> Any:
        """Give the probability of each class, (rows, classes)."""
        return self._run(1, rows)

    def transform(self, rows: Any) -> Any:
        """Give what a transformer makes of the rows."""
        return self._run(0, rows)

    def check(self) -> None:
        """Load the graph; whatever ONNX Runtime has against it is raised."""
        assert self._session is not None

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        return onnxruntime.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _outputs(self) -> list[list[str]]:
        return [[each.name] for each in self._session.get_outputs()]

    def _run(self, output: int, rows: Any) -> Any:
        import numpy as np

        if self.names and hasattr(rows, "columns"):
            rows = rows[list(self.names)].to_numpy()
        matrix = np.ascontiguousarray(rows, dtype=self.input_type)
        return self._session.run(self._outputs[output], {INPUT: matrix})[0]

    def __reduce__(self) -> tuple[Any, ...]:
        return OnnxModel, (self.graph, self.kind, self.of, self.input_type, self.names, self.classes)

    def __repr__(self) -> str:
        return f"<ONNX model of {self.of}>"


class _Onnx:
    def accepts(self, value: Any) -> bool:
        return type(value) is OnnxModel

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        sink.write(value.graph)
        about = {"kind": value.kind, "of": value.of, "input": value.input_type, "names": list(value.names)}
        if value.classes is not None:
            about["classes"] = json.dumps(value.classes_.tolist())
            about["classes_type"] = str(value.classes_.dtype)
        return about

    def read(self, source: Source) -> Any:
        import numpy as np

        meta = source.meta
        classes = np.asarray(json.loads(meta["classes"]), meta["classes_type"]) if "classes" in meta else None
        return OnnxModel(source.bytes(), meta["kind"], meta["of"], meta["input"], tuple(meta["names"]), classes)


ONNX = _Onnx()
