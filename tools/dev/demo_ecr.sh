#!/usr/bin/env bash
# The second half of ./dev demo: a real image goes into an ECR on this machine, with $DAVIT, the command. Nothing is left behind.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
make_image=$here/../../tests/support/debian_image.sh
. "$here/demo_steps.sh"
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

cd "$work"
mkdir bin
ln -s "$DAVIT" bin/davit
ln -s "$DAVIT" bin/docker-credential-davit
export PATH=$work/bin:$PATH HOME=$work
image=debian-tools.tar

requests() { wc --lines <requests.log; }
uploads() { grep --count --extended-regexp '"method":"(POST|PATCH|PUT)".*"path":"/v2/[^"]*/blobs/' requests.log || true; }

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
show_layers

headline "Push it: no login; the repository is created"
repository=$DAVIT_REGISTRY/demo/debian-tools
push --create-repo=immutable "$repository:1"

headline "Push it again: nothing is read, compressed or sent"
push "$repository:1"

headline "Change one layer and push that as version 2: only this layer travels"
"$make_image" "$image" debian-tools:2 "$DAVIT"
push "$repository:2"

headline "What does skopeo say? It logs in through docker-credential-davit"
mkdir .docker
printf '{"credHelpers": {"%s": "davit"}}\n' "$DAVIT_REGISTRY" >.docker/config.json
unset XDG_RUNTIME_DIR
show cat .docker/config.json
show skopeo inspect --tls-verify=false --format '{{.Digest}}, {{.Architecture}}, tags {{.RepoTags}}' "docker://$repository:2"
show_fetched

headline "That was all. The registry is gone again, and with it the image."
