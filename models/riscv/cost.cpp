#include "models/riscv/cost.h"

#include "models/riscv/hart.h"

namespace nibble::riscv {

const std::array<EnergyPrice, 2>& EnergyPrices() {
  static const std::array<EnergyPrice, 2> prices = {{
      {"instructions", &HartCounters::instructions, 11.6,
       "Ibex RISC-V core and peripherals 5.9 pJ + 32-bit instruction memory 5.7 pJ, average per "
       "instruction, GF 22 nm: G. Tang et al., \"SENECA: building a fully digital neuromorphic "
       "processor, design trade-offs and challenges\", Front. Neurosci. 17:1187252 (2023), table "
       "8"},
      {"data_accesses", &HartCounters::data_accesses, 10.0,
       "32-bit data memory access of the same core, GF 22 nm: G. Tang et al., as above, table 8"},
  }};
  return prices;
}

double EnergyPj(const HartCounters& counters) {
  double pj = 0;
  for (const EnergyPrice& price : EnergyPrices()) {
    pj += price.pj * static_cast<double>(counters.*price.member);
  }
  return pj;
}

uint32_t BaseCycles(const CycleTable& table, Op op) {
  switch (op) {
    case Op::kMulh:
    case Op::kMulhsu:
    case Op::kMulhu:
      return table.multiply_high;
    case Op::kDiv:
    case Op::kDivu:
    case Op::kRem:
    case Op::kRemu:
      return table.divide_min;
    case Op::kJal:
    case Op::kJalr:
      return table.jump;
    case Op::kFence:
    case Op::kFenceI:
      return table.fence;
    case Op::kMret:
      return table.mret;
    case Op::kEndOfBlock:
      return 0;
    default:
      break;
  }
  if (IsAtomic(op)) return table.atomic;
  if (IsCsr(op)) return table.csr_other;
  return table.base;
}

}  // namespace nibble::riscv
