#include "models/debug/target_description.h"

#include <fmt/format.h>

#include "models/riscv/csr.h"
#include "models/riscv/disassembler.h"

namespace nibble::debug {

std::string TargetDescription() {
  std::string xml =
      "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
      "<architecture>riscv:rv32</architecture>\n<feature name=\"org.gnu.gdb.riscv.cpu\">\n";
  for (uint32_t r = 0; r < kPcNumber; ++r) {
    const char* const type = r == 1 ? "code_ptr" : r == 2 ? "data_ptr" : "int";
    xml += fmt::format("<reg name=\"{}\" bitsize=\"32\" type=\"{}\" regnum=\"{}\"/>\n",
                       riscv::RegisterName(r), type, r);
  }
  xml +=
      fmt::format("<reg name=\"pc\" bitsize=\"32\" type=\"code_ptr\" regnum=\"{}\"/>\n", kPcNumber);
  xml += "</feature>\n<feature name=\"org.gnu.gdb.riscv.csr\">\n";
  for (const riscv::CsrName& csr : riscv::CsrNames()) {
    xml += fmt::format("<reg name=\"{}\" bitsize=\"32\" regnum=\"{}\"/>\n", csr.name,
                       kFirstCsrNumber + csr.number);
  }
  return xml + "</feature>\n</target>\n";
}

}  // namespace nibble::debug
