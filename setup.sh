#!/bin/sh
# Installs the Debian packages that Nibble is built from, when any is missing. ./sim, ./check and .ci/run call it.
#
#   setup.sh           what it takes to build, run and test
#   setup.sh --ci      and what the format check, clang-tidy, repeated builds, tests of RISC-V programs and tests of HTML
#                      pages take (chromium: 120 MB to fetch, 400 MB on disk)
#   setup.sh --retrain and LibTorch, for sim retrain, with a BLAS that is quick
#   setup.sh --bench   and what the benchmarks take
#   setup.sh --fuzz    and what the fuzz targets take
#
# NIBBLE_SKIP_SETUP=1 skips it, on systems where the same libraries come from elsewhere.
set -eu

#        compiler and build tools          command line and parameters
packages="g++ cmake ninja-build pkg-config libcli11-dev libboost-program-options-dev"
#                    simulation kernel  tests  text, log, results
packages="$packages libsystemc-dev catch2 libfmt-dev libspdlog-dev nlohmann-json3-dev"
#                    image folders
packages="$packages libjpeg-dev libpng-dev"
#                    ledgers of studies
packages="$packages libsqlite3-dev zlib1g-dev"
#                    trace files                                              ONNX front end
packages="$packages libflatbuffers-dev flatbuffers-compiler libxxhash-dev libonnx-dev libprotobuf-dev protobuf-compiler"
case "${1:-}" in
  --ci)
    packages="$packages ccache chromium clang-format clang-tidy git"
    #                    firmware and its debugger, a cluster, a browser; tests that need one of them are skipped without it
    packages="$packages gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf gdb-multiarch qemu-user"
    packages="$packages slurmctld slurmd slurm-client slurm-wlm-basic-plugins"
    packages="$packages libtorch-dev libopenblas0-pthread" ;;
  --retrain) packages="$packages libtorch-dev libopenblas0-pthread" ;;
  --bench) packages="$packages libbenchmark-dev libopenblas-dev" ;;
  --fuzz) packages="$packages clang libclang-rt-14-dev" ;;
esac

say() { echo "setup: $*" >&2; }

[ "${NIBBLE_SKIP_SETUP:-}" != 1 ] || exit 0

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  say "this system has no apt-get, and Nibble is set up for Debian 12."
  say "Provide what these Debian packages hold, then set NIBBLE_SKIP_SETUP=1 and run again:"
  say "  $packages"
  exit 2
fi

# shellcheck disable=SC2086  # the list is meant to be split
installed=$(dpkg-query -W -f '${db:Status-Status}:${Package} ' $packages 2>/dev/null || true)
missing=
for package in $packages; do
  case " $installed" in
    *" installed:$package "*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    say "these packages are missing, and installing them takes root (there is no sudo here). As root, run:"
    say "  apt-get update && apt-get install --no-install-recommends$missing"
    exit 2
  fi
  as_root=sudo
fi

say "the simulator is built here from source, with compiler and libraries of the distribution."
say "Missing Debian packages:$missing"
say "Installing them: ${as_root:+$as_root }apt-get install --no-install-recommends$missing"
$as_root apt-get update -qq >&2 || say "apt-get update failed; going on with the package lists at hand"
# shellcheck disable=SC2086
if ! $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing >&2; then
  say "apt-get failed (its message is above). Nibble needs the packages of Debian 12 (bookworm)."
  exit 2
fi
