#!/usr/bin/env bash
# Write generated/python from proto/, or with --check compare it with what is committed.
#   generate.sh [--check] BIN    BIN: the folder of the environment that holds the pinned generator
set -euo pipefail
check=no
if [ "$1" = --check ]; then check=yes; shift; fi
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc --proto_path=proto \
  --python_out="$out" --mypy_out="quiet:$out" --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" \
  proto/tickmux/v1/*.proto

if [ "$check" = yes ]; then
  diff -r --brief --exclude=__pycache__ --exclude=py.typed "$out/tickmux" generated/python/tickmux || {
    echo "generated/python differs from what proto/ generates: run 'make generate' and commit the result" >&2
    exit 1
  }
else
  rm -rf generated/python/tickmux/v1
  cp -r "$out/tickmux/v1" generated/python/tickmux/v1
fi
