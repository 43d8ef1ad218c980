#!/bin/sh
# Recompile the hash locks. They name no index host, so they install behind any mirror.
set -eu
cd "$(dirname "$0")/.."

compile() {
    output=$1
    shift
    echo "· $output"
    .venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "$output" "$@"
}

upgrade=${1:-}
compile requirements-bootstrap.lock $upgrade requirements-bootstrap.in
compile .ci/openapi/requirements.lock $upgrade .ci/openapi/requirements.in
compile requirements.lock $upgrade --group build --extra embedded pyproject.toml
# The other two install the very versions of the first.
compile requirements-dev.lock $upgrade --group build --extra embedded --group dev -c requirements.lock pyproject.toml
compile requirements-image.lock $upgrade --group build -c requirements.lock pyproject.toml
