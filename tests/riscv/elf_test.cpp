// What the loader takes and what it refuses.
#include <catch2/catch.hpp>

#include "models/riscv/elf_file.h"
#include "tests/riscv/elf_writer.h"
#include "tests/riscv/tools.h"

namespace nibble::riscv {
namespace {

std::vector<uint8_t> Good() {
  return MakeElf(0x80000004, {{0x80000000, {1, 2, 3, 4, 5, 6, 7, 8}, 8}, {0x80001000, {9}, 16}});
}

std::string Refusal(const std::vector<uint8_t>& bytes) {
  const TemporaryFolder folder;
  WriteFile(folder / "bad.elf", bytes);
  try {
    ReadElf(folder / "bad.elf");
  } catch (const ElfError& e) {
    CHECK(std::string(e.what()).find("bad.elf: ") != std::string::npos);
    return e.what();
  }
  return "accepted";
}

TEST_CASE("an executable's segments come with their zeros") {
  const TemporaryFolder folder;
  WriteFile(folder / "good.elf", Good());
  const ElfImage image = ReadElf(folder / "good.elf");
  CHECK(image.entry == 0x80000004);
  REQUIRE(image.segments.size() == 2);
  std::vector<uint8_t> memory(0x2000, 0xff);
  LoadElf(image, {memory.data(), 0x80000000, 0x2000}, "good.elf");
  CHECK(memory[7] == 8);
  CHECK(memory[8] == 0xff);
  CHECK(memory[0x1000] == 9);
  CHECK(memory[0x100f] == 0);
  CHECK(memory[0x1010] == 0xff);
  CHECK_THROWS_WITH(
      LoadElf(image, {memory.data(), 0x80000000, 0x1008}, "good.elf"),
      Catch::Contains("good.elf: segment 0x80001000..0x80001010 is not within the RAM"));
  CHECK_THROWS_AS(LoadElf(image, {memory.data(), 0x80000004, 0x1ffc}, "good.elf"), ElfError);
}

TEST_CASE("other files are refused by name and reason") {
  CHECK_THROWS_WITH(ReadElf("/nowhere/x.elf"), Catch::Contains("/nowhere/x.elf: cannot be read"));
  CHECK_THAT(Refusal({}), Catch::Contains("no ELF file"));
  CHECK_THAT(Refusal(std::vector<uint8_t>(100, 'x')), Catch::Contains("no ELF file"));
  const auto changed = [](size_t at, uint8_t value) {
    std::vector<uint8_t> bytes = Good();
    bytes[at] = value;
    return Refusal(bytes);
  };
  CHECK_THAT(changed(EI_CLASS, ELFCLASS64), Catch::Contains("not 32-bit"));
  CHECK_THAT(changed(EI_DATA, ELFDATA2MSB), Catch::Contains("not little-endian"));
  CHECK_THAT(changed(offsetof(Elf32_Ehdr, e_machine), EM_386),
             Catch::Contains("machine 3, expected 243"));
  CHECK_THAT(changed(offsetof(Elf32_Ehdr, e_type), ET_DYN), Catch::Contains("no executable"));
  CHECK_THAT(changed(offsetof(Elf32_Ehdr, e_flags), EF_RISCV_FLOAT_ABI_DOUBLE),
             Catch::Contains("another ABI"));
  CHECK_THAT(changed(offsetof(Elf32_Ehdr, e_phentsize), 1), Catch::Contains("program headers"));
  CHECK_THAT(changed(offsetof(Elf32_Ehdr, e_phnum), 0), Catch::Contains("no segment"));
  CHECK_THAT(changed(sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_type), PT_INTERP),
             Catch::Contains("dynamically"));
  CHECK_THAT(changed(sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_memsz) + 3, 0xff),
             Catch::Contains("impossible size"));
  CHECK_THAT(changed(sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_memsz), 1),
             Catch::Contains("impossible size"));
}

TEST_CASE("a file cut anywhere is refused") {
  const std::vector<uint8_t> good = Good();
  for (size_t length = 0; length < good.size(); length += length < 200 ? 1 : 97) {
    CAPTURE(length);
    CHECK(Refusal({good.begin(), good.begin() + static_cast<long>(length)}) != "accepted");
  }
}

}  // namespace
}  // namespace nibble::riscv
