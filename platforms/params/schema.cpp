#include "platforms/params/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "platforms/control_processor.h"
#include "platforms/params/schema_builder.h"
#include "platforms/params/value.h"

namespace nibble::platforms {
namespace {

void AddEngines(Builder& b, bool nearmem) {
  b.Whole("clock.mhz", "MHz", 10, 5000, 1000, "clock of the engines and scratchpads",
          [](DesignPoint& d) -> uint32_t& { return d.clock_mhz; });
  b.Whole("tensor.rows", "", 1, 256, 16, "output channels in parallel",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.rows; });
  b.Whole("tensor.cols", "", 1, 256, 4, "output pixels in parallel",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.cols; });
  b.OneOf("tensor.lanes", "", {8, 16, 32, 64, 128}, nearmem ? 8 : 16,
          "multipliers of one dot-product unit, along the input channels",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.lanes; });
  b.Choice("tensor.dataflow", {"os", "ws"}, "os",
           "output stationary: accumulators in registers; weight stationary: a weight block",
           [](DesignPoint& d, const std::string& s) {
             d.tensor.dataflow = s == "os" ? accel::Dataflow::kOutputStationary
                                           : accel::Dataflow::kWeightStationary;
           });
  b.Whole("tensor.latency", "cycles", 1, 64, 8, "from the last operand to the accumulator",
          [](DesignPoint& d) -> uint32_t& { return d.tensor.latency; });
  b.OneOf("vector.lanes", "", {1, 2, 4, 8, 16, 32, 64, 128, 256}, 16, "elements a cycle",
          [](DesignPoint& d) -> uint32_t& { return d.vector.lanes; });
  b.Whole("vector.latency", "cycles", 1, 64, 12, "pipeline depth",
          [](DesignPoint& d) -> uint32_t& { return d.vector.latency; });
  b.Size("dma.chunk", 64, 1u << 16, 4096, "bytes of one bus transaction at most",
         [](DesignPoint& d) -> uint32_t& { return d.dma.chunk; });
  b.Whole("fetch.queue_depth", "", 1, 1024, 32, "command words waiting at each engine at most",
          [](DesignPoint& d) -> uint32_t& { return d.fetch.queue_depth; });
  b.Whole("fetch.batch", "", 1, 1024, 32, "command words fetched in one transaction",
          [](DesignPoint& d) -> uint32_t& { return d.fetch.batch; });
}

void AddDramController(Builder& b) {
  using memory::DramConfig;
  b.OneOf("dram.ranks", "", {1, 2, 4}, 1, "ranks of each channel",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.ranks; });
  b.Add(
      "dram.mapping", "list", "", "row, rank, bank, bankgroup, column, channel in any order",
      "row rank bank column bankgroup channel",
      "fields of an address from most to least significant; rank may be missing when there is one",
      [](const std::string& text, DesignPoint& d) {
        Names fields = Split(text, ' ');
        fields.erase(std::remove(fields.begin(), fields.end(), ""), fields.end());
        d.dram_mapping = Join(fields, " ");
        [[maybe_unused]] const memory::DramMapping checked(
            d.dram, d.dram_channels, d.dram_mapping, d.dram_config.ranks);  // in its own words
        return d.dram_mapping;
      });
  b.Choice("dram.scheduler", {"fr-fcfs", "fcfs"}, "fr-fcfs",
           "which command is given next: the first that is ready, or the oldest request's",
           [](DesignPoint& d, const std::string& s) {
             d.dram_config.scheduler =
                 s == "fcfs" ? DramConfig::Scheduler::kFcfs : DramConfig::Scheduler::kFrFcfs;
           });
  b.Whole("dram.window", "bursts", 1, memory::kMaxQueue, 32,
          "reads of a channel that the scheduler sees at a time",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.window; });
  b.Whole("dram.write_buffer", "bursts", 1, memory::kMaxQueue, 32,
          "writes that wait in a channel's controller, acknowledged",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.write_buffer; });
  b.Whole("dram.write_high", "bursts", 1, memory::kMaxQueue, 26,
          "writes waiting that start a drain, at most dram.write_buffer",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.write_high; });
  b.Whole("dram.write_low", "bursts", 0, memory::kMaxQueue - 1, 6,
          "writes waiting that end it, less than dram.write_high",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.write_low; });
  b.Choice("dram.page_policy", {"open", "closed", "adaptive"}, "open",
           "when a row is closed: when another is needed; when no waiting burst needs it; the "
           "latter in banks whose rows of late served one burst each",
           [](DesignPoint& d, const std::string& s) {
             d.dram_config.page = s == "open"     ? DramConfig::Page::kOpen
                                  : s == "closed" ? DramConfig::Page::kClosed
                                                  : DramConfig::Page::kAdaptive;
           });
  b.Choice("dram.refresh", {"all-bank", "per-bank"}, "all-bank",
           "per-bank: the banks take turns and the others go on, where the device can",
           [](DesignPoint& d, const std::string& s) {
             d.dram_config.refresh =
                 s == "all-bank" ? DramConfig::Refresh::kAllBank : DramConfig::Refresh::kPerBank;
           });
  b.Whole("dram.power_down", "clocks", 0, 100000, 0,
          "idle device clocks after which a rank is powered down; 0: never",
          [](DesignPoint& d) -> uint32_t& { return d.dram_config.power_down; });
}

