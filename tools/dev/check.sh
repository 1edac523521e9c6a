# ./dev check: what a change must pass besides the tests. Sourced by ./dev. Every step runs, whatever the others said.

check() {
  local step failed=() steps=(format tidy gcc clang shared tsan fuzz processors)
  if (($#)); then steps=("$@"); fi
  for step in "${steps[@]}"; do
    headline "check $step: $(check_says "$step")"
    # A subshell of its own, and not in a condition: `set -e` holds inside, and a failed step does not end the others.
    set +e
    (
      set -e
      "check_$step"
    )
    local code=$?
    set -e
    if ((code == 0)); then
      echo "-- check $step: ok"
    else
      echo "-- check $step: FAILED"
      failed+=("$step")
    fi
  done
  if ((${#failed[@]})); then
    headline "Failed: ${failed[*]}   (again: ./dev check ${failed[*]})"
    return 1
  fi
  headline "All checks passed"
}

check_says() {
  case $1 in
    format) echo "clang-format has nothing to change" ;;
    tidy) echo "clang-tidy over the library and the command" ;;
    gcc) echo "every file compiles by itself with GCC, no warnings" ;;
    clang) echo "every file compiles by itself with Clang, no warnings, locks as annotated" ;;
    shared) echo "the library works as a shared one, for the examples too" ;;
    tsan) echo "the tests under ThreadSanitizer" ;;
    fuzz) echo "every fuzz target for ${FUZZ_SECONDS:-10} seconds" ;;
    processors) echo "compression gives the same bytes on other processors" ;;
    *) echo "there is no such step" ;;
  esac
}

check_format() { sources | xargs clang-format --dry-run --Werror; }

check_tidy() {
  configure clang
  run-clang-tidy -quiet -j "${JOBS:-$(jobs)}" -p build/clang "^$PWD/(lib|tools)/" >build/tidy.log 2>/dev/null || {
    sed 's/\x1b\[[0-9;]*m//g' build/tidy.log | grep --extended-regexp 'warning:|error:' | sort --unique
    return 1
  }
}

check_gcc() {
  configure gcc
  compile gcc
  # Optimised, GCC sees more.
  configure release
  compile release
}

check_clang() {
  configure clang
  compile clang
}

check_shared() {
  configure release -B build/shared -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=Debug
  compile shared
  build/shared/tools/davit/davit version
  # A symbol that the public headers promise and the library hides would not link.
  cmake --install build/shared --prefix build/shared/installed >/dev/null
  cmake -G Ninja -S tests/embed/find_package -B build/shared/consumer -DEXAMPLES="$PWD/docs/examples" \
    -DCMAKE_PREFIX_PATH="$PWD/build/shared/installed" >/dev/null
  cmake --build build/shared/consumer
}

check_tsan() {
  build_release  # whose command some of the tests run
  configure tsan -DDAVIT_BUILD_TOOL=OFF -DDAVIT_RELEASE_BUILD="$PWD/build/release"
  compile tsan
  ctest --test-dir build/tsan --output-on-failure --parallel 2 --label-exclude 'cli|embed|arch'
}

check_fuzz() {
  local name target failed=0
  configure fuzz
  compile fuzz
  for target in build/fuzz/tests/fuzz/*_fuzz; do
    name=$(basename "$target" _fuzz)
    mkdir --parents "build/fuzz/found/$name"
    echo "$name"
    # New inputs go to build/fuzz/found; what crashes is kept there as well.
    "$target" -max_total_time="${FUZZ_SECONDS:-10}" -rss_limit_mb=2048 -timeout=25 -verbosity=0 -print_final_stats=0 \
      -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/found/$name" "tests/fuzz/corpus/$name" || failed=1
  done
  return "$failed"
}

check_processors() { tools/dev/processors.sh; }
