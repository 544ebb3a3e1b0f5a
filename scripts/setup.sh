#!/bin/sh
# Makes .venv with the locked dependencies; `make` calls this when it is needed.
# Everything it fetches stays in this folder: uv, its cache and, where the machine has
# no fitting Python, a Python (.tools/), and the environment (.venv/).
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
PYTHON=${PYTHON:-python3}
uv=.tools/uv/bin/uv
log=.tools/setup.log

export UV_CACHE_DIR="${UV_CACHE_DIR:-$PWD/.tools/cache}"
export UV_PYTHON_INSTALL_DIR="${UV_PYTHON_INSTALL_DIR:-$PWD/.tools/python}"
export UV_PYTHON_INSTALL_BIN=0
export UV_PROJECT_ENVIRONMENT=.venv
export UV_NO_PROGRESS=1 UV_COMPILE_BYTECODE=1  # compiled once here, or slowly by each process that starts
# The authorities that this machine trusts, as pip does: a company's proxy is among them.
[ ! -r /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
unset VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

# running LABEL COMMAND...: with the seconds that pass on a terminal, one line elsewhere.
running() {
  label=$1
  shift
  "$@" > "$log" 2>&1 &
  child=$!
  trap 'kill "$child" 2>/dev/null; exit 130' INT TERM
  [ -t 2 ] || say "$label"
  seconds=0
  while [ -t 2 ] && kill -0 "$child" 2>/dev/null; do
    printf '\r%s (%d s)' "$label" "$seconds" >&2
    seconds=$((seconds + 1))
    sleep 1
  done
  [ ! -t 2 ] || printf '\n' >&2
  status=0
  wait "$child" || status=$?
  trap - INT TERM
  return "$status"
}

wanted_uv() { case "$("$uv" --version 2>/dev/null)" in "uv $UV_VERSION"*) true ;; *) false ;; esac; }

get_uv() {
  command -v "$PYTHON" >/dev/null || fail "no $PYTHON here. Install Python 3.11 or 3.12, then run this again."
  pip_options="--quiet --disable-pip-version-check --no-cache-dir --no-warn-script-location --only-binary :all:"
  rm -rf .tools/uv
  # shellcheck disable=SC2086  # the options are meant to be split
  if "$PYTHON" -m venv .tools/uv >/dev/null 2>&1; then
    running "Fetching uv $UV_VERSION" .tools/uv/bin/python -m pip install $pip_options "uv==$UV_VERSION"
  elif rm -rf .tools/uv && "$PYTHON" -m pip --version >/dev/null 2>&1; then
    running "Fetching uv $UV_VERSION" "$PYTHON" -m pip install $pip_options --target .tools/uv "uv==$UV_VERSION"
  elif found=$(command -v uv); then
    mkdir -p .tools/uv/bin && ln -sf "$found" "$uv"
    return
  else
    fail "$PYTHON has neither venv nor pip. On Debian and Ubuntu: apt-get install python3-venv. Then run this again."
  fi || { tail -5 "$log" >&2; fail "uv could not be fetched from the package index. Is there a network?"; }
}

# A Python that the project runs on; the machine's own where it fits.
get_python() {
  "$uv" python find --no-python-downloads >/dev/null 2>&1 && return
  [ -z "${UV_PYTHON:-}" ] || fail "UV_PYTHON=$UV_PYTHON is not a Python 3.11 or 3.12 of this machine."
  running "No Python 3.11 or 3.12 here: fetching 3.12 into .tools/python" "$uv" python install 3.12 || {
    tail -3 "$log" >&2
    fail "Python 3.12 could not be fetched. Install Python 3.11 or 3.12, then run: make setup UV_PYTHON=its-path"
  }
}

{ mkdir -p .tools && [ -w .tools ]; } 2>/dev/null || fail "cannot write in $PWD"
wanted_uv || get_uv
# An environment that was made in another folder is of no use in this one.
[ ! -e .venv/.ready ] || [ "$(cat .venv/.ready)" = "$(pwd -P)" ] || rm -rf .venv
get_python
running "Installing the locked packages into .venv: once, 2 GB" \
  "$uv" sync --frozen --extra dev || { tail -8 "$log" >&2; fail "the packages could not be installed (all of it: $log)"; }
pwd -P > .venv/.ready
