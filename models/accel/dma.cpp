#include "models/accel/dma.h"

#include <algorithm>
#include <cstring>

#include "models/accel/command_checks.h"

namespace nibble::accel {

DmaEngine::DmaEngine(const sc_core::sc_module_name& name, sim::Engine engine,
                     const Context& context, const DmaConfig& config, Scratchpads& scratchpads,
                     bool timing_only, std::function<void(size_t)> layer_done)
    : EngineModule(name, engine, context),
      socket("socket"),
      is_store_(engine == sim::Engine::kStore),
      config_(config),
      scratchpads_(scratchpads),
      timing_only_(timing_only),
      layer_done_(std::move(layer_done)),
      rows_(context.layers) {}

void DmaEngine::RegisterCounters(sim::CounterRegistry& registry,
                                 const std::vector<sim::Engine>& peers) const {
  EngineModule::RegisterCounters(registry, peers);
  registry.Register<Counters>(sim::EngineName(engine()), rows_,
                              {{"bytes", "bytes", "bytes moved to or from DRAM", &Counters::bytes},
                               {"transactions", "1", "bus transactions", &Counters::transactions}});
  if (is_store_) {
    registry.Register<Counters>(
        "store", rows_,
        {{"moved_bytes", "bytes", "bytes moved to the activation SRAM", &Counters::moved_bytes}});
  }
}

uint64_t DmaEngine::Transport(const sim::Command& command, uint64_t dram, uint32_t sram_offset,
                              uint32_t rows, uint32_t row_bytes) {
  const sim::Copy& copy = command.copy;
  tlm::tlm_generic_payload* payload = pool_.Acquire();
  auto* dma = payload->get_extension<sim::DmaExtension>();
  dma->rows = rows;
  dma->row_bytes = row_bytes;
  dma->stride = copy.dram_stride;
  dma->layer = command.layer;
  payload->set_command(is_store_ ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload->set_address(dram);
  payload->set_data_length(rows * row_bytes);
  payload->set_streaming_width(rows * row_bytes);
  payload->set_data_ptr(timing_only_ ? nullptr
                                     : scratchpads_.at(copy.buffer, copy.sram) + sram_offset);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(*payload, delay);
  const bool ok = payload->is_response_ok();
  payload->release();
  if (!ok) {
    Stop({sim::FaultCode::kDramAddress, 0, dram}, sim::Disassemble(command));
    return clock().Now();
  }
  rows_[command.layer].bytes += uint64_t{rows} * row_bytes;
  ++rows_[command.layer].transactions;
  return clock().After(delay);
}

sim::Fault DmaEngine::Check(const sim::Command& command) const {
  return command.opcode == sim::Opcode::kForward ? CheckMove(command.move, scratchpads_)
                                                 : CheckCopy(command.copy, scratchpads_);
}

void DmaEngine::Execute(const sim::Command& command) {
  if (command.opcode == sim::Opcode::kForward) {
    MoveTile(command);
  } else {
    CopyTile(command);
  }
  if (stopped_by_me()) return;
  if (is_store_ && (command.flags & sim::kEndOfLayer) && layer_done_) layer_done_(command.layer);
}

void DmaEngine::MoveTile(const sim::Command& command) {
  const sim::Move& move = command.move;
  const uint64_t bytes = uint64_t{move.rows} * move.row_bytes;
  memory::Sram &out = scratchpads_.out, &act = scratchpads_.act;
  const bool scales = command.flags & sim::kHoldsScales;
  const uint64_t scale_bytes = scales ? bytes : 0;
  const uint64_t reads = out.Read(command.layer, bytes, scale_bytes);
  const uint64_t writes = act.Write(command.layer, bytes, scale_bytes);
  const uint64_t cycles = std::max(reads, writes);
  out.Use(user(), clock().Now(), clock().Now() + cycles, reads, 0);
  act.Use(user(), clock().Now(), clock().Now() + cycles, 0, writes);
  rows_[command.layer].moved_bytes += bytes;
  if (!timing_only_) {
    for (uint32_t row = 0; row < move.rows; ++row) {
      std::memcpy(scratchpads_.act.data(move.to + row * move.to_stride),
                  scratchpads_.out.data(move.from + row * move.row_bytes), move.row_bytes);
    }
  }
  act.Wrote(command.layer, static_cast<uint64_t>(engine()),
            scales ? memory::SramContent::kScales : memory::SramContent::kData, move.to, move.rows,
            move.row_bytes, move.to_stride);
  Spend(cycles);
}

void DmaEngine::CopyTile(const sim::Command& command) {
  const sim::Copy& copy = command.copy;
  const bool contiguous = copy.rows <= 1 || copy.dram_stride == copy.row_bytes;
  // A contiguous copy is one long row, cut where convenient; otherwise whole rows travel together.
  const uint64_t total = uint64_t{copy.rows} * copy.row_bytes;
  const uint32_t rows_at_once =
      contiguous ? 1 : std::max<uint32_t>(1, config_.chunk / copy.row_bytes);
  memory::Sram& sram = scratchpads_[copy.buffer];
  const bool scales = command.flags & sim::kHoldsScales;
  if (is_store_) {
    sram.Read(command.layer, total, scales ? total : 0);
  } else {
    sram.Write(command.layer, total, scales ? total : 0);
  }

  // Two transactions are under way at a time, which hides the latency of each behind the other.
  uint64_t previous = 0, last = 0;
  uint64_t done = 0;
  while (done < total) {
    SpendUntil(previous);
    previous = last;
    uint64_t address;
    uint32_t rows = 1, row_bytes;
    if (contiguous) {
      row_bytes = static_cast<uint32_t>(std::min<uint64_t>(config_.chunk, total - done));
      address = copy.dram + done;
    } else {
      const uint32_t row = static_cast<uint32_t>(done / copy.row_bytes);
      rows = std::min(rows_at_once, copy.rows - row);
      row_bytes = copy.row_bytes;
      address = copy.dram + uint64_t{row} * copy.dram_stride;
    }
    last = Transport(command, address, static_cast<uint32_t>(done), rows, row_bytes);
    if (stopped_by_me()) return;
    // The scratchpad's share of it, behind the transaction before.
    const uint64_t bytes = uint64_t{rows} * row_bytes, port = sram.PortCycles(bytes);
    const uint64_t begin = std::max(clock().Now(), previous);
    sram.Use(user(), begin, std::max(begin, last), is_store_ ? port : 0, is_store_ ? 0 : port);
    done += bytes;
  }
  if (!is_store_) {
    sram.Wrote(command.layer, static_cast<uint64_t>(engine()),
               scales ? memory::SramContent::kScales : memory::SramContent::kData,
               copy.sram * sim::kSramUnit, 1, static_cast<uint32_t>(total),
               static_cast<uint32_t>(total));
  }
  SpendUntil(last);
}

}  // namespace nibble::accel
