#!/usr/bin/env bash
# run.sh find_package|add_subdirectory|pkg_config: builds the programs of docs/examples as programs outside davit's
# source tree would be built, and pushes an image with them. Runs beside a registry: tests/support/with_registry.sh.
set -euo pipefail

consumer=$DAVIT_SOURCE/tests/embed/$1
examples=$DAVIT_SOURCE/docs/examples
mkdir "$SCRATCH/consumer"
cd "$SCRATCH/consumer"

fail() {
  echo "embed: $*" >&2
  exit 1
}

# The library's compiler is the consumer's.
CXX=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$DAVIT_RELEASE_BUILD/CMakeCache.txt")
export CXX

case $1 in
  find_package)
    cmake --install "$DAVIT_RELEASE_BUILD" --prefix "$SCRATCH/installed" >/dev/null
    mv "$SCRATCH/installed" "$SCRATCH/moved"  # nothing in there may depend on where it was put
    cmake -G Ninja -S "$consumer" -B . -DEXAMPLES="$examples" -DCMAKE_PREFIX_PATH="$SCRATCH/moved" >/dev/null
    cmake --build .
    ;;
  add_subdirectory)
    cmake -G Ninja -S "$consumer" -B . -DEXAMPLES="$examples" -DDAVIT_SOURCE="$DAVIT_SOURCE" -DDAVIT_UNITY=ON >/dev/null
    cmake --build . --parallel 2
    ;;
  pkg_config)
    cmake --install "$DAVIT_RELEASE_BUILD" --prefix "$SCRATCH/installed" >/dev/null
    mv "$SCRATCH/installed" "$SCRATCH/moved"
    export PKG_CONFIG_PATH=$SCRATCH/moved/lib/pkgconfig
    "$CXX" -std=c++20 $(pkg-config --cflags davit) "$examples/push.cc" -o push $(pkg-config --libs davit)
    "$CXX" -std=c++20 $(pkg-config --cflags davit-emulator) "$examples/emulator.cc" -o emulator $(pkg-config --libs davit-emulator)
    ;;
esac

python3 "$DAVIT_SOURCE/testdata/make_fixtures.py" "$SCRATCH/fixtures"
pushed=$(./push "$SCRATCH/fixtures/docker24.tar" "$REGISTRY/embed:1")
[[ $pushed =~ ^"$REGISTRY"/embed@sha256:[0-9a-f]{64}$ ]] || fail "unexpected output: $pushed"
there=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/embed:1")
[[ $pushed == *"@$there" ]] || fail "the registry has $there"

code=0
./push "$SCRATCH/no-such-file.tar" "$REGISTRY/embed:1" 2>"$SCRATCH/errors" || code=$?
[[ $code == 8 ]] || fail "a missing file ended with $code: $(cat "$SCRATCH/errors")"
grep --quiet no-such-file.tar "$SCRATCH/errors" || fail "the message does not name the file"

if [[ $1 == find_package ]]; then
  digest=${pushed#*@}
  [[ $(./pull "$REGISTRY/embed:1" "$SCRATCH/layout") == "$digest" ]] || fail "pull says another digest"
  [[ $(./pull "$REGISTRY/embed:1" "$SCRATCH/layout") == "$digest was there already" ]] || fail "pull fetches twice"
  [[ $(./copy "oci:$SCRATCH/layout:1" "$REGISTRY/copied:1" 2>/dev/null) == "$REGISTRY/copied@$digest" ]] || fail "copy says another digest"
  index=$(./index "$REGISTRY/index:1" "$SCRATCH/fixtures/docker24.tar" 2>/dev/null)
  [[ $index == "$REGISTRY/index@$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/index:1" | sha256sum | sed 's/ .*//; s/^/sha256:/')" ]] ||
    fail "the index is not $index"
  greeting=$(./custom_source "$REGISTRY/greeting:1" "oci:$SCRATCH/greeting" | sort --unique | wc --lines)
  [[ $greeting == 2 ]] || fail "a source of one's own reaches $greeting of 2 destinations"
  skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/greeting:1" | grep --quiet vnd.example.greeting || fail "another greeting"
fi

said=$(./emulator "$SCRATCH/fixtures/docker24.tar")
[[ $said == "as it should be" ]] || fail "the emulator example said $said"
