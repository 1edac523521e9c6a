#!/usr/bin/env bash
# Compression gives the same bytes on every processor: the program of tests/unit/codec/determinism.cc, linked statically,
# under emulated x86-64 processors of several ages and on an emulated arm64, against the digests of the repository.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

golden=tests/unit/codec/determinism.golden
sources=(tests/unit/codec/determinism.cc lib/codec/block_encoder.cc lib/crypto/hasher.cc lib/crypto/digest.cc
  lib/base/error.cc lib/base/escape.cc lib/model/media_type.cc)
out=build/processors
mkdir --parents "$out"

# build COMPILER PROGRAM [FLAG...]
build() { "$1" -std=c++20 -O2 -DDAVIT_STATIC -static -Ilib -Ilib/include "${@:3}" "${sources[@]}" -o "$2" -ldeflate -lzstd -lcrypto 2>"$out/build.log" ||
  { cat "$out/build.log"; return 1; }; }

# same NAME COMMAND...
failed=0
same() {
  local name=$1
  shift
  if "$@" 2>"$out/run.log" | diff "$golden" - >"$out/difference"; then
    echo "$name: the same bytes"
  else
    echo "$name: DIFFERENT, or it did not run"
    cat "$out/run.log" "$out/difference"
    failed=1
  fi
}

# Debian's arm64 libraries in a folder of their own; what apt knows about this machine stays as it is.
fetch_arm64_libraries() {
  local root=$PWD/$out/arm64 package
  if [[ -e $root/complete ]]; then return; fi
  rm -rf "$root"
  mkdir --parents "$root/lists/partial" "$root/cache/archives/partial"
  : >"$root/status"
  local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$root" -o Dir::State::status="$root/status"
    -o Dir::Cache="$root/cache" -o Acquire::Retries=3 -o APT::Sandbox::User="$(id --user --name)")
  apt-get "${options[@]}" update
  (cd "$root" && apt-get "${options[@]}" download libdeflate-dev libzstd-dev libssl-dev)
  for package in "$root"/*.deb; do dpkg-deb --extract "$package" "$root/root"; done
  touch "$root/complete"
}

if [[ $(dpkg --print-architecture) == amd64 ]]; then
  build g++ "$out/determinism-amd64"
  for processor in core2duo Nehalem Haswell EPYC; do
    same "x86-64 $processor" qemu-x86_64-static -cpu "$processor" "$out/determinism-amd64"
  done
fi
fetch_arm64_libraries
build aarch64-linux-gnu-g++ "$out/determinism-arm64" -I"$out/arm64/root/usr/include" -I"$out/arm64/root/usr/include/aarch64-linux-gnu" \
  -L"$out/arm64/root/usr/lib/aarch64-linux-gnu"
for processor in cortex-a53 max; do
  same "arm64 $processor" qemu-aarch64-static -cpu "$processor" "$out/determinism-arm64"
done
exit "$failed"
