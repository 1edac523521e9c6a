# Which Debian packages each command needs, and how they are installed. Sourced by ./dev.

declare -A PACKAGES=(
  [build]="g++ cmake ninja-build pkg-config libcurl4-openssl-dev libssl-dev nlohmann-json3-dev libzstd-dev
           zlib1g-dev libdeflate-dev libpsl-dev libyaml-cpp-dev libre2-dev libcli11-dev"
  [demo]="skopeo"
  [test]="clang libclang-rt-dev lld catch2 docker-registry docker.io skopeo umoci buildah containerd apache2-utils openssl python3 python3-jsonschema python3-yaml busybox-static
          gzip zstd strace curl awscli groff-base man-db fish zsh"
  [soak]="python3"
  [bench]="catch2 docker-registry docker.io skopeo curl openssl python3"
  [check-format]="clang-format"
  [check]="clang-tidy clang-format qemu-user-static g++-aarch64-linux-gnu"
)

# Packages that would start a service as soon as they are installed, and again at every boot.
declare -A SERVICES=([docker-registry]=docker-registry [containerd]=containerd [docker.io]="docker.service docker.socket")

is_installed() { [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# install_packages GROUP...: returns at once when nothing is missing.
install_packages() {
  local group package missing=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "dev: this is not Debian, so nothing is installed; what is needed is listed in tools/dev/packages.sh"
    return
  fi
  for group; do
    for package in ${PACKAGES[$group]}; do
      if ! is_installed "$package"; then missing+=("$package"); fi
    done
  done
  if ((${#missing[@]} == 0)); then return; fi

  headline "Installing from Debian: ${missing[*]}"
  if ((EUID == 0)); then
    ./dev install-as-root "${missing[@]}"
  elif command -v sudo >/dev/null; then
    sudo ./dev install-as-root "${missing[@]}"
  else
    echo "dev: root (or sudo) is needed once: apt-get install ${missing[*]}" >&2
    return 1
  fi
}

# install_as_root PACKAGE...
install_as_root() {
  local name fresh=()
  for name in "${!SERVICES[@]}"; do
    if ! is_installed "$name"; then fresh+=("$name"); fi
  done

  hold_services
  trap release_services EXIT
  export DEBIAN_FRONTEND=noninteractive
  local options=(--quiet -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install --yes --no-install-recommends "$@"

  # Installed a moment ago means that nobody here relies on it: it shall not come up at the next boot either.
  for name in "${fresh[@]}"; do
    if is_installed "$name" && command -v systemctl >/dev/null; then systemctl --quiet disable ${SERVICES[$name]} 2>/dev/null || true; fi
  done
}

# While packages are installed, no service is started or restarted: Debian's package scripts ask policy-rc.d, and 101
# means no. One that this machine already has is put aside and comes back afterwards.
POLICY=/usr/sbin/policy-rc.d

hold_services() {
  release_services  # after a run that was killed
  if [[ -e $POLICY || -L $POLICY ]]; then mv "$POLICY" "$POLICY.before-davit"; fi
  printf '#!/bin/sh\n# written by the ./dev script of davit for the time of an installation\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}

release_services() {
  if grep --quiet 'written by the ./dev script of davit' "$POLICY" 2>/dev/null; then rm -f "$POLICY"; fi
  if [[ -e $POLICY.before-davit || -L $POLICY.before-davit ]]; then mv "$POLICY.before-davit" "$POLICY"; fi
}
