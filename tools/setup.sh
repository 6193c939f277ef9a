# What ./run and ./test share: the Debian packages and the build. Sourced by bash with `root` set to the
# project's folder. Everything is said on stderr, stdout belongs to troika; with nothing to do it is quick and
# says nothing.

# Commands and the packages they come in, then libraries (Boost is looked up by its version, see boost_ready).
readonly build_commands=(cmake:cmake ninja:ninja-build g++:g++ pkg-config:pkg-config glslc:glslc)
readonly build_libraries=(nlohmann-json3-dev libsimdjson-dev libpcre2-dev libutf8proc-dev libfmt-dev
                          libspdlog-dev libcli11-dev libedit-dev libjpeg-dev libpng-dev libwebp-dev
                          libcurl4-openssl-dev libssl-dev prometheus-cpp-dev libvulkan-dev
                          libvulkan-volk-dev)
readonly test_commands=(python3:python3 curl:curl openssl:openssl)
# mesa-vulkan-drivers has lavapipe: Vulkan on any CPU.
readonly test_libraries=(libgtest-dev libgmock-dev mesa-vulkan-drivers vulkan-validationlayers)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

boost_ready() {  # 1.81 or newer: Beast with C++20 coroutines as we use it
  local line
  line=$(grep -m1 '^#define BOOST_VERSION ' /usr/include/boost/version.hpp 2>/dev/null) &&
    (( ${line##* } >= 108100 ))
}

boost_package() {  # Debian 12 has several; its default one is too old
  if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release 2>/dev/null; then
    echo libboost1.81-dev
  else
    echo libboost-dev
  fi
}

node_ready() {
  local version
  command -v npm >/dev/null && version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  (( ${version%%.*} >= 18 ))
}

# Debian packages a browser; where there is none, the tests of the page are left out, and CMake says so.
browser_ready() { command -v chromium >/dev/null || ! grep -q '^ID=debian' /etc/os-release 2>/dev/null; }

# Sets `missing` to the packages that are not there. $1: "build" or "test".
find_missing() {
  missing=()
  local commands=("${build_commands[@]}") libraries=("${build_libraries[@]}") pair name
  if [[ $1 == test ]]; then
    commands+=("${test_commands[@]}")
    libraries+=("${test_libraries[@]}")
    node_ready || missing+=(nodejs npm)
    browser_ready || missing+=(chromium)
  fi
  for pair in "${commands[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  boost_ready || missing+=("$(boost_package)")
  command -v dpkg-query >/dev/null || return 0  # another system: CMake will say which library it lacks
  local installed
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "${libraries[@]}" 2>/dev/null || true)"
  for name in "${libraries[@]}"; do
    [[ $installed == *" installed:$name "* ]] || missing+=("$name")
  done
}

# Installs what is missing, as root or by sudo; otherwise names it and ends. $1: "build" or "test".
need_packages() {
  local missing as_root=()
  find_missing "$1"
  (( ${#missing[@]} )) || return 0
  command -v ccache >/dev/null || missing+=(ccache)  # welcome, but nobody is stopped for want of it
  local by_hand="apt-get install ${missing[*]}"
  command -v apt-get >/dev/null ||
    die "missing: ${missing[*]} (Debian's names). Please install your system's counterparts, then try again."
  if (( EUID != 0 )); then
    if ! command -v sudo >/dev/null; then
      die "missing: ${missing[*]}. Install them as root, then try again:"$'\n'"  $by_hand"
    elif sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    elif [[ -t 0 && -t 2 ]]; then
      as_root=(sudo)
    else
      die "missing: ${missing[*]}. Install them, then try again:"$'\n'"  sudo $by_hand"
    fi
  fi
  say "installing Debian packages: ${missing[*]}"
  local log=$root/build/packages.log
  own_build_folder
  # The lists may be old or absent; if they cannot be fetched, packages may still come from a local source.
  "${as_root[@]}" apt-get -qq update >"$log" 2>&1 || true
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 install "${missing[@]}" >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    die "apt-get could not install the packages; the log is $log. The command was:"$'\n'"  $by_hand"
  fi
  find_missing "$1"
  (( ${#missing[@]} == 0 )) ||
    die "still missing after the installation: ${missing[*]}; Troika needs Debian 12, Ubuntu 24.04 or newer"
}

own_build_folder() {
  mkdir -p "$root/build" 2>/dev/null && [[ -w $root/build ]] ||
    die "cannot write to $root/build; if it was made as root, run: sudo chown -R \"\$USER\" '$root/build'"
}

# As many compilers as cores, but no more than memory holds: the largest files take about 1.5 GB each.
compile_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  (( memory < 1 )) && memory=1
  echo $(( cores < memory ? cores : memory ))
}

# Ninja's lines in; a sign of life out, only when something is really built.
show_progress() {
  local line said=
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (Building|Linking) ]] || continue
    [[ $said ]] || say "building Troika (the first time takes several minutes) …"
    said=yes
    if [[ -t 2 ]]; then printf '\r\033[K  %s of %s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >&2; fi
  done
  if [[ $said && -t 2 ]]; then printf '\r\033[K' >&2; fi
}

# Configures (once) and builds. $1: preset; then Ninja's targets, none for all.
build() {
  local preset=$1 folder=$root/build/$1 log=$root/build/$1.log
  shift
  own_build_folder
  exec 9>"$root/build/.lock"
  flock -n 9 || { say "another build is running here; waiting for it …"; flock 9; }

  # A moved or copied checkout brings a build folder that CMake refuses.
  local home
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt" 2>/dev/null || true)
  if [[ -n $home && $home != "$root" ]]; then rm -rf "$folder"; fi
  # Everything includes the tests, which need GoogleTest; a single target does without.
  local tests=OFF
  if (( $# == 0 )) || grep -q '^BUILD_TESTING:BOOL=ON' "$folder/CMakeCache.txt" 2>/dev/null; then tests=ON; fi
  if [[ ! -f $folder/build.ninja ]] || ! grep -q "^BUILD_TESTING:BOOL=$tests" "$folder/CMakeCache.txt"; then
    cmake -S "$root" --preset "$preset" -Wno-dev -DBUILD_TESTING=$tests >"$log" 2>&1 ||
      build_failed "$log" "CMake could not set up the build"
  fi
  NINJA_STATUS='[%f/%t] ' ninja -C "$folder" -j "$(compile_jobs)" "$@" 2>&1 | tee "$log" | show_progress ||
    build_failed "$log" "the build failed"
  give_to_owner "$root/build"
  exec 9>&-
}

# Under sudo: what was made belongs to whom the checkout belongs to.
give_to_owner() {
  if (( EUID == 0 )) && [[ $(stat -c %u "$root") != 0 ]]; then chown -R --reference="$root" "$1"; fi
}

build_failed() {
  tail -n 40 "$1" >&2
  die "$2; the whole log is $1"
}
