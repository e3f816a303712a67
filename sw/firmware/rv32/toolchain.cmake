# cmake -DCMAKE_TOOLCHAIN_FILE=.../toolchain.cmake: programs for Nibble's RISC-V core. Debian packages
# gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_ASM_COMPILER riscv64-unknown-elf-gcc)
# -misa-spec=2.2: Zicsr and Zifencei are part of "i", as in the names of the compiler's libraries.
set(flags "-misa-spec=2.2 -march=rv32imac -mabi=ilp32 --specs=picolibc.specs -ffunction-sections -fdata-sections")
set(CMAKE_C_FLAGS_INIT "${flags}")
set(CMAKE_ASM_FLAGS_INIT "${flags}")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # there is nothing to run programs on
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# For add_subdirectory(${NIBBLE_FIRMWARE} nibble).
set(NIBBLE_FIRMWARE ${CMAKE_CURRENT_LIST_DIR})
