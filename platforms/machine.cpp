#include "platforms/machine.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <systemc>

#include "models/accel/command_processor.h"
#include "models/accel/dma.h"
#include "models/accel/tensor_unit.h"
#include "models/accel/vector_unit.h"
#include "models/control/control_block.h"
#include "models/memory/bus.h"
#include "models/memory/dram_target.h"
#include "models/nearmem/bank_engine.h"
#include "models/sim_core/fresh_kernel.h"
#include "models/sim_core/run_kernel.h"
#include "platforms/dram_log.h"
#include "platforms/host.h"

namespace nibble::platforms {

using sim::Engine;

namespace {

struct MachineCounters {
  uint64_t cycles = 0;
};

using Programs = std::vector<const sim::Program*>;

template <typename Part>
size_t Largest(const Programs& programs, Part part) {
  size_t largest = 0;
  for (const sim::Program* program : programs) largest = std::max(largest, part(*program).size());
  return largest;
}

// Both platforms: the accelerator's engines; `nearmem` has a bank engine besides.
class Machine : public control::Executor {
 public:
  Machine(const DesignPoint& design, const Programs& programs, const RunOptions& options)
      : programs_(programs),
        options_(options),
        layers_(Largest(programs, [](const sim::Program& p) { return p.layers; })),
        clock_(design.clock_mhz),
        layer_ends_(layers_),
        job_(tokens_),
        context_{clock_,          tokens_, job_, layer_ends_, layers_, design.fetch.queue_depth,
                 options.recorder},
        pads_{Pad("act", design.sram_act, 0), Pad("weight", design.sram_weight, 1),
              Pad("acc", design.sram_acc, 2), Pad("out", design.sram_out, 3)},
        dram_("dram", clock_, design.dram, design.dram_channels, design.dram_mapping, layers_,
              design.dram_config),
        bus_("bus", design.bus, clock_, {"fetch", "load", "store"}, dram_.storage().size(),
             layers_),
        load_("load", Engine::kLoad, context_, design.dma, pads_, options.timing_only),
        tensor_("tensor", context_, design.tensor, Compute(design), pads_),
        vector_("vector", context_, design.vector, design.datapath.activation_rounding, pads_,
                Largest(programs, [](const sim::Program& p) { return p.tensors; }),
                options.timing_only),
        store_("store", Engine::kStore, context_, design.dma, pads_, options.timing_only,
               [this](size_t layer) { LayerDone(layer); }),
        rows_(layers_) {
    peers_ = {Engine::kLoad, Engine::kTensor, Engine::kVector, Engine::kStore};
    engines_ = {&load_, &tensor_, &vector_, &store_};
    if (design.platform == Platform::kNearmem) {
      bank_ = std::make_unique<nearmem::BankEngine>("bank", context_, design.nearmem,
                                                    Compute(design), dram_, pads_);
      peers_.push_back(Engine::kBank);
      engines_.push_back(bank_.get());
    }
    fetch_ = std::make_unique<accel::CommandProcessor>("fetch", clock_, job_, layers_, design.fetch,
                                                       engines_, options.recorder);
    dram_.Record(options.memory_log);
    fetch_->socket.bind(bus_.port(0));
    load_.socket.bind(bus_.port(1));
    store_.socket.bind(bus_.port(2));
    bus_.memory.bind(dram_.socket);
    AddControl(design.platform == Platform::kNearmem);
    RegisterCounters();
    if (options.recorder != nullptr) Record();
    AddHost(design);
    if (options.break_datapath) tensor_.BreakDatapath();
    if (options.break_datapath && bank_) bank_->BreakDatapath();
  }

