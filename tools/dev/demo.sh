#!/usr/bin/env bash
# ./dev demo, after the build: runs beside a registry (tests/support/with_registry.sh) with $DAVIT, the command.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
PATH=$(dirname "$DAVIT"):$PATH
image=$SCRATCH/debian-tools.tar
repository=$REGISTRY/demo/debian-tools

headline() { printf '\n== %s\n' "$*"; }
show() {
  printf '$ %s\n' "$*"
  "$@"
}
requests() { grep --count 'HTTP/1.1" [0-9]' "$REGISTRY_LOG" || true; }
uploads() { grep --count --extended-regexp '"(POST|PATCH|PUT) /v2/[^ ]*/blobs/' "$REGISTRY_LOG" || true; }

# push DESTINATION: says afterwards what the registry saw of it.
push() {
  local requests_before uploads_before
  requests_before=$(requests)
  uploads_before=$(uploads)
  show davit push "$image" "$1" | tee "$SCRATCH/pushed"
  printf '(the registry saw %d requests, %d of them to upload blobs)\n' $(($(requests) - requests_before)) $(($(uploads) - uploads_before))
}

headline "A registry: Debian's docker-registry on $REGISTRY"
headline "An image: what Debian installed on this machine, as docker save would write it"
tests/support/debian_image.sh "$image" debian-tools:1 "$DAVIT"
tar --list --verbose --file="$image" | awk '/layer.tar/ {printf "  %-20s %6.1f MB\n", $6, $3 / 1000000}'

headline "Push it"
push "$repository:1"

headline "Push it again: nothing is read, compressed or sent"
push "$repository:1"

headline "Change one layer and push that as version 2: only this layer travels"
tests/support/debian_image.sh "$image" debian-tools:2 "$DAVIT"
push "$repository:2"

headline "What does skopeo say?"
show skopeo inspect --tls-verify=false --format '{{.Digest}}, {{.Architecture}}, tags {{.RepoTags}}' "docker://$repository:2"
show skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$repository:2" "dir:$SCRATCH/fetched"
theirs=sha256:$(sha256sum "$SCRATCH/fetched/manifest.json" | cut -d' ' -f1)
if [[ $(cat "$SCRATCH/pushed") != "$repository@$theirs" ]]; then
  echo "demo: skopeo fetched a manifest with the digest $theirs" >&2
  exit 1
fi
echo "skopeo fetched the image, checked every blob, and has the same digest."

headline "That was all. The registry is gone again, and with it the image."
