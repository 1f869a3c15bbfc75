from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.runs.boundedlog import BoundedLog, read


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=30)), st.integers(1, 20))
def test_beginning_and_end_are_kept_and_everything_is_counted(parts: list[bytes], half: int) -> None:
    log = BoundedLog(2 * half)
    for part in parts:
        log.add(part)
    whole = b"".join(parts)
    assert log.count == len(whole)
    if len(whole) <= 2 * half:
        assert log.bytes() == whole
    else:
        cut = b"\n[... %d bytes of output were cut here ...]\n" % (len(whole) - 2 * half)
        assert log.bytes() == whole[:half] + cut + whole[-half:]


def test_file_is_cut_like_a_log_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    fd = os.open(path, os.O_RDONLY)
    try:
        assert read(fd, 10) == (b"0123456789", 10)
        assert read(fd, 4) == (b"01\n[... 6 bytes of output were cut here ...]\n89", 10)
    finally:
        os.close(fd)