  ProgramsOutcome Run() {
    outcome_.programs.resize(programs_.size());
    for (present_ = 0; present_ < programs_.size(); ++present_) {
      LoadProgram();
      ReadScaleRegisters();
      if (options_.timing_only) continue;
      outcome().tensors.resize(program().tensors.size());
      Capture(program().input);
    }
    present_ = 0;
    for (const sim::Segment& segment : options_.host_image) Load(segment);
    control_->SetBoot(options_.boot);
    sim::RunKernel(core_ ? &core_->timer() : &host_->timer());
    const bool stopped = options_.stop != nullptr && *options_.stop && !HostStatus();
    if (interrupted_ || stopped) throw Interrupted();
    CheckHost();
    if (clock_.started()) CollectFirst();
    for (present_ = 0; present_ < programs_.size(); ++present_) {
      if (outcome().jobs == 0) CollectStats(CountersNow());  // nothing
    }
    if (dram_log_) {
      dram_.dram().Drain();
      dram_log_->Tell(*options_.recorder);
    }
    return std::move(outcome_);
  }

 private:
  // Of the present job, or of the last one.
  const sim::Program& program() const { return *programs_[present_]; }
  ProgramOutcome& outcome() { return outcome_.programs[present_]; }

  size_t ProgramAt(uint64_t commands) const {
    size_t i = 0;
    while (i + 1 < programs_.size() && commands >= programs_[i]->end()) ++i;
    return i;
  }

  void Record() {
    for (memory::Sram* pad : {&pads_.act, &pads_.weight, &pads_.acc, &pads_.out}) {
      pad->Record(options_.recorder, clock_.period_ps());
    }
    control_->Record(options_.recorder);
    dram_log_ = std::make_unique<DramLog>(dram_);
  }

  void AddControl(bool near_memory) {
    uint8_t engines = 0;
    for (const sim::EngineModule* engine : engines_) engines |= sim::EngineBit(engine->engine());
    control_ = std::make_unique<control::ControlBlock>(
        "control", clock_, job_, dram_.storage(),
        control::Capabilities{engines, near_memory, static_cast<uint32_t>(layers_),
                              dram_.storage().size()},
        *this);
  }

  void AddHost(const DesignPoint& design) {
    if (options_.firmware != nullptr) {
      core_ = std::make_unique<ControlProcessor>("core", design, *options_.firmware, *control_,
                                                 dram_.storage(), options_.stop);
      return;
    }
    host_ = std::make_unique<Host>("host", options_.host ? options_.host : RunEach(programs_),
                                   *control_, dram_.storage(), options_.stop);
  }

  void BeginJob(const control::JobDescriptor& job) override {
    const bool first = !clock_.started();
    clock_.Start();
    if (!first) EndOfLastJob();
    present_ = ProgramAt(job.commands);
    if (outcome().jobs == 0 && !first) {
      AccountDramTime(0);  // the rest of the job before
      before_ = CountersNow();
    }
    tensor_.ExpectZerosOf(program());
    if (bank_) bank_->ExpectZerosOf(program());
    last_end_ = clock_.Now();
    layer_ends_.Restart(last_end_);
    if (options_.recorder != nullptr) {
      options_.recorder->JobBegan(last_end_ * clock_.period_ps());
    }
    fetch_->Start(job.commands, job.count, job.layers);
  }

  // Before the next one begins.
  void EndOfLastJob() {
    CollectFirst();
    if (dram_log_) dram_log_->Tell(*options_.recorder);
    dram_.Wake();
  }

  void EndJob() override {
    dram_.Sleep();
    if (!job_.stopped()) ++outcome().jobs;
    ReadScaleRegisters();
  }

  control::MachineCounts Counts() const override {
    control::MachineCounts counts;
    for (const sim::EngineModule* engine : engines_) {
      counts.commands += engine->commands();
      counts.busy_cycles[static_cast<int>(engine->engine())] = engine->busy_cycles();
    }
    for (const memory::DramCounters& row : dram_.dram().rows()) {
      counts.read_bytes += row.read_bytes;
      counts.write_bytes += row.write_bytes;
    }
    return counts;
  }

  std::optional<int> HostStatus() const { return core_ ? core_->status() : host_->status(); }

