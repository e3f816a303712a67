#include "sw/evaluation/evaluate.h"

#include <fmt/format.h>

#include <stdexcept>

#include "platforms/energy_model.h"
#include "sw/evaluation/bytes.h"
#include "sw/evaluation/processes.h"
#include "sw/lowering/lowering.h"
#include "sw/report/report.h"
#include "sw/trace/hash.h"

namespace nibble::evaluation {
Executor::Executor(const trace::Network& net, const platforms::DesignPoint& design, Engine engine)
    : net_(net), design_(design) {
  if (engine == Engine::kMachine) {
    program_ = lowering::Lower(net, design);
  } else {
    datapaths_.emplace(net, design.datapath, design.layer_overrides);
  }
}

golden::Execution Executor::Run(const std::vector<float>& input, int image,
                                const std::atomic<bool>* stop) {
  if (datapaths_) return golden::Run(net_, *datapaths_, input);
  lowering::SetInput(*program_, net_, design_, input);
  platforms::RunOptions options;
  options.run = static_cast<uint64_t>(image);
  options.stop = stop;
  const platforms::RunOutcome outcome = platforms::Run(design_, *program_, options);
  golden::Execution e;
  for (size_t t = 0; t < net_.tensors.size(); ++t) {
    e.tensors.push_back(StoredTensor(*program_, outcome, static_cast<int>(t)));
  }
  return e;
}

numerics::StoredActivations StoredTensor(const sim::Program& program,
                                         const platforms::ProgramOutcome& outcome, int index) {
  const auto i = static_cast<size_t>(index);
  const std::vector<uint8_t>& bytes = outcome.tensors[i];
  numerics::StoredActivations stored;
  stored.layout = program.tensors[i].layout;
  const auto codes = static_cast<ptrdiff_t>(stored.layout.code_bytes());
  if (bytes.size() != stored.layout.code_bytes() + stored.layout.scale_bytes()) {
    throw std::logic_error(fmt::format("the machine stored {} bytes of tensor {}, which has {}",
                                       bytes.size(), program.tensors[i].name,
                                       stored.layout.code_bytes() + stored.layout.scale_bytes()));
  }
  stored.codes.assign(bytes.begin(), bytes.begin() + codes);
  stored.scales.assign(bytes.begin() + codes, bytes.end());
  if (numerics::HasTensorScale(stored.layout.format)) {
    const auto root = static_cast<size_t>(program.tensors[i].root);
    stored.scale.decode = outcome.tensor_scale_decode[root];
  }
  return stored;
}

Cost MeasureCost(const trace::Network& net, const platforms::DesignPoint& design) {
  sim::Program program = lowering::Lower(net, design, {false});
  platforms::RunOptions options;
  options.timing_only = true;
  const platforms::RunOutcome outcome = platforms::Run(design, program, options);
  const platforms::EnergyModel energy(design);
  const report::Report report =
      report::BuildReport({"", "", "", true}, net, design, program, outcome.stats, energy);
  const report::Totals& t = report.totals;
  return {t.cycles, t.energy_pj, t.bits_per_activation, t.bits_per_weight};
}

Identity IdentityOf(const std::string& trace_hash, const platforms::DesignPoint& design,
                    Engine engine, const Dataset& dataset, Scope scope) {
  std::string text =
      engine == Engine::kGolden ? "golden" : platforms::PlatformName(design.platform);
  for (const platforms::Parameter& p : design.parameters) text += "\n" + p.name + "=" + p.value;
  return {{"trace", trace_hash},
          {"design", trace::HashOf(text)},
          {"images", dataset.Hash()},
          {"scope", scope == Scope::kOutput ? "output" : "every-layer"}};
}

std::vector<std::vector<float>> Fp32Outputs(const trace::Network& net, const Dataset& dataset,
                                            int first, const WorkOptions& work) {
  std::vector<std::vector<float>> outputs(static_cast<size_t>(dataset.count()));
  if (first >= dataset.count()) return outputs;
  const auto begin = static_cast<size_t>(first), count = outputs.size() - begin;
  ForEachInProcesses(
      work.jobs, count,
      [&](size_t i) {
        const int image = static_cast<int>(begin + i);
        return BytesOf(golden::RunFp32(net, dataset.Input(image))[static_cast<size_t>(net.output)]);
      },
      [&](size_t i, const std::string& bytes) {
        outputs[begin + i] = ValuesOf<float>(bytes);
        if (work.progress) work.progress(i + 1, count);
      },
      work.stop);
  return outputs;
}

std::vector<ImageResult> Evaluate(const trace::Network& net, const platforms::DesignPoint& design,
                                  Engine engine, const Dataset& dataset,
                                  const std::vector<std::vector<float>>* fp32, ResultsFile& file,
                                  const WorkOptions& work) {
  const size_t begin = file.results().size(), all = static_cast<size_t>(dataset.count());
  const auto of_all = [&] {
    const auto first = file.results().begin();
    return std::vector<ImageResult>(first, first + dataset.count());
  };
  if (begin >= all) return of_all();
  Executor executor(net, design, engine);
  const auto run = [&](size_t index) {
    const int image = static_cast<int>(begin + index);
    const std::vector<float> input = dataset.Input(image);
    const golden::Execution e = executor.Run(input, image, work.stop);
    const auto stored = [&](int t) {
      return numerics::LoadTensor(e.tensors[static_cast<size_t>(t)]);
    };
    if (fp32 != nullptr) {
      return FormatResult(CompareOutputs(stored(net.output), fp32->at(static_cast<size_t>(image))));
    }
    const std::vector<std::vector<float>> exact = golden::RunFp32(net, input);
    const auto exactly = [&](int t) -> const std::vector<float>& {
      return exact[static_cast<size_t>(t)];
    };
    ImageResult result = CompareOutputs(stored(net.output), exactly(net.output));
    for (const trace::Layer& l : net.layers) {
      result.layer_sqnr_db.push_back(BoundedSqnr(exactly(l.output), stored(l.output)));
    }
    return FormatResult(result);
  };
  ForEachInProcesses(
      work.jobs, all - begin, run,
      [&](size_t i, const std::string& line) {
        file.Append(ParseResult(line));
        if (work.progress) work.progress(begin + i + 1, all);
      },
      work.stop);
  return of_all();
}

}  // namespace nibble::evaluation
