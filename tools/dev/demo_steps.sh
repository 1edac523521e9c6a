# What both halves of ./dev demo show. Sourced by them: $image is the tarball, $repository where it went, $pushed what
# davit said about the last push.

headline() { printf '\n== %s\n' "$*"; }
spell() { printf '$ %s\n' "${*@Q}" | sed "s/'\([A-Za-z0-9_.:/=-]*\)'/\1/g"; }
show() {
  spell "$@"
  "$@"
}
show_layers() {
  tar --list --verbose --file="$image" | awk '/layer.tar/ {printf "  %-20s %6.1f MB\n", $6, $3 / 1000000}'
}

# push FLAG... DESTINATION: says afterwards what the registry saw of it, by the requests() and uploads() of each half.
push() {
  local requests_before uploads_before
  requests_before=$(requests)
  uploads_before=$(uploads)
  spell davit push "$image" "$@"
  pushed=$(davit push "$image" "$@")
  echo "$pushed"
  printf '(requests that reached the registry: %d; to upload blobs: %d)\n' $(($(requests) - requests_before)) $(($(uploads) - uploads_before))
}

# show_fetched: version 2 as skopeo gets it has the digest that davit said.
show_fetched() {
  show skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$repository:2" dir:fetched
  local theirs
  theirs=sha256:$(sha256sum "fetched/manifest.json" | cut -d' ' -f1)
  if [[ $pushed != "$repository@$theirs" ]]; then
    echo "demo: skopeo fetched a manifest with the digest $theirs" >&2
    exit 1
  fi
  echo "skopeo fetched the image, checked every blob, and has the same digest."
}