  void CheckHost() {
    const std::optional<int> status = HostStatus();
    if (!status) {
      throw HostStuck(core_ ? core_->Ending() : "the host waits for an interrupt that never comes");
    }
    const bool built_in = !core_ && !options_.host;
    if (built_in && *status != 0) {
      const auto code = static_cast<sim::FaultCode>(*status);
      throw std::logic_error("the machine stopped after layer " + std::to_string(layers_done_) +
                             " of " + std::to_string(LayersOfAll()) + ": " + sim::FaultName(code) +
                             " at command word " + std::to_string(job_.fault().word) + ' ' +
                             control_->detail());
    }
    outcome_.host.status = *status;
    outcome_.host.register_accesses = control_->accesses();
    if (core_) outcome_.host.core = core_->Outcome();
    outcome_.host.cycles = clock_.CyclesUp(sc_core::sc_time_stamp().value());
  }

  memory::Sram Pad(const char* name, const memory::SramConfig& config, uint64_t number) const {
    return memory::Sram(name, config, layers_, !options_.timing_only, number, options_.run);
  }

  accel::ComputeSetup Compute(const DesignPoint& design) const {
    return {design.datapath.accumulator, design.compute, options_.timing_only};
  }

  void Load(const sim::Segment& segment) {
    dram_.storage().Write(segment.address, segment.bytes.data(), segment.bytes.size());
  }

  void LoadProgram() {
    for (const sim::Segment& segment : program().image) Load(segment);
    dram_.storage().Write(program().commands_address, program().commands.data(),
                          program().commands.size() * sim::kCommandBytes);
  }

  void ReadScaleRegisters() {
    std::vector<float>& decode = outcome().tensor_scale_decode;
    decode.clear();
    for (size_t i = 0; i < program().tensors.size(); ++i) {
      decode.push_back(vector_.scale_register(i).decode);
    }
  }

  void Capture(int tensor) {
    const sim::TensorPlacement& t = program().tensors[tensor];
    std::vector<uint8_t>& bytes = outcome().tensors[tensor];
    const uint64_t codes = t.layout.code_bytes();
    bytes.resize(codes + t.layout.scale_bytes());
    if (!t.in_dram) {
      std::copy_n(pads_.act.data(t.act_codes), codes, bytes.data());
      std::copy_n(pads_.act.data(t.act_scales), t.layout.scale_bytes(), bytes.data() + codes);
      return;
    }
    const auto read = [&](uint64_t address, uint32_t stride, uint64_t rows, uint32_t row_bytes,
                          uint8_t* to) {
      if (stride == row_bytes) {
        dram_.storage().Read(address, to, row_bytes * rows);
        return;
      }
      for (uint64_t row = 0; row < rows; ++row, address += stride, to += row_bytes) {
        dram_.storage().Read(address, to, row_bytes);
      }
    };
    const auto pixels = static_cast<uint64_t>(t.layout.pixels);
    read(t.codes, t.code_stride, pixels, t.layout.code_bytes_per_pixel(), bytes.data());
    read(t.scales, t.scale_stride, t.layout.scale_rows(pixels), t.layout.scale_row_bytes(),
         bytes.data() + codes);
  }

  void LayerDone(size_t layer) {
    const uint64_t now = clock_.Now();
    rows_[layer].cycles += now - last_end_;
    last_end_ = now;
    layer_ends_.Set(layer, now);
    if (options_.recorder != nullptr) {
      options_.recorder->LayerEnded(layer, now * clock_.period_ps());
    }
    AccountDramTime(layer);
    // A job may name more layers than its program has: firmware's mistake, or words of its own.
    const bool known = layer < program().layers.size();
    if (known && !options_.timing_only) Capture(program().layers[layer].output);
    control_->LayerDone(static_cast<uint32_t>(layer));
    ++layers_done_;
    if (options_.progress) {
      options_.progress((layers_done_ - 1) % LayersOfAll() + 1, LayersOfAll());
    }
    if (options_.stop != nullptr && *options_.stop) {
      interrupted_ = true;
      sim::StopKernel();
    }
  }

  size_t LayersOfAll() const {
    size_t layers = 0;
    for (const sim::Program* program : programs_) layers += program->layers.size();
    return layers;
  }

  void AccountDramTime(size_t layer) {
    dram_.dram().AccountTime(clock_.Now() * clock_.period_ps() - dram_.asleep_ps(), layer);
  }

