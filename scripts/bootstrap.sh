#!/bin/sh
# Make .venv and install a hash lock and this project into it: bootstrap.sh run|dev
set -eu
cd "$(dirname "$0")/.."

flavour=${1:-run}
case $flavour in
    run) lock=requirements.lock ;;
    dev) lock=requirements-dev.lock ;;
    *) echo "usage: $0 run|dev" >&2; exit 2 ;;
esac

say() { printf '\033[2m· %s\033[0m\n' "$*" >&2; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

good_python() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if good_python "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 to 3.14 is needed, and none was found (python3 here: $(python3 --version 2>&1 || true)).
Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python),
or name it: make run PYTHON=/path/to/python3.12"
}

# A tool of ours serves people behind a package mirror too: what pip is told, uv is told.
follow_pip_settings() {
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_INDEX:-}" ]; then
        index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
        if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
    fi
    if [ -z "${SSL_CERT_FILE:-}" ]; then
        certificates=${PIP_CERT:-$(.venv/bin/python -m pip config get global.cert 2>/dev/null || true)}
        if [ -n "$certificates" ]; then export SSL_CERT_FILE="$certificates"; fi
    fi
    export UV_PYTHON_DOWNLOADS=never
}

install() {
    if [ -x .venv/bin/uv ] && .venv/bin/uv pip install --python .venv/bin/python "$@"; then
        return
    fi
    say "uv could not install; trying pip"
    .venv/bin/python -m pip install --disable-pip-version-check "$@"
}

if ! good_python .venv/bin/python; then
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || fail "Python's venv module is incomplete.
Debian, Ubuntu: apt install python3-venv; then run the same command again."
    rm -f .venv/stamp-*
fi

fingerprint() {
    cat "$lock" requirements-bootstrap.lock pyproject.toml scripts/bootstrap.sh | cksum
    # An editable install and the scripts know where the project lies.
    pwd
}

if [ -f ".venv/stamp-$flavour" ] && [ "$(fingerprint)" = "$(cat ".venv/stamp-$flavour")" ]; then
    exit 0
fi

if [ ! -x .venv/bin/uv ]; then
    say "installing uv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements-bootstrap.lock || say "uv cannot be had here; pip will do"
fi
follow_pip_settings
say "installing $lock (the first time takes a minute)"
install --require-hashes -r "$lock" || fail "The packages could not be installed; the message above says why.
Behind a package mirror, set PIP_INDEX_URL (or index-url in pip.conf) and run it again."
say "installing the project itself"
install --no-deps --no-build-isolation --editable . || fail "The project could not be installed into .venv."
fingerprint > ".venv/stamp-$flavour"
