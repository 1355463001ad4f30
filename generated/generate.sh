#!/usr/bin/env bash
# Write generated/ from proto/, or with --check compare it with what is committed.
#   generate.sh [--check] VENV    VENV: the folder that holds the pinned generators, see the Makefile
# A language whose generators are not there is named and left as it is; with CI=true that fails.
set -euo pipefail
check=no
if [ "$1" = --check ]; then check=yes; shift; fi
venv=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/python" "$out/go" "$out/java"
failed=no

python() {
  PATH="$venv/bin:$PATH" "$venv/bin/python" -m grpc_tools.protoc --proto_path=proto \
    --python_out="$1" --mypy_out="quiet:$1" --grpc_python_out="$1" --mypy_grpc_out="quiet:$1" \
    proto/tickmux/v1/*.proto
}

go() {
  local module=github.com/tickmux/tickmux/generated/go
  "$venv/bin/python" -m grpc_tools.protoc --proto_path=proto \
    --plugin="$venv/go/protoc-gen-go" --go_out="$1" --go_opt="module=$module" \
    --plugin="$venv/go/protoc-gen-go-grpc" --go-grpc_out="$1" --go-grpc_opt="module=$module" \
    proto/tickmux/v1/*.proto
}

java() {
  # This protoc comes without google/protobuf/*.proto, so it is given what the other one has read.
  "$venv/bin/python" -m grpc_tools.protoc --proto_path=proto --include_imports --include_source_info \
    --descriptor_set_out="$out/contract.binpb" proto/tickmux/v1/*.proto
  (cd proto && "$venv/java/protoc" --descriptor_set_in="$out/contract.binpb" --java_out="$1" \
    --plugin="$venv/java/protoc-gen-grpc-java" --grpc-java_out="$1" tickmux/v1/*.proto)
}

# Each language with the folder that is the generator's alone.
for language in python:tickmux/v1 go:tickmux/v1 java:io/tickmux/v1; do
  owned=${language#*:}
  language=${language%%:*}
  stamp=$venv/.$language
  if [ "$language" != python ] && [ ! -e "$stamp" ]; then
    case $language in go) needs="Go 1.26 or later" ;; java) needs="a JDK 17 or later and Maven" ;; esac
    echo "generated/$language is not looked at: $needs is missing on this machine" >&2
    if [ "${CI:-}" = true ]; then failed=yes; fi
    continue
  fi
  "$language" "$out/$language"
  if [ "$check" = yes ]; then
    diff -r --brief --exclude=__pycache__ "$out/$language/$owned" "generated/$language/$owned" || {
      echo "generated/$language differs from what proto/ generates: run 'make generate' and commit the result" >&2
      failed=yes
    }
  else
    rm -rf "generated/$language/$owned"
    mkdir -p "$(dirname "generated/$language/$owned")"
    cp -r "$out/$language/$owned" "generated/$language/$owned"
  fi
done
[ "$failed" = no ]
