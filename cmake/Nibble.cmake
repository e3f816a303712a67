# Helpers that every folder's CMakeLists.txt uses.

# nibble_library(NAME SOURCES a.cpp ... [PUBLIC dep ...] [PRIVATE dep ...])
# A static library nibble_NAME, included from the repository root.
function(nibble_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(nibble_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(nibble_${name} PUBLIC nibble_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# nibble_test(NAME SOURCES a.cpp ... DEPS dep ... [DATA])
# A Catch2 executable test_NAME; each of its test cases is a ctest of its own.
function(nibble_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE nibble_flags nibble_test_runner ${ARG_DEPS})
  target_precompile_headers(test_${name} REUSE_FROM nibble_test_runner)
  # The tests' own code, not what they call: a third less time to compile.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_compile_definitions(test_${name} PRIVATE NIBBLE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # A test that lacks a program which need not be installed says "skipped: NAME ..." and is reported as such.
  set(properties TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "NIBBLE_DATA=${CMAKE_SOURCE_DIR}"
                 SKIP_REGULAR_EXPRESSION "skipped: ")
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  # NoTests: a name that CMake or Catch2 takes apart (';', a leading '-') fails instead of passing as no test at all.
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST
                       EXTRA_ARGS -w NoTests PROPERTIES ${properties})
endfunction()
