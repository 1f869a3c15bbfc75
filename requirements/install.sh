#!/bin/sh
# install.sh PYTHON VENV LOCK: install the lock, then this project, into the virtual environment.
# uv is used when it is there, because it is faster; pip does the same.
set -eu
python=$1 venv=$2 lock=$3

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Solvent needs Python 3.11 or newer and $python is older; name another: make PYTHON=python3.12" >&2
    exit 1
}
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"

echo "Installing $lock into $venv ..."
with_pip() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install -qq --no-input "$@"
}
with_uv() {
    command -v uv >/dev/null && uv pip install -q --compile-bytecode --python "$venv/bin/python" "$@"
}
with_uv --require-hashes -r "$lock" || with_pip --require-hashes -r "$lock"
# The build backend is in the lock, so nothing unpinned is fetched to build.
with_pip --no-deps --no-build-isolation -e .
# Compiled once here, so that no command compiles them, also where Python is told not to write bytecode.
"$venv/bin/python" -m compileall -q src
