// Sanitizers make a test some ten times slower, and look for what any few of many like cases show.
#pragma once

namespace nibble::test {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Of `n` random cases: a quarter under the sanitizers.
template <typename Integer>
constexpr Integer Cases(Integer n) {
  return kSanitized ? (n + 3) / 4 : n;
}

}  // namespace nibble::test
