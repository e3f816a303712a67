#include "models/riscv/csr.h"

namespace nibble::riscv {

const std::vector<CsrName>& CsrNames() {
  static const std::vector<CsrName> names = {
      {csr::kMstatus, "mstatus"},
      {csr::kMisa, "misa"},
      {csr::kMie, "mie"},
      {csr::kMtvec, "mtvec"},
      {csr::kMstatush, "mstatush"},
      {csr::kMcountinhibit, "mcountinhibit"},
      {csr::kMscratch, "mscratch"},
      {csr::kMepc, "mepc"},
      {csr::kMcause, "mcause"},
      {csr::kMtval, "mtval"},
      {csr::kMip, "mip"},
      {csr::kMcycle, "mcycle"},
      {csr::kMinstret, "minstret"},
      {csr::kMcycleh, "mcycleh"},
      {csr::kMinstreth, "minstreth"},
      {csr::kCycle, "cycle"},
      {csr::kTime, "time"},
      {csr::kInstret, "instret"},
      {csr::kCycleh, "cycleh"},
      {csr::kTimeh, "timeh"},
      {csr::kInstreth, "instreth"},
      {csr::kMvendorid, "mvendorid"},
      {csr::kMarchid, "marchid"},
      {csr::kMimpid, "mimpid"},
      {csr::kMhartid, "mhartid"},
      {csr::kMconfigptr, "mconfigptr"},
  };
  return names;
}

const char* NameOfCsr(uint32_t number) {
  for (const CsrName& name : CsrNames()) {
    if (name.number == number) return name.name;
  }
  return nullptr;
}

}  // namespace nibble::riscv
