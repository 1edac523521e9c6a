#!/bin/sh
# Archives and layouts that davit wrote, as skopeo, umoci and buildah read them.
# Usage: written_archives_test.sh REWRITE_ARCHIVE    Exit status 77: nothing could be tried.
# Everything stays in a temporary directory; no network, no privileges, no image is run.
set -eu

rewrite_archive=$1
work=$(mktemp -d)
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TMPDIR="$work/tmp" REGISTRY_AUTH_FILE="$work/auth.json"
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR" "$work/rootfs/etc"
echo '{}' >"$REGISTRY_AUTH_FILE"
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$work/policy.json"
echo hello >"$work/rootfs/etc/motd"

command -v umoci >/dev/null && command -v skopeo >/dev/null || { echo "skipped: umoci and skopeo are needed" >&2; exit 77; }

fail() {
  echo "$*" >&2
  exit 1
}
copy() { skopeo --policy "$work/policy.json" --tmpdir "$TMPDIR" copy -q "$@"; }
digest() { skopeo --tmpdir "$TMPDIR" inspect --raw "$1" | sha256sum; }

umoci init --layout "$work/made" >/dev/null
umoci new --image "$work/made:v1" >/dev/null
umoci insert --rootless --image "$work/made:v1" "$work/rootfs" / >/dev/null
umoci insert --rootless --image "$work/made:v1" "$work/rootfs" /again >/dev/null
wanted=$(digest "oci:$work/made:v1")

# A layout, twice into the same folder.
"$rewrite_archive" "$work/made" layout v1 "$work/layout"
"$rewrite_archive" "$work/made" layout v2 "$work/layout"
[ "$(digest "oci:$work/layout:v1")" = "$wanted" ] || fail "oci: another digest"
umoci unpack --rootless --image "$work/layout:v2" "$work/bundle" >/dev/null
[ "$(cat "$work/bundle/rootfs/again/etc/motd")" = hello ] || fail "umoci: another file"
umoci gc --layout "$work/layout" >/dev/null
[ "$(umoci list --layout "$work/layout" | sort | tr '\n' ' ')" = "v1 v2 " ] || fail "umoci: other tags"
echo "ok: layout"

# An OCI archive.
"$rewrite_archive" "$work/made" oci v1 "$work/oci.tar"
[ "$(digest "oci-archive:$work/oci.tar:v1")" = "$wanted" ] || fail "oci-archive: another digest"
copy "oci-archive:$work/oci.tar:v1" "dir:$work/oci.dir"
mkdir "$work/untarred"
tar -C "$work/untarred" -xf "$work/oci.tar"
[ "$(digest "oci:$work/untarred:v1")" = "$wanted" ] || fail "tar: another digest"
echo "ok: oci-archive"

# A docker archive: skopeo checks every diff_id on the way. From a file and from a pipe.
"$rewrite_archive" "$work/made" docker docker.io/library/app:v1 "$work/docker.tar"
"$rewrite_archive" "$work/made" docker docker.io/library/app:v1 - | cat >"$work/piped.tar"
for name in docker piped; do
  copy "docker-archive:$work/$name.tar:app:v1" "oci:$work/$name.oci:v1"
  copy "docker-archive:$work/$name.tar:docker.io/library/app:v1" "dir:$work/$name.dir"
  [ "$(skopeo inspect --config --raw "docker-archive:$work/$name.tar")" = "$(skopeo inspect --config --raw "oci:$work/made:v1")" ] ||
    fail "docker-archive: another configuration"
  umoci unpack --rootless --image "$work/$name.oci:v1" "$work/$name.bundle" >/dev/null
  [ "$(cat "$work/$name.bundle/rootfs/again/etc/motd")" = hello ] || fail "docker-archive: another file"
  "$rewrite_archive" "$work/$name.tar" oci v1 "$work/back.tar"
  [ "$(digest "oci-archive:$work/back.tar:v1")" = "$wanted" ] || fail "back again: another digest"
  cmp "$work/back.tar" "$work/oci.tar" || fail "back again: other bytes"
  echo "ok: docker-archive, $name"
done

if command -v buildah >/dev/null; then
  if image=$(buildah --root "$work/storage" --runroot "$work/runroot" --storage-driver vfs pull -q \
      --signature-policy "$work/policy.json" "docker-archive:$work/docker.tar" 2>"$work/buildah.log"); then
    [ -n "$image" ] || fail "buildah: no image"
    echo "ok: buildah"
  else
    echo "skipped: buildah does not run here: $(tail -n 1 "$work/buildah.log")" >&2
  fi
fi
