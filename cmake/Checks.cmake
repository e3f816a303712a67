# format-check, format: clang-format over our own files. tidy: clang-tidy over the sources (tests excluded: the
# macros of Catch2 drown its findings).
find_program(CLANG_FORMAT NAMES clang-format clang-format-14)
find_program(CLANG_TIDY NAMES clang-tidy clang-tidy-14)

set(own_folders bench fuzz models platforms sw tests)
set(find_sources find ${own_folders} -name *.cpp -o -name *.h -o -name *.c)

if(CLANG_FORMAT)
  add_custom_target(format-check
    COMMAND ${find_sources} | xargs ${CLANG_FORMAT} --dry-run --Werror
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM USES_TERMINAL)
  add_custom_target(format
    COMMAND ${find_sources} | xargs ${CLANG_FORMAT} -i
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM USES_TERMINAL)
endif()

# Left out: what includes LibTorch's headers, half a minute each in clang-tidy.
set(with_torch "-name" "graph.cpp" "-o" "-name" "losses.cpp" "-o" "-name" "model.cpp" "-o" "-name" "operators.cpp")
if(CLANG_TIDY)
  add_custom_target(tidy
    COMMAND find models platforms sw -name *.cpp -not "(" -path sw/retraining/* "(" ${with_torch} ")" ")"
            | xargs -P 2 -n 4 ${CLANG_TIDY} --quiet -p ${CMAKE_BINARY_DIR}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM USES_TERMINAL)
endif()
