#include "models/control/register_text.h"

#include <fmt/format.h>

#include <cctype>

#include "models/sim_core/fault.h"

namespace nibble::control {

namespace {

constexpr const char* kWarning = "Made by `sim registers`; a test compares. Do not edit.";

// The union of the platforms' registers: `nearmem` has all that `accel` has.
RegisterMap AllRegisters() { return PlatformRegisterMap(true); }

std::string Define(const std::string& name, const std::string& value, const std::string& comment) {
  const std::string line = fmt::format("#define {:<36} {}", name, value);
  return comment.empty() ? line + "\n" : fmt::format("{}  /* {} */\n", line, comment);
}

std::string Hex(uint32_t value) { return fmt::format("0x{:x}u", value); }

// Of which platform a register is.
std::string Where(const Register& r) {
  for (const Register& other : PlatformRegisterMap(false)) {
    if (other.offset == r.offset) return "";
  }
  return "nearmem only: ";
}

std::string HeaderRegisters() {
  std::string text = "/* Registers: offsets in bytes from the base of the block. */\n";
  for (const Register& r : AllRegisters()) {
    text += fmt::format("\n/* {}{}: {}. */\n", Where(r), AccessName(r.access), r.meaning);
    text += Define("NIBBLE_" + r.name, Hex(r.offset), "");
    for (const Field& f : r.fields) {
      const std::string name = fmt::format("NIBBLE_{}_{}", r.name, f.name);
      text += Define(name, Hex(f.mask()), f.meaning);
      if (f.high != f.low) text += Define(name + "_SHIFT", fmt::format("{}", f.low), "");
    }
  }
  return text;
}

std::string HeaderErrors() {
  std::string text = "\n/* Values of NIBBLE_ERROR_CODE. */\n";
  for (const sim::FaultInfo& fault : sim::FaultCodes()) {
    text += Define(fmt::format("NIBBLE_FAULT_{}", fault.name),
                   Hex(static_cast<uint32_t>(fault.code)), fault.meaning);
  }
  return text;
}

std::string MarkdownFields(const RegisterMap& map) {
  std::string text = "| register | bits | field | meaning |\n|---|---|---|---|\n";
  for (const Register& r : map) {
    for (const Field& f : r.fields) {
      const std::string bits =
          f.high == f.low ? fmt::format("{}", f.low) : fmt::format("{}:{}", f.high, f.low);
      text += fmt::format("| `{}` | {} | `{}` | {} |\n", r.name, bits, f.name, f.meaning);
    }
  }
  return text;
}

std::string MarkdownTable(const RegisterMap& map) {
  std::string text = "| offset | name | access | reset | meaning |\n|---|---|---|---|---|\n";
  for (const Register& r : map) {
    text += fmt::format("| `{:#05x}` | `{}` | {} | `{:#x}` | {} |\n", r.offset, r.name,
                        AccessName(r.access), r.reset, r.meaning);
  }
  return text;
}

}  // namespace

std::string RegisterHeader() {
  std::string text = fmt::format(
      "/* clang-format off */\n/* The programmer's model of Nibble's machines. {} */\n"
      "#ifndef NIBBLE_REGISTERS_H\n#define NIBBLE_REGISTERS_H\n\n#include <stdint.h> /* "
      "NOLINT(modernize-deprecated-headers): C */\n\n",
      kWarning);
  text += HeaderRegisters();
  text += "\n/* Values. */\n";
  text += Define("NIBBLE_ID_VALUE", Hex(kIdValue), "of NIBBLE_ID");
  text += Define("NIBBLE_VERSION_VALUE", Hex(kVersionValue), "of NIBBLE_VERSION");
  text += Define("NIBBLE_NO_LAYER", Hex(kNoLayer), "of NIBBLE_LAST_LAYER");
  text += Define("NIBBLE_LARGEST_RING", Hex(kLargestRing), "descriptors");
  text += HeaderErrors();
  text += R"(
/* A job in the ring. Little-endian; `commands` is a DRAM address, a multiple of 32. */
struct nibble_descriptor {
  uint32_t commands_lo, commands_hi;
  uint32_t count;  /* command words */
  uint32_t layers; /* of the program: its words name layers below */
  uint32_t tag;
  uint32_t flags;
  uint32_t reserved[2]; /* zero */
};
)";
  text += Define("NIBBLE_DESCRIPTOR_BYTES", Hex(kDescriptorBytes), "");
  text += Define("NIBBLE_JOB_INTERRUPT", Hex(kInterruptWhenDone), "flags: interrupt when done");
  return text + "\n#endif\n";
}

std::string RegisterMarkdown(bool near_memory) {
  const RegisterMap map = PlatformRegisterMap(near_memory);
  return MarkdownTable(map) +
         "\nFields. Bits that are not listed read as zero; writing them has "
         "no effect.\n\n" +
         MarkdownFields(map);
}

std::string RegisterMarkdown() {
  std::string text = fmt::format(
      "# Registers\n\n{}\n\nWhat they are for: [firmware.md](firmware.md). Every access is 4 bytes "
      "at a multiple of 4. RO: read-only, RW: read and write, W1C: writing 1 to a bit clears it, "
      "WO: write-only. Numbers of 64 bits are two registers; those of `CAPABILITIES`, `LAYERS` and "
      "`DRAM_BYTES` that depend on the design point are shown as zero.\n\n## Both platforms\n\n",
      "Made by `sim registers --markdown`.");
  text += RegisterMarkdown(false);
  text += "\n## `nearmem` besides\n\n";
  RegisterMap more;
  for (const Register& r : AllRegisters()) {
    if (!Where(r).empty()) more.push_back(r);
  }
  text += MarkdownTable(more);
  text += fmt::format("\n`CAPABILITIES` resets to `{:#x}` there.\n",
                      PlatformRegisterMap(true)[2].reset);
  text += "\n## Errors\n\n| code | name | meaning |\n|---|---|---|\n";
  for (const sim::FaultInfo& fault : sim::FaultCodes()) {
    text += fmt::format("| `{:#04x}` | `{}` | {} |\n", static_cast<uint32_t>(fault.code),
                        fault.name, fault.meaning);
  }
  text +=
      "\nErrors below `0x10` refuse the access and stop nothing; all others stop the machine until "
      "a soft reset.\n";
  return text;
}

}  // namespace nibble::control
