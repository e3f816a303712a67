#include "sw/firmware/native/boot_table.h"

#include <algorithm>
#include <stdexcept>

#include "nibble_program.h"

namespace nibble::firmware {

namespace {

nibble_region Region(uint64_t address, int rows, uint32_t row_bytes, uint32_t stride) {
  nibble_region region{};
  region.address = address;
  region.rows = row_bytes == 0 ? 0 : static_cast<uint32_t>(rows);
  region.row_bytes = row_bytes;
  region.stride = stride;
  return region;
}

uint64_t RoundUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

// The program's input at `address`, as a copy at the end of `to`.
nibble_copy InputCopy(const sim::Program& program, uint64_t address, sim::Segment& to) {
  nibble_copy copy{};
  for (const sim::Segment& segment : program.image) {
    if (segment.address != address) continue;
    copy.from = to.address + to.bytes.size();
    copy.to = address;
    copy.bytes = static_cast<uint32_t>(segment.bytes.size());
    to.bytes.insert(to.bytes.end(), segment.bytes.begin(), segment.bytes.end());
    to.bytes.resize(RoundUp(to.bytes.size()));
    break;
  }
  return copy;
}

template <typename T>
void Append(const T& entry, std::vector<uint8_t>& to) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&entry);
  to.insert(to.end(), bytes, bytes + sizeof(entry));
}

// Appends copies of the input to `copies`.
nibble_program EntryOf(const BootProgram& boot, sim::Segment& copies) {
  const sim::Program& program = boot.program;
  nibble_program entry{};
  boot.name.copy(entry.name, sizeof(entry.name) - 1);
  entry.commands = program.commands_address;
  entry.count = static_cast<uint32_t>(program.commands.size());
  entry.layers = static_cast<uint32_t>(program.layers.size());
  const sim::TensorPlacement& output = program.tensors[static_cast<size_t>(program.output)];
  const numerics::ActivationLayout& layout = output.layout;
  entry.codes =
      Region(output.codes, layout.pixels, layout.code_bytes_per_pixel(), output.code_stride);
  entry.scales =
      Region(output.scales, layout.pixels, layout.scale_row_bytes(), output.scale_stride);
  entry.hash = boot.hash.value_or(0);
  entry.flags = boot.hash ? NIBBLE_PROGRAM_CHECK : 0;
  const sim::TensorPlacement& input = program.tensors[static_cast<size_t>(program.input)];
  entry.input_codes = InputCopy(program, input.codes, copies);
  if (input.layout.scale_bytes() > 0) {
    entry.input_scales = InputCopy(program, input.scales, copies);
  }
  return entry;
}

}  // namespace

void AddBootTable(const std::vector<BootProgram>& programs, const BootOptions& options,
                  platforms::RunOptions& to) {
  if (programs.size() > kMostBootPrograms) throw std::invalid_argument("too many programs");
  const sim::Program& first = programs.front().program;
  const uint64_t table_bytes =
      RoundUp(sizeof(nibble_table) + programs.size() * sizeof(nibble_program));
  nibble_table table{};
  table.magic = NIBBLE_TABLE_MAGIC;
  table.version = NIBBLE_TABLE_VERSION;
  table.programs = static_cast<uint32_t>(programs.size());
  table.runs = options.runs;
  table.flags = options.polling ? NIBBLE_TABLE_POLL : 0;

  std::vector<uint8_t> entries;
  for (const BootProgram& boot : programs) {
    const bool behind_table = &boot == &programs.front();
    sim::Segment copies{boot.program.free_address + (behind_table ? table_bytes : 0), {}};
    Append(EntryOf(boot, copies), entries);
    if (behind_table) {
      table.free_address = copies.address + copies.bytes.size();
      table.free_bytes = first.end() - table.free_address;
    }
    to.host_image.push_back(std::move(copies));
  }
  sim::Segment segment{first.free_address, {}};
  Append(table, segment.bytes);
  segment.bytes.insert(segment.bytes.end(), entries.begin(), entries.end());
  to.boot = segment.address;
  to.host_image.push_back(std::move(segment));
}

uint64_t HashOf(const std::vector<uint8_t>& codes, const std::vector<uint8_t>& scales) {
  const uint64_t hash =
      nibble_hash_bytes(NIBBLE_HASH_SEED, codes.data(), static_cast<uint32_t>(codes.size()));
  return nibble_hash_bytes(hash, scales.data(), static_cast<uint32_t>(scales.size()));
}

}  // namespace nibble::firmware
