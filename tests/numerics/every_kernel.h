// Runs a test on every instruction set of this processor.
#pragma once

#include <vector>

#include "models/numerics/kernels/kernels.h"

namespace nibble::numerics {

// Selects each kernel that this processor runs in turn, and the fastest in the end.
class EveryKernel {
 public:
  class Iterator {
   public:
    explicit Iterator(const kernels::Kernels* const* at) : at_(at) {}
    const kernels::Kernels* operator*() const {
      kernels::Select(**at_);
      return *at_;
    }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const kernels::Kernels* const* at_;
  };
  EveryKernel() = default;
  ~EveryKernel() { kernels::Select(*available_.back()); }
  EveryKernel(const EveryKernel&) = delete;
  EveryKernel& operator=(const EveryKernel&) = delete;
  Iterator begin() const { return Iterator(available_.data()); }
  Iterator end() const { return Iterator(available_.data() + available_.size()); }

 private:
  std::vector<const kernels::Kernels*> available_ = kernels::Available();
};

}  // namespace nibble::numerics
