#!/bin/sh
# Image archives and layouts made by real programs, listed and verified by list_archive.
# Usage: real_archives_test.sh LIST_ARCHIVE    Exit status 77: nothing could be tried.
# Everything stays in a temporary directory; no network, no privileges, no image is run.
set -eu

list_archive=$1
work=$(mktemp -d)
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TMPDIR="$work/tmp" REGISTRY_AUTH_FILE="$work/auth.json"
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR" "$work/rootfs/etc"
echo '{}' >"$REGISTRY_AUTH_FILE"
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$work/policy.json"
echo hello >"$work/rootfs/etc/motd"
tried=0

have() {
  command -v "$1" >/dev/null && return 0
  echo "skipped: $1 is not installed" >&2
  return 1
}

# expect PATH TEXT: one line of the listing is TEXT.
expect() {
  tried=$((tried + 1))
  listing=$("$list_archive" "$1") || { echo "$1: not read" >&2; exit 1; }
  if ! printf '%s\n' "$listing" | grep -qxF -- "$2"; then
    echo "$1: expected \"$2\", got:" >&2
    printf '%s\n' "$listing" >&2
    exit 1
  fi
  echo "ok: $(basename "$1"): $2"
}

oci="application/vnd.oci.image.manifest.v1+json manifests 1 blobs 2"
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac

if have umoci; then
  umoci init --layout "$work/layout" >/dev/null
  umoci new --image "$work/layout:v1" >/dev/null
  umoci insert --rootless --image "$work/layout:v1" "$work/rootfs" / >/dev/null
  expect "$work/layout" "v1 $oci"

  tar -C "$work/layout" -cf "$work/layout.tar" .
  expect "$work/layout.tar" "v1 $oci"
  gzip -k "$work/layout.tar"
  expect "$work/layout.tar.gz" "v1 $oci"

  if have skopeo; then
    copy() { skopeo --policy "$work/policy.json" --tmpdir "$TMPDIR" copy -q "$@"; }
    copy "oci:$work/layout:v1" "docker-archive:$work/docker.tar:example.com/app:v1"
    expect "$work/docker.tar" "example.com/app:v1 raw linux/$arch none"
    copy "oci:$work/layout:v1" "oci-archive:$work/oci.tar:example.com/app:v1"
    expect "$work/oci.tar" "example.com/app:v1 $oci"
    copy --dest-compress-format zstd --dest-compress "oci:$work/layout:v1" "oci:$work/zstd:v1"
    expect "$work/zstd" "v1 $oci"
  fi
fi

if have buildah; then
  build() { buildah --root "$work/storage" --runroot "$work/runroot" --storage-driver vfs "$@"; }
  if container=$(build from --isolation chroot scratch 2>"$work/buildah.log"); then
    build config --cmd /bin/sh "$container"
    build add -q "$container" "$work/rootfs" / >/dev/null
    build commit -q --signature-policy "$work/policy.json" "$container" "docker-archive:$work/buildah.tar:app:v1" >/dev/null
    expect "$work/buildah.tar" "docker.io/library/app:v1 raw linux/$arch none"
    build commit -q --signature-policy "$work/policy.json" "$container" "oci-archive:$work/buildah_oci.tar:app:v1" >/dev/null
    expect "$work/buildah_oci.tar" "app:v1 $oci"
  else
    echo "skipped: buildah does not run here: $(tail -n 1 "$work/buildah.log")" >&2
  fi
fi

[ "$tried" -gt 0 ] || exit 77
