#!/bin/sh
# Makes .venv hold exactly what the lock files name, and this project, editable. Run again, it mends what differs.
#
# PYTHON: the interpreter to use; unset: python3 or, where that is too old or too new, the newest that is not.
# CXX:    the C++ compiler; hnswlib is published as source only.
set -eu

stop() {
    echo "facestreams: $1" >&2
    exit 1
}

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11; do
        if supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

remedy="install one, or name it: make PYTHON=/path/to/python3.12"
python=${PYTHON:-$(find_python)}
[ -n "$python" ] || stop "needs Python 3.11, 3.12 or 3.13 and found none of them; $remedy"
command -v "$python" >/dev/null || stop "needs Python 3.11, 3.12 or 3.13 and there is no $python; $remedy"
supported "$python" || stop "needs Python 3.11, 3.12 or 3.13 and $python is $("$python" --version 2>&1); $remedy"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "$python comes without its venv module; install it (Debian and Ubuntu: python3-venv)"
[ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] ||
    stop "$python comes without its C headers, needed to compile hnswlib; install them (Debian and Ubuntu: python3-dev)"
export CXX="${CXX:-c++}"
command -v "${CXX%% *}" >/dev/null ||
    stop "needs a C++ compiler for hnswlib and found no ${CXX%% *}; install one (Debian and Ubuntu: g++, macOS: xcode-select --install)"

# none yet, left half made, or made with an interpreter that has gone since
if ! supported .venv/bin/python || [ ! -x .venv/bin/pip ]; then
    echo "facestreams: creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

echo "facestreams: installing what the lock files name (a minute at first: hnswlib is compiled)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r requirements-build.lock
# Compiled for any processor of this architecture: the package cache may move to another machine, where
# instructions of this one would end the process.
export HNSWLIB_NO_NATIVE=1
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes --no-build-isolation requirements-dev.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
