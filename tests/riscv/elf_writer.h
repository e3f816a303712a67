// Writes ELF32 executables for RISC-V.
#pragma once

#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace nibble::riscv {

struct ElfPart {
  uint32_t address = 0;
  std::vector<uint8_t> bytes;
  uint32_t memory_bytes = 0;  // at least bytes.size()
};

// The file's bytes; tests damage them.
inline std::vector<uint8_t> MakeElf(uint32_t entry, const std::vector<ElfPart>& parts) {
  Elf32_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_RISCV;
  header.e_version = EV_CURRENT;
  header.e_entry = entry;
  header.e_phoff = sizeof(header);
  header.e_flags = EF_RISCV_RVC;
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = static_cast<uint16_t>(parts.size());
  std::vector<uint8_t> file(sizeof(header) + parts.size() * sizeof(Elf32_Phdr));
  std::memcpy(file.data(), &header, sizeof(header));
  for (size_t k = 0; k < parts.size(); ++k) {
    file.resize((file.size() + 4095) / 4096 * 4096);  // a loader maps pages
    Elf32_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_offset = static_cast<uint32_t>(file.size());
    segment.p_vaddr = segment.p_paddr = parts[k].address;
    segment.p_filesz = static_cast<uint32_t>(parts[k].bytes.size());
    segment.p_memsz = parts[k].memory_bytes;
    segment.p_flags = PF_R | PF_W | PF_X;
    segment.p_align = 4096;
    std::memcpy(file.data() + sizeof(header) + k * sizeof(segment), &segment, sizeof(segment));
    file.insert(file.end(), parts[k].bytes.begin(), parts[k].bytes.end());
  }
  return file;
}

// Writes a file that may be executed, as qemu-user asks.
inline void WriteFile(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace nibble::riscv
