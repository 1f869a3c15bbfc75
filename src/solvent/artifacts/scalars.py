"""Tags for the scalars of NumPy and pandas: timestamps, periods, intervals, missing values, small arrays in cells."""

from __future__ import annotations

import base64
from typing import Any

from solvent.artifacts.tagged import Decoder, Encoder, tagged
from solvent.artifacts.tags import Decode, Encode


def find_scalar_encoder(kind: type) -> Encode | None:
    """Give the encoder for a scalar type of NumPy or pandas, or None."""
    found = _PANDAS.get(kind.__name__) if kind.__module__.partition(".")[0] == "pandas" else None
    if found is None and kind.__module__.partition(".")[0] == "numpy":
        import numpy

        if issubclass(kind, numpy.generic):
            return _generic
        if issubclass(kind, numpy.dtype):
            return _dtype
    return found


def _generic(value: Any, _: Encoder) -> Any:
    dtype = value.dtype
    if dtype.kind in "US":
        # By content: an array would drop zeros at the end.
        data = bytes(value) if dtype.kind == "S" else value.encode("utf-8", "surrogatepass")
        return tagged("numpy", [dtype.kind, base64.b64encode(data).decode()])
    if dtype.names is not None or dtype.hasobject or dtype.subdtype is not None or dtype.kind == "V":
        return None
    return tagged("numpy", [dtype.str, base64.b64encode(value.tobytes()).decode()])


def _read_generic(payload: Any, _: Decoder) -> Any:
    import numpy

    kind, data = payload[0], base64.b64decode(payload[1])
    if kind == "U":
        return numpy.str_(data.decode("utf-8", "surrogatepass"))
    return numpy.bytes_(data) if kind == "S" else numpy.frombuffer(data, dtype=kind)[0]


def _dtype(value: Any, encoder: Encoder) -> Any:
    if value.hasobject or value.metadata is not None:
        return None
    return tagged("dtype", encoder.tree(value.descr if value.names else value.str))


def _read_dtype(payload: Any, decoder: Decoder) -> Any:
    import numpy

    return numpy.dtype(decoder.value(payload))


def _timestamp(value: Any, encoder: Encoder) -> Any:
    moment = value.tz_convert(None) if value.tz is not None else value
    count = int(moment.to_datetime64().astype("int64"))
    return tagged("timestamp", [count, value.unit, encoder.at(".tz", value.tz)])


def _read_timestamp(payload: Any, decoder: Decoder) -> Any:
    import numpy
    import pandas

    count, unit, zone = payload
    value = pandas.Timestamp(numpy.datetime64(count, unit))
    return value if zone is None else value.tz_localize("UTC").tz_convert(decoder.value(zone))


def _timedelta(value: Any, _: Encoder) -> Any:
    return tagged("pandas.timedelta", [int(value.to_timedelta64().astype("int64")), value.unit])


def _read_timedelta(payload: Any, _: Decoder) -> Any:
    import numpy
    import pandas

    return pandas.Timedelta(numpy.timedelta64(*payload))


def _period(value: Any, _: Encoder) -> Any:
    return tagged("period", [value.ordinal, value.freqstr])


def _read_period(payload: Any, _: Decoder) -> Any:
    import pandas

    return pandas.Period(ordinal=payload[0], freq=payload[1])


def _interval(value: Any, encoder: Encoder) -> Any:
    return tagged("interval", [encoder.at(".left", value.left), encoder.at(".right", value.right), value.closed])


def _read_interval(payload: Any, decoder: Decoder) -> Any:
    import pandas

    left, right, closed = payload
    return pandas.Interval(decoder.value(left), decoder.value(right), closed)


def _read_ndarray(payload: Any, _: Decoder) -> Any:
    import numpy

    dtype, shape, data = payload
    return numpy.frombuffer(base64.b64decode(data), dtype=dtype).reshape(shape).copy()


def _missing(name: str) -> Encode:
    return lambda value, _: tagged("missing", name)


def _read_missing(payload: Any, _: Decoder) -> Any:
    import pandas

    return getattr(pandas, payload)


_PANDAS: dict[str, Encode] = {
    "Timestamp": _timestamp,
    "Timedelta": _timedelta,
    "Period": _period,
    "Interval": _interval,
    "NAType": _missing("NA"),
    "NaTType": _missing("NaT"),
}

DECODERS: dict[str, Decode] = {
    "numpy": _read_generic,
    "dtype": _read_dtype,
    "timestamp": _read_timestamp,
    "pandas.timedelta": _read_timedelta,
    "period": _read_period,
    "interval": _read_interval,
    "missing": _read_missing,
    "ndarray": _read_ndarray,
}
