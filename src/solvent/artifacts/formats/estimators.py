"""scikit-learn estimators by skops, with the types recorded that loading may trust."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tags import class_name
from solvent.errors import FormatError


class _Skops:
    def accepts(self, value: Any) -> bool:
        return any(base.__name__ == "BaseEstimator" for base in type(value).__mro__)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        if class_name(type(value)) is None or type(value).__module__ == "__main__":
            raise Unsuitable("its class can't be imported by name")
        from solvent.artifacts.formats.skops_files import canonical

        try:
            from skops import io as skops
        except ImportError:
            raise Unsuitable("skops is not installed", "pip install skops") from None
        try:
            data = canonical(skops.dumps(value))
            trusted = sorted(skops.get_untrusted_types(data=data))
            again = skops.loads(data, trusted=trusted)
        except Exception as error:
            raise Unsuitable(
                f"skops can't write it: {str(error).splitlines()[0] if str(error) else error!r}"
            ) from error
        if not _same(value, again):
            raise Unsuitable("skops does not give back an equal object")
        sink.write(data)
        return {"trusted": trusted}

    def read(self, source: Source) -> Any:
        from solvent.artifacts.formats.skops_files import Unread, read

        try:
            return read(source.view(), source.meta["trusted"])
        except Unread:
            return self._read_by_skops(source)

    def _read_by_skops(self, source: Source) -> Any:
        from skops import io as skops
        from skops.io.exceptions import UntrustedTypesFoundException

        try:
            return skops.load(io.BytesIO(source.view()), trusted=list(source.meta["trusted"]))
        except UntrustedTypesFoundException as error:
            raise FormatError(
                f"this {source.ref.type} holds types that were not there when it was written: {error}",
                hint="run the step that makes it again with this version of skops",
            ) from error


SKOPS = _Skops()


def _same(value: Any, again: Any) -> bool:
    """Whether two estimators are equal by content; skops leaves out what it does not know."""
    from solvent.fingerprint.values import identify

    return identify(value).digest == identify(again).digest
