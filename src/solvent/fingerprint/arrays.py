"""The identity of NumPy arrays and scalars, SciPy sparse matrices and torch tensors: dtype, shape and bytes."""

from __future__ import annotations

import sys
from hashlib import sha256
from typing import Any

from solvent.fingerprint.structure import digest
from solvent.fingerprint.walk import Handler, Refused, Walk, name_class
from solvent.model import Identity


def find_handler(cls: type) -> Handler | None:
    """Return what makes the identity of arrays of this class, or None if it is no array."""
    numpy, sparse, torch = (sys.modules.get(name) for name in ("numpy", "scipy.sparse", "torch"))
    if numpy is not None:
        if issubclass(cls, numpy.ma.MaskedArray):
            return _identify_masked
        if issubclass(cls, numpy.ndarray):
            return _identify_array
        if issubclass(cls, numpy.generic):
            return _identify_scalar
        if issubclass(cls, numpy.dtype):
            return _identify_dtype
    if sparse is not None and (issubclass(cls, sparse.spmatrix) or issubclass(cls, sparse.sparray)):
        return _identify_sparse
    if torch is not None and issubclass(cls, torch.Tensor):
        return _identify_tensor
    return None


def digest_array(walk: Walk, array: Any) -> str:
    """Return the digest of an array's dtype, shape and content in row order, however it lies in memory."""
    dtype, shape = array.dtype, repr(tuple(array.shape))
    if dtype.names is not None:
        # Between and after the fields lie bytes that belong to none of them and hold anything.
        fields = [text for name in dtype.names for text in (name, digest_array(walk, array[name]))]
        return digest("records", shape, *fields)
    if dtype.hasobject or dtype.kind == "T":
        return digest("objects", dtype.str, shape, *_identify_objects(walk, array))
    return digest("array", dtype.str, shape, digest_memory(array))


def digest_memory(array: Any) -> str:
    """Return the SHA-256 of an array's bytes in row order."""
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    if array.size == 0:
        return sha256(b"").hexdigest()
    if array.dtype.char in "gG":
        array = _without_padding(array)
    # A view as bytes, since the buffer protocol knows no dates; as one dimension, since an array of none has no view.
    return sha256(array.reshape(-1).view("u1")).hexdigest()


def _without_padding(array: Any) -> Any:
    """Return the bytes of long doubles that hold a number: on Intel these are 10 of 12 or 16."""
    import numpy as np

    info = np.finfo(array.dtype)
    size = info.dtype.itemsize
    used = 10 if info.nmant == 63 else size
    return np.ascontiguousarray(array.reshape(-1).view("u1").reshape(-1, size)[:, :used])


def _identify_objects(walk: Walk, array: Any) -> tuple[str, str]:
    import numpy as np

    flat, types, digests = array.reshape(-1), [], []
    for position, each in enumerate(flat.tolist()):
        try:
            found = walk.visit(each)
        except Refused as refusal:
            index = ", ".join(str(number) for number in np.unravel_index(position, array.shape))
            raise refusal.under(f"[{index}]") from None
        types.append(found.type)
        digests.append(found.digest)
    return "\0".join(types), "".join(digests)


def _identify_array(walk: Walk, value: Any) -> Identity:
    import numpy as np

    parts = [digest_array(walk, value.view(np.ndarray))]
    own = getattr(value, "__dict__", None)
    if own and not isinstance(value, np.memmap):
        parts += walk.visit(own)[:2]
    return walk.make("ndarray", value, *parts)


def _identify_masked(walk: Walk, value: Any) -> Identity:
    import numpy as np

    mask = np.ma.getmaskarray(value)
    content = value.filled(0) if value.dtype.names is None and not value.dtype.hasobject else value.filled()
    parts = (digest_array(walk, np.asarray(each)) for each in (content, mask, value.fill_value))
    return walk.make("masked", value, *parts)


def _identify_scalar(walk: Walk, value: Any) -> Identity:
    import numpy as np

    return walk.make("number", value, digest_array(walk, np.asarray(value)))


def _identify_dtype(walk: Walk, value: Any) -> Identity:
    return Identity(digest("dtype", repr(value)), "numpy:dtype")


def _identify_sparse(walk: Walk, value: Any) -> Identity:
    kind = value.format
    if kind in ("csr", "csc", "bsr"):
        arrays = (value.data, value.indices, value.indptr)
    else:
        entries = value.tocoo()
        arrays = (entries.data, *getattr(entries, "coords", (entries.row, entries.col)))
    return walk.make("sparse", value, kind, repr(tuple(value.shape)), *(digest_array(walk, each) for each in arrays))


def _identify_tensor(walk: Walk, value: Any) -> Identity:
    import torch

    if value.layout is not torch.strided:
        raise Refused(f"a tensor of layout {value.layout}", "pass its .to_dense()")
    content = value.detach().cpu().contiguous()
    # As bytes, since NumPy lacks some of the number types of torch.
    memory = sha256(content.reshape(-1).view(torch.uint8).numpy()).hexdigest()
    return Identity(digest("tensor", str(value.dtype), repr(tuple(value.shape)), memory), name_class(type(value)))
