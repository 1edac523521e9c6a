#!/usr/bin/env bash
# debian_image.sh OUT.tar NAME:TAG PROGRAM: an image as `docker save` of Docker 24 writes it, without Docker. Its layers
# are plain tars of what Debian packages installed on this machine:
#   1. the essential packages, 2. the libraries that PROGRAM needs, 3. git and the build tools,
#   4. PROGRAM itself, and a file that holds NAME:TAG, so that another tag is an image that differs in this layer.
# The same machine gives the same bytes each time.
set -euo pipefail

out=$1 name=$2 program=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/davit-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/image"

# reproducible_tar OUT ARGUMENT...
reproducible_tar() {
  local archive=$1
  shift
  tar --create --file="$archive" --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "$@"
}

# layer COMMAND...: adds a layer of the files whose paths the command prints, and its diff_id.
diff_ids=() layers=()
layer() {
  local id=layer$((${#layers[@]} + 1)) path
  mkdir "$work/image/$id"
  "$@" | sort --unique | while read -r path; do
    if [[ -f $path && -r $path ]]; then echo "${path#/}"; fi
  done >"$work/files"
  reproducible_tar "$work/image/$id/layer.tar" --directory=/ --no-recursion --files-from="$work/files"
  layers+=("$id/layer.tar")
  diff_ids+=("sha256:$(sha256sum "$work/image/$id/layer.tar" | cut -d' ' -f1)")
}

essential_files() {
  dpkg-query --show --showformat='${Essential} ${binary:Package}\n' | sed -n 's/^yes //p' | xargs dpkg --listfiles | usr_merged
}
library_files() { ldd "$program" | sed -n 's/.* => \(\/[^ ]*\).*/\1/p' | xargs readlink --canonicalize; }
build_tool_files() { dpkg --listfiles git cmake ninja-build pkgconf 2>/dev/null | usr_merged; }
usr_merged() { sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,'; }

layer essential_files
layer library_files
layer build_tool_files
install -D "$program" "$work/root/usr/local/bin/davit"
echo "$name" >"$work/root/usr/local/image-name"
mkdir "$work/image/layer4"
reproducible_tar "$work/image/layer4/layer.tar" --directory="$work/root" usr
layers+=(layer4/layer.tar)
diff_ids+=("sha256:$(sha256sum "$work/image/layer4/layer.tar" | cut -d' ' -f1)")

quoted() { printf '"%s",' "$@" | sed 's/,$//'; }
architecture=$(dpkg --print-architecture)
printf '{"architecture":"%s","config":{"Entrypoint":["/usr/local/bin/davit"]},"created":"1970-01-01T00:00:00Z","os":"linux","rootfs":{"type":"layers","diff_ids":[%s]}}' \
  "$architecture" "$(quoted "${diff_ids[@]}")" >"$work/config"
config=$(sha256sum "$work/config" | cut -d' ' -f1).json
mv "$work/config" "$work/image/$config"
printf '[{"Config":"%s","RepoTags":["%s"],"Layers":[%s]}]' "$config" "$name" "$(quoted "${layers[@]}")" >"$work/image/manifest.json"

reproducible_tar "$out" --directory="$work/image" .
