# Every dependency comes from Debian packages; ./setup.sh (called by ./sim and ./check) installs them.
find_package(PkgConfig REQUIRED)

# Debian's SystemC 2.3.4 ships pkg-config files and no CMake package.
find_package(SystemCLanguage CONFIG QUIET)
if(NOT TARGET SystemC::systemc)
  pkg_check_modules(SYSTEMC REQUIRED IMPORTED_TARGET systemc tlm)
  add_library(SystemC::systemc ALIAS PkgConfig::SYSTEMC)
endif()

find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(FlatBuffers 2 REQUIRED)  # brings the target of its compiler, too
find_package(fmt 9 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 2.1 REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(Protobuf REQUIRED)  # before ONNX, whose package file expects its targets
find_package(ONNX REQUIRED CONFIG)
find_package(JPEG REQUIRED)  # libjpeg-dev
find_package(PNG REQUIRED)   # libpng-dev
find_package(SQLite3 3.34 REQUIRED)  # libsqlite3-dev
find_package(ZLIB REQUIRED)  # zlib1g-dev
if(NIBBLE_RETRAIN)
  find_package(Torch 1.13 QUIET)  # libtorch-dev (setup.sh --retrain); without it there is no nibble-retrain
endif()
if(NIBBLE_TESTS)
  find_package(Catch2 2.13 REQUIRED)
  # Programs that some tests call, and are skipped without (setup.sh --ci): riscv64-unknown-elf-gcc with picolibc
  # (gcc-riscv64-unknown-elf, picolibc-riscv64-unknown-elf), gdb-multiarch, qemu-riscv32 (qemu-user); slurmctld, slurmd,
  # sbatch (slurmctld, slurmd, slurm-client, slurm-wlm-basic-plugins).
endif()
if(NIBBLE_BENCH)
  find_package(benchmark REQUIRED)
  pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)  # what bench_numerics compares with
endif()
