#!/usr/bin/env bash
# ./dev demo, after the build: a real image goes into an ECR on this machine and comes back, with $DAVIT, the command.
# Nothing is left behind.
set -euo pipefail
make_image=$(dirname "$(readlink -f "$0")")/../../tests/support/debian_image.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/davit-demo.XXXXXX")
server=
finish() {
  if [[ $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

headline() { printf '\n== %s\n' "$*"; }
spell() { printf '$ %s\n' "${*@Q}" | sed "s/'\([A-Za-z0-9_.:/=-]*\)'/\1/g"; }
show() {
  spell "$@"
  "$@"
}
requests() { wc --lines <requests.log; }
uploads() { grep --count --extended-regexp '"method":"(POST|PATCH|PUT)".*"path":"/v2/[^"]*/blobs/' requests.log || true; }

# push FLAG... DESTINATION: leaves in $pushed what davit said, and says what the registry saw of it.
push() {
  local requests_before uploads_before
  requests_before=$(requests)
  uploads_before=$(uploads)
  spell davit push "$image" "$@"
  pushed=$(davit push "$image" "$@")
  echo "$pushed"
  printf '(requests to ECR, its API included: %d; to upload blobs: %d)\n' \
    $(($(requests) - requests_before)) $(($(uploads) - uploads_before))
}

# The AWS settings of whoever runs this stay out of it.
for name in "${!AWS_@}" "${!DAVIT_@}"; do
  if [[ $name != DAVIT ]]; then unset "$name"; fi
done
cd "$work"
mkdir bin
ln -s "$DAVIT" bin/davit
ln -s "$DAVIT" bin/docker-credential-davit
export PATH=$work/bin:$PATH HOME=$work
unset XDG_RUNTIME_DIR XDG_CONFIG_HOME DOCKER_CONFIG REGISTRY_AUTH_FILE
image=debian-tools.tar

headline "An ECR on this machine, with an account, a region and credentials of its own"
spell davit serve --ecr --listen 127.0.0.1:0 --env-file ecr.env
: >requests.log
# However this script ends, the kernel takes the server along.
setpriv --pdeathsig KILL davit serve --ecr --listen 127.0.0.1:0 --env-file ecr.env --access-log requests.log >serve.log 2>&1 &
server=$!
until [[ -e ecr.env ]]; do
  if ! kill -0 "$server" 2>/dev/null; then
    echo "demo: davit serve ended early:" >&2
    cat serve.log >&2
    exit 1
  fi
  sleep 0.05
done
cat serve.log
spell . ecr.env
. ./ecr.env
show davit auth whoami

headline "An image: what Debian installed on this machine, as docker save would write it"
"$make_image" "$image" debian-tools:1 "$DAVIT"
tar --list --verbose --file="$image" | awk '/layer.tar/ {printf "  %-20s %6.1f MB\n", $6, $3 / 1000000}'

headline "Push it: no login; the repository is created"
repository=$DAVIT_REGISTRY/demo/debian-tools
push --create-repo "$repository:1"
first=$pushed

headline "Push it again: nothing is read, compressed or sent"
push "$repository:1"
if [[ $pushed != "$first" ]]; then
  echo "demo: the same image got another digest" >&2
  exit 1
fi

headline "Change one layer and push that as version 2: only this layer travels"
"$make_image" "$image" debian-tools:2 "$DAVIT"
push "$repository:2"

headline "What does skopeo say? It logs in through docker-credential-davit"
mkdir .docker
printf '{"credHelpers": {"%s": "davit"}}\n' "$DAVIT_REGISTRY" >.docker/config.json
show cat .docker/config.json
show skopeo inspect --tls-verify=false --format '{{.Digest}}, {{.Architecture}}, tags {{.RepoTags}}' "docker://$repository:2"
show skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$repository:2" dir:fetched
theirs=sha256:$(sha256sum fetched/manifest.json | cut -d' ' -f1)
if [[ $pushed != "$repository@$theirs" ]]; then
  echo "demo: skopeo fetched a manifest with the digest $theirs" >&2
  exit 1
fi
echo "skopeo fetched the image, checked every blob, and has the same digest."

headline "That was all. The registry is gone again, and with it the image."
