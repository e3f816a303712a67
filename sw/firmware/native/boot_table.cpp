#include "sw/firmware/native/boot_table.h"

#include <algorithm>
#include <cstring>

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

// The program's input at `address`, as a copy at the end of `to`, which lies at `base` in DRAM.
nibble_copy InputCopy(const sim::Program& program, uint64_t address, uint64_t base,
                      std::vector<uint8_t>& to) {
  nibble_copy copy{};
  for (const sim::Segment& segment : program.image) {
    if (segment.address != address) continue;
    copy.from = base + to.size();
    copy.to = address;
    copy.bytes = static_cast<uint32_t>(segment.bytes.size());
    to.insert(to.end(), segment.bytes.begin(), segment.bytes.end());
    to.resize((to.size() + 63) / 64 * 64);
    break;
  }
  return copy;
}

template <typename T>
void Append(const T& entry, std::vector<uint8_t>& to) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&entry);
  to.insert(to.end(), bytes, bytes + sizeof(entry));
}

}  // namespace

void AddBootTable(const sim::Program& program, const BootOptions& options,
                  platforms::RunOptions& to) {
  constexpr uint64_t kBytes = (sizeof(nibble_table) + sizeof(nibble_program) + 63) / 64 * 64;
  nibble_table table{};
  table.magic = NIBBLE_TABLE_MAGIC;
  table.version = NIBBLE_TABLE_VERSION;
  table.programs = 1;
  table.runs = options.runs;
  table.flags = options.polling ? NIBBLE_TABLE_POLL : 0;

  nibble_program entry{};
  options.name.copy(entry.name, sizeof(entry.name) - 1);
  entry.commands = program.commands_address;
  entry.count = static_cast<uint32_t>(program.commands.size());
  entry.layers = static_cast<uint32_t>(program.layers.size());
  const sim::TensorPlacement& output = program.tensors[static_cast<size_t>(program.output)];
  const numerics::ActivationLayout& layout = output.layout;
  entry.codes =
      Region(output.codes, layout.pixels, layout.code_bytes_per_pixel(), output.code_stride);
  entry.scales =
      Region(output.scales, layout.pixels, layout.scale_row_bytes(), output.scale_stride);
  entry.hash = options.hash.value_or(0);
  entry.flags = options.hash ? NIBBLE_PROGRAM_CHECK : 0;

  const sim::TensorPlacement& input = program.tensors[static_cast<size_t>(program.input)];
  sim::Segment copies;
  copies.address = program.free_address + kBytes;
  entry.input_codes = InputCopy(program, input.codes, copies.address, copies.bytes);
  if (input.layout.scale_bytes() > 0) {
    entry.input_scales = InputCopy(program, input.scales, copies.address, copies.bytes);
  }
  table.free_address = copies.address + copies.bytes.size();
  table.free_bytes = program.free_bytes - kBytes - copies.bytes.size();

  sim::Segment segment;
  segment.address = program.free_address;
  Append(table, segment.bytes);
  Append(entry, segment.bytes);
  to.boot = segment.address;
  to.host_image.push_back(std::move(segment));
  to.host_image.push_back(std::move(copies));
}

uint64_t HashOf(const std::vector<uint8_t>& codes, const std::vector<uint8_t>& scales) {
  const uint64_t hash =
      nibble_hash_bytes(NIBBLE_HASH_SEED, codes.data(), static_cast<uint32_t>(codes.size()));
  return nibble_hash_bytes(hash, scales.data(), static_cast<uint32_t>(scales.size()));
}

}  // namespace nibble::firmware