void AddMemories(Builder& b) {
  AddSrams(b);
  b.Choice("dram.device", DataFileNames("platforms/dram", ".json"), "lpddr5-6400-x16",
           "device of every channel, a file of platforms/dram",
           [](DesignPoint& d, const std::string& s) {
             d.dram = memory::ReadDramDevice(DataFolder() + "/platforms/dram/" + s + ".json");
           });
  b.OneOf("dram.channels", "", {1, 2, 4, 8, 16, 32, 64}, 2, "channels, each of one device",
          [](DesignPoint& d) -> uint32_t& { return d.dram_channels; });
  AddDramController(b);
  b.OneOf("bus.width", "B", {8, 16, 32, 64, 128, 256, 512, 1024}, 64,
          "bytes a cycle between the DMA engines and the memory controllers",
          [](DesignPoint& d) -> uint32_t& { return d.bus.width; });
  b.Whole("bus.mhz", "MHz", 0, 5000, 0, "clock of the bus; 0: that of the engines",
          [](DesignPoint& d) -> uint32_t& { return d.bus.mhz; });
  b.Choice("bus.arbitration", {"round-robin", "priority"}, "round-robin",
           "whose bytes move when several engines have some: each in turn, or those of the first "
           "of fetch, load, store",
           [](DesignPoint& d, const std::string& s) {
             d.bus.arbitration = s == "priority" ? memory::Arbitration::kPriority
                                                 : memory::Arbitration::kRoundRobin;
           });
}

void AddCpu(Builder& b) {
  const cpu::CpuConfig defaults;
  b.Whole("cpu.mhz", "MHz", 1, 10000, defaults.clock_mhz,
          "clock of the control processor, with --firmware FILE only, as all of cpu.*",
          [](DesignPoint& d) -> uint32_t& { return d.cpu.clock_mhz; });
  b.Whole("cpu.quantum", "ns", 1, 1000000, defaults.quantum_ns,
          "how far it runs ahead of the simulation at once; changes no result",
          [](DesignPoint& d) -> uint32_t& { return d.cpu.quantum_ns; });
  b.Size("cpu.ram", 1u << 16, kDramWindow - defaults.ram_base, defaults.ram_bytes,
         "its RAM for code and data; a multiple of 4096",
         [](DesignPoint& d) -> uint32_t& { return d.cpu.ram_bytes; });
}

}  // namespace

std::vector<SchemaEntry> Schema(Platform platform) {
  Builder b;
  AddDatapath(b);
  AddEngines(b, platform == Platform::kNearmem);
  AddMemories(b);
  if (platform == Platform::kNearmem) AddNearmem(b);
  AddCpu(b);
  b.Choice(
      "energy.preset",
      [] {
        Names names = DataFileNames("platforms/energy", ".json");
        names.erase(std::remove(names.begin(), names.end(), "cacti"), names.end());
        return names;
      }(),
      "jouppi-7nm", "energy of arithmetic, a file of platforms/energy",
      [](DesignPoint& d, const std::string& s) { d.energy_preset = s; });
  return b.Take();
}

}  // namespace nibble::platforms
