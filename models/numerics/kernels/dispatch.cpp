#include <atomic>

#include "models/numerics/kernels/kernels.h"

namespace nibble::numerics::kernels {
namespace {

#if defined(__x86_64__)
bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool HasAvx512Vnni() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}
#else
bool HasAvx2() { return false; }
bool HasAvx512Vnni() { return false; }
#endif

std::atomic<const Kernels*>& Choice() {
  static std::atomic<const Kernels*> choice{Available().back()};
  return choice;
}

}  // namespace

std::vector<const Kernels*> Available() {
  std::vector<const Kernels*> available = {&Portable()};
  if (HasAvx2()) available.push_back(Avx2());
  if (HasAvx512Vnni()) available.push_back(Avx512Vnni());
  return available;
}

const Kernels& Active() { return *Choice().load(std::memory_order_relaxed); }

void Select(const Kernels& kernels) { Choice().store(&kernels, std::memory_order_relaxed); }

}  // namespace nibble::numerics::kernels