  void RegisterCounters() {
    counters_.Register<MachineCounters>(
        "machine", rows_,
        {{"cycles", "cycles", "from the end of the layer before to the end of this one",
          &MachineCounters::cycles, true}});
    fetch_->RegisterCounters(counters_);
    load_.RegisterCounters(counters_, peers_);
    tensor_.RegisterCounters(counters_, peers_);
    if (bank_) bank_->RegisterCounters(counters_, peers_);
    vector_.RegisterCounters(counters_, peers_);
    store_.RegisterCounters(counters_, peers_);
    for (const memory::Sram* pad : {&pads_.act, &pads_.weight, &pads_.acc, &pads_.out}) {
      pad->RegisterCounters(counters_);
    }
    bus_.RegisterCounters(counters_);
    memory::RegisterDram(counters_, "dram", dram_.dram());
  }

  using Values = std::vector<std::vector<uint64_t>>;  // [layer][counter]

  // Of all jobs so far.
  Values CountersNow() {
    dram_.dram().Drain();  // writes that are acknowledged and still in the controllers' buffers
    Values values(layers_);
    for (const auto& column : counters_.columns()) {
      for (size_t layer = 0; layer < layers_; ++layer) values[layer].push_back(column.read(layer));
    }
    return values;
  }

  // After a job: its counts, if it is the first of its program that was done.
  void CollectFirst() {
    if (outcome().jobs == 1 && outcome().stats.values.empty()) CollectStats(before_);
  }

  // What was counted since `before` is what the present program takes.
  void CollectStats(const Values& before) {
    sim::RunStats& stats = outcome().stats;
    for (const auto& column : counters_.columns()) stats.counters.push_back(column.info);
    stats.values = CountersNow();
    stats.values.resize(program().layers.size());
    for (size_t layer = 0; layer < stats.values.size(); ++layer) {
      for (size_t c = 0; c < stats.counters.size() && !before.empty(); ++c) {
        stats.values[layer][c] -= before[layer][c];
      }
      stats.layer_cycles.push_back(stats.Value(layer, "machine.cycles"));
      stats.cycles += stats.layer_cycles.back();
    }
  }

  const Programs& programs_;
  const RunOptions& options_;
  size_t layers_;
  sim::Clock clock_;
  sim::TokenBoard tokens_;
  sim::LayerEnds layer_ends_;
  sim::Job job_;
  sim::EngineModule::Context context_;
  accel::Scratchpads pads_;
  memory::DramTarget dram_;
  memory::Bus bus_;
  accel::DmaEngine load_;
  accel::TensorUnit tensor_;
  accel::VectorUnit vector_;
  accel::DmaEngine store_;
  std::unique_ptr<nearmem::BankEngine> bank_;
  std::vector<sim::EngineModule*> engines_;
  std::unique_ptr<accel::CommandProcessor> fetch_;
  std::unique_ptr<control::ControlBlock> control_;
  // What drives the machine: one of the two.
  std::unique_ptr<Host> host_;
  std::unique_ptr<ControlProcessor> core_;
  std::unique_ptr<DramLog> dram_log_;  // with a recorder
  std::vector<Engine> peers_;
  std::vector<MachineCounters> rows_;
  sim::CounterRegistry counters_;
  ProgramsOutcome outcome_;
  size_t present_ = 0;     // index of the program of the present job, or of the last one
  Values before_;          // counters when that program's job began; empty: nothing
  uint64_t last_end_ = 0;  // of the layer before, or the beginning of the job
  size_t layers_done_ = 0;
  bool interrupted_ = false;
};

}  // namespace

ProgramsOutcome RunPrograms(const DesignPoint& design,
                            const std::vector<const sim::Program*>& programs,
                            const RunOptions& options) {
  const sim::FreshKernel kernel;
  auto machine = std::make_unique<Machine>(design, programs, options);
  return machine->Run();
}

RunOutcome Run(const DesignPoint& design, const sim::Program& program, const RunOptions& options) {
  ProgramsOutcome outcome = RunPrograms(design, {&program}, options);
  return {std::move(outcome.programs.front()), std::move(outcome.host)};
}

}  // namespace nibble::platforms
