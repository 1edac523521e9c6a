#!/usr/bin/env bash
# with_registry.sh COMMAND...: runs the command beside Debian's docker-registry on a free port of the loopback
# interface, and ends with the command's exit code. Nothing is left behind. The command finds in its environment:
#   REGISTRY       host:port, as references write it
#   REGISTRY_LOG   the registry's access log, a line for each request
#   REGISTRY_DATA  where the registry keeps blobs and uploads
#   SCRATCH        a directory for files of its own
set -euo pipefail

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/davit-registry.XXXXXX")
registry=
finish() {
  if [[ $registry ]]; then
    kill "$registry" 2>/dev/null || true
    wait "$registry" 2>/dev/null || true
  fi
  rm -rf "$SCRATCH"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

REGISTRY_DATA=$SCRATCH/registry
REGISTRY_LOG=$SCRATCH/registry.log
cat >"$SCRATCH/registry.yml" <<TEXT
version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: $REGISTRY_DATA}
  delete: {enabled: true}
http: {addr: "127.0.0.1:0", secret: of no importance}
TEXT
: >"$REGISTRY_LOG"
# However this script ends, the kernel takes the registry along.
setpriv --pdeathsig KILL docker-registry serve "$SCRATCH/registry.yml" >"$REGISTRY_LOG" 2>&1 &
registry=$!
# It says itself which port it was given.
until REGISTRY=$(grep --only-matching --max-count=1 'listening on 127[0-9.:]*' "$REGISTRY_LOG" | cut -d' ' -f3) && [[ $REGISTRY ]]; do
  if ! kill -0 "$registry" 2>/dev/null; then
    echo "with_registry: docker-registry ended early:" >&2
    cat "$REGISTRY_LOG" >&2
    exit 1
  fi
  sleep 0.05
done

export REGISTRY REGISTRY_LOG REGISTRY_DATA SCRATCH
code=0
"$@" || code=$?
exit "$code"
