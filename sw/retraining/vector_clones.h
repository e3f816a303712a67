// Functions compiled once for each width of vectors, of which one is chosen when the program
// starts: the same bits from each, as nothing is contracted. The sanitizers cannot take them.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define NIBBLE_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define NIBBLE_VECTOR_CLONES
#endif
