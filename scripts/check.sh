#!/bin/sh
# Everything that can be checked without running the product.
set -u
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
failed=""

step() {
    name=$1
    shift
    printf '\033[1m· %s\033[0m\n' "$name"
    "$@" || failed="$failed, $name"
}

step "ruff format" ruff format --check --quiet .
step "ruff" ruff check --quiet .
step "mypy" mypy
step "import-linter" lint-imports --no-logo
step "migrations" python scripts/check_migrations.py
step "hadolint" hadolint Dockerfile
step "shell scripts" bash -n scripts/bootstrap.sh scripts/lock.sh scripts/check.sh deploy/postgres-roles.sh .ci/run .ci/openapi/lint
if [ -n "$failed" ]; then
    printf '\nfailed: %s\n' "${failed#, }" >&2
    exit 1
fi
printf 'all checks passed\n'
