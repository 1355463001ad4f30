#!/usr/bin/env bash
# Fetch the generators of generated/java as Maven artifacts, each checked against its pinned SHA-256.
#   fetch-java-generators.sh FOLDER    writes FOLDER/protoc and FOLDER/protoc-gen-grpc-java
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")"

case $(uname -s) in Linux) system=linux ;; Darwin) system=osx ;; *) system=unknown ;; esac
case $(uname -m) in x86_64 | amd64) machine=x86_64 ;; aarch64 | arm64) machine=aarch_64 ;; *) machine=unknown ;; esac
platform=$system-$machine
pins=$(grep -e "-$platform.exe\$" java-generators.sha256) || {
  echo "no generators of Java code are pinned for $(uname -s) on $(uname -m): see generated/java-generators.sha256" >&2
  exit 1
}

checksum() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

while read -r expected file; do
  name_version=${file%-"$platform".exe}
  version=${name_version##*-}
  artifact=${name_version%-"$version"}
  case $artifact in protoc) group=com.google.protobuf ;; *) group=io.grpc ;; esac
  # Maven ends with the sign that turns colours off, whether or not it may use them.
  mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="$group:$artifact:$version:exe:$platform" -DoutputDirectory="$folder" </dev/null 2>&1 |
    sed $'s/\033\\[[0-9;]*m//g' >&2
  found=$(checksum "$folder/$file")
  if [ "$found" != "$expected" ]; then
    rm "$folder/$file"
    echo "$file has the SHA-256 $found, not $expected as generated/java-generators.sha256 says" >&2
    exit 1
  fi
  mv "$folder/$file" "$folder/$artifact"
  chmod +x "$folder/$artifact"
done <<<"$pins"
