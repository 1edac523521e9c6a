#!/usr/bin/env bash
# ./dev demo, after the build: runs beside a registry (tests/support/with_registry.sh) with $DAVIT, the command.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
make_image=$here/../../tests/support/debian_image.sh
. "$here/demo_steps.sh"
PATH=$(dirname "$DAVIT"):$PATH
cd "$SCRATCH"
image=debian-tools.tar
repository=$REGISTRY/demo/debian-tools

requests() { grep --count 'HTTP/1.1" [0-9]' "$REGISTRY_LOG" || true; }
uploads() { grep --count --extended-regexp '"(POST|PATCH|PUT) /v2/[^ ]*/blobs/' "$REGISTRY_LOG" || true; }

headline "A registry: Debian's docker-registry on $REGISTRY"
headline "An image: what Debian installed on this machine, as docker save would write it"
"$make_image" "$image" debian-tools:1 "$DAVIT"
show_layers

headline "Push it"
push "$repository:1"

headline "Push it again: nothing is read, compressed or sent"
push "$repository:1"

headline "Change one layer and push that as version 2: only this layer travels"
"$make_image" "$image" debian-tools:2 "$DAVIT"
push "$repository:2"

headline "What does skopeo say?"
show skopeo inspect --tls-verify=false --format '{{.Digest}}, {{.Architecture}}, tags {{.RepoTags}}' "docker://$repository:2"
show_fetched

headline "The registry is gone again, and with it the image. Now the same with Amazon ECR"
