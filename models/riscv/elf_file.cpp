#include "models/riscv/elf_file.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

namespace nibble::riscv {
namespace {

// Enough for any firmware, and small enough to allocate for a damaged file.
constexpr uint32_t kLargestSegment = 1u << 30;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) Fail("cannot be read");
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    if (file.bad()) Fail("cannot be read");
  }

  ElfImage Image() const {
    if (bytes_.size() < sizeof(Elf32_Ehdr) || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) {
      Fail("is no ELF file");
    }
    const auto header = At<Elf32_Ehdr>(0);
    if (header.e_ident[EI_CLASS] != ELFCLASS32) Fail("is not 32-bit; expected an ELF32 file");
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) Fail("is not little-endian");
    if (header.e_machine != EM_RISCV) {
      Fail(fmt::format("is for machine {}, expected {} (RISC-V)", header.e_machine, EM_RISCV));
    }
    if (header.e_type != ET_EXEC) {
      Fail("is no executable; expected one that is linked statically, to fixed addresses");
    }
    if ((header.e_flags & (EF_RISCV_FLOAT_ABI | EF_RISCV_RVE)) != 0) {
      Fail(
          "is for another ABI; expected ilp32 (no floating-point registers, 32 integer registers)");
    }
    if (header.e_phentsize != sizeof(Elf32_Phdr)) Fail("has program headers of an unknown size");
    ElfImage image;
    image.entry = header.e_entry;
    for (uint32_t k = 0; k < header.e_phnum; ++k) {
      const auto segment =
          At<Elf32_Phdr>(uint64_t{header.e_phoff} + uint64_t{k} * sizeof(Elf32_Phdr));
      if (segment.p_type == PT_INTERP || segment.p_type == PT_DYNAMIC)
        Fail("is linked dynamically");
      if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
      image.segments.push_back(Load(segment));
    }
    if (image.segments.empty()) Fail("has no segment to load");
    return image;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const { throw ElfError(path_ + ": " + what); }

  template <class T>
  T At(uint64_t offset) const {
    if (offset + sizeof(T) > bytes_.size()) Fail("is truncated");
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

  ElfImage::Segment Load(const Elf32_Phdr& header) const {
    if (header.p_filesz > header.p_memsz || header.p_memsz > kLargestSegment) {
      Fail(fmt::format("has a segment of impossible size at {:#x}", header.p_paddr));
    }
    if (uint64_t{header.p_offset} + header.p_filesz > bytes_.size()) Fail("is truncated");
    ElfImage::Segment segment;
    segment.address = header.p_paddr;
    segment.bytes.resize(header.p_memsz);
    const auto from = bytes_.begin() + header.p_offset;
    std::copy(from, from + header.p_filesz, segment.bytes.begin());
    return segment;
  }

  std::string path_;
  std::vector<char> bytes_;
};

}  // namespace

ElfImage ReadElf(const std::string& path) { return Reader(path).Image(); }

void LoadElf(const ElfImage& image, const Ram& ram, const std::string& name) {
  for (const ElfImage::Segment& segment : image.segments) {
    const uint64_t end = uint64_t{segment.address} + segment.bytes.size();
    if (segment.address < ram.base || end > uint64_t{ram.base} + ram.bytes) {
      throw ElfError(fmt::format("{}: segment {:#x}..{:#x} is not within the RAM {:#x}..{:#x}",
                                 name, segment.address, end, ram.base,
                                 uint64_t{ram.base} + ram.bytes));
    }
    std::memcpy(ram.data + (segment.address - ram.base), segment.bytes.data(),
                segment.bytes.size());
  }
}

}  // namespace nibble::riscv
