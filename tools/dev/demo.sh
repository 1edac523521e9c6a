#!/usr/bin/env bash
# ./dev demo, after the build: runs beside a registry (tests/support/with_registry.sh) with $DAVIT, the command.
set -euo pipefail
make_image=$(dirname "$(readlink -f "$0")")/../../tests/support/debian_image.sh
PATH=$(dirname "$DAVIT"):$PATH
cd "$SCRATCH"
image=debian-tools.tar
repository=$REGISTRY/demo/debian-tools

headline() { printf '\n== %s\n' "$*"; }
spell() { printf '$ %s\n' "${*@Q}" | sed "s/'\([A-Za-z0-9_.:/=-]*\)'/\1/g"; }
show() {
  spell "$@"
  "$@"
}
requests() { grep --count 'HTTP/1.1" [0-9]' "$REGISTRY_LOG" || true; }
uploads() { grep --count --extended-regexp '"(POST|PATCH|PUT) /v2/[^ ]*/blobs/' "$REGISTRY_LOG" || true; }

# push DESTINATION: says afterwards what the registry saw of it.
push() {
  local requests_before uploads_before
  requests_before=$(requests)
  uploads_before=$(uploads)
  spell davit push "$image" "$1"
  pushed=$(davit push "$image" "$1")
  echo "$pushed"
  printf '(requests that reached the registry: %d; to upload blobs: %d)\n' $(($(requests) - requests_before)) $(($(uploads) - uploads_before))
}

headline "A registry: Debian's docker-registry on $REGISTRY"
headline "An image: what Debian installed on this machine, as docker save would write it"
"$make_image" "$image" debian-tools:1 "$DAVIT"
tar --list --verbose --file="$image" | awk '/layer.tar/ {printf "  %-20s %6.1f MB\n", $6, $3 / 1000000}'

headline "Push it"
push "$repository:1"

headline "Push it again: nothing is read, compressed or sent"
push "$repository:1"

headline "Change one layer and push that as version 2: only this layer travels"
"$make_image" "$image" debian-tools:2 "$DAVIT"
push "$repository:2"

headline "What does skopeo say?"
show skopeo inspect --tls-verify=false --format '{{.Digest}}, {{.Architecture}}, tags {{.RepoTags}}' "docker://$repository:2"
show skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$repository:2" dir:fetched
theirs=sha256:$(sha256sum "fetched/manifest.json" | cut -d' ' -f1)
if [[ $pushed != "$repository@$theirs" ]]; then
  echo "demo: skopeo fetched a manifest with the digest $theirs" >&2
  exit 1
fi
echo "skopeo fetched the image, checked every blob, and has the same digest."

headline "The registry is gone again, and with it the image. Now the same with Amazon ECR"
