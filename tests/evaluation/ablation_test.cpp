// The study's tables.
#include "sw/evaluation/ablation.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "sw/evaluation/ablation_tables.h"
#include "tests/evaluation/small_set.h"

namespace nibble::evaluation {
namespace {

double Bits(const std::vector<std::string>& sets, int n = 4096) {
  return BitsPerInput(test::Resolved(sets).datapath, n);
}

std::string Block(int b) { return "datapath.block=" + std::to_string(b); }

TEST_CASE("bits per input are element, scale / B and tensor scale / N") {
  CHECK(Bits({}) == 4.5078125);  // 4 + 8 / 16 + 32 / 4096
  for (const int b : {8, 16, 32, 64, 128}) {
    CHECK(Bits({Block(b)}) == 4 + 8.0 / b + 32.0 / 4096);
    CHECK(Bits({Block(b), "datapath.tensor_scale=none"}) == 4 + 8.0 / b);
    CHECK(Bits({Block(b), "datapath.activations=int4"}) == 4 + 16.0 / b);
  }
  CHECK(Bits({"datapath.activations=mxfp4", Block(32)}) == 4.25);
  CHECK(Bits({"datapath.activations=mxfp6", Block(32)}) == 6.25);
  CHECK(Bits({"datapath.activations=fp4"}) == 4);
  CHECK(Bits({"datapath.activations=fp4-tensor"}) == 4 + 32.0 / 4096);
  CHECK(Bits({"datapath.activations=fp16"}) == 16);
  CHECK(Bits({}, 20) == Approx(4 + 2 * 8.0 / 20 + 32.0 / 20));  // the last block is short
}

struct Networks {
  test::TemporaryFolder folder;
  std::vector<AblationNetwork> list;

  Networks() {
    for (const char* name : {"one", "two"}) {
      const trace::Network net = test::SmallNetwork(list.empty() ? 3 : 4, name);
      const std::string path = folder / (std::string(name) + ".trc");
      trace::Write(net, path);
      list.push_back({path, test::WriteImages(folder, net, 4, name)});
    }
  }

  std::vector<AblationRow> Run(const std::string& study, const std::string& out, int jobs) const {
    AblationOptions options;
    options.folder = out.empty() ? "" : folder / out;
    options.work.jobs = jobs;
    return Ablate(FindStudy(study), list, test::Resolved, options);
  }
};

TEST_CASE("tables are the same from any number of jobs, and from results that are there") {
  const Networks networks;
  for (const Study& study : Studies()) {
    // One folder for all studies: equal cells share their results.
    const std::string csv = AblationCsv(study, networks.Run(study.name, "out", 1));
    CHECK(AblationCsv(study, networks.Run(study.name, "", 3)) == csv);
    CHECK(AblationCsv(study, networks.Run(study.name, "out", 2)) == csv);  // from the files
    const auto lines = std::count(csv.begin(), csv.end(), '\n');
    CHECK(static_cast<size_t>(lines) == 1 + 2 * study.cells.size());
  }
}

TEST_CASE("a cell's file is the cell's design point") {
  const Networks networks;
  const Study& study = FindStudy("weights");
  const auto rows = networks.Run(study.name, "out", 1);
  for (size_t n = 0; n < rows.size(); ++n) {
    const trace::Network net = trace::Read(networks.list[n].trace_path);
    const Dataset dataset(networks.list[n].files, net);
    const auto fp32 = Fp32Outputs(net, dataset, 0, {});
    for (size_t c = 0; c < study.cells.size(); ++c) {
      const std::string file = rows[n].network + ".weights." + study.cells[c].name + ".cfg";
      const auto design =
          platforms::Resolve(platforms::Platform::kAccel, networks.folder / ("out/" + file), {});
      const CellResult& cell = rows[n].cells[c];
      ResultsFile memory;
      const Summary again = Summarise(
          Evaluate(net, design, Engine::kMachine, dataset, &fp32, memory, {}), dataset.labels());
      CHECK(again.sqnr_db == cell.summary.sqnr_db);
      CHECK(again.agreement.hits == cell.summary.agreement.hits);
      CHECK(again.top1->hits == cell.summary.top1->hits);
      const Cost cost = MeasureCost(net, design);
      CHECK(cost.cycles == cell.cost.cycles);
      CHECK(cost.energy_pj == cell.cost.energy_pj);
    }
  }
}

TEST_CASE("larger blocks and wider weights do to a network what they must") {
  const Networks networks;
  const auto block = networks.Run("block", "", 1), weights = networks.Run("weights", "", 1);
  for (const AblationRow& row : block) {
    for (size_t c = 1; c < row.cells.size(); ++c) {
      CHECK(row.cells[c].cost.bits_per_weight <= row.cells[c - 1].cost.bits_per_weight);
      CHECK(row.cells[c].cost.bits_per_activation <= row.cells[c - 1].cost.bits_per_activation);
    }
    CHECK(row.cells.back().summary.sqnr_db < row.cells.front().summary.sqnr_db);
  }
  for (const AblationRow& row : weights) {  // fp4, nvfp4, fp8, fp16
    for (size_t c = 1; c < row.cells.size(); ++c) {
      // FP8 weights under NVFP4 activations are as good as FP16.
      CHECK(row.cells[c].summary.sqnr_db > row.cells[c - 1].summary.sqnr_db - (c == 3 ? 1 : 0));
      CHECK(row.cells[c].cost.energy_pj > row.cells[c - 1].cost.energy_pj);
    }
  }
}

TEST_CASE("cells that a machine refuses say why, and the others run") {
  const test::TemporaryFolder folder;
  trace::Network net = compiler::BuildNetwork("gemv:16x4096");
  compiler::Calibrate(net, {test::RandomInput(net, 1)});
  compiler::RecordZeros(net, test::RandomInput(net, 1));
  trace::Write(net, folder / "wide.trc");
  DatasetFiles files = test::WriteImages(folder, net, 2);
  // 16 rows of 4096 weights are to be there at once: 36 KiB of NVFP4, 128 KiB of FP16.
  const auto small = [](std::vector<std::string> sets) {
    sets.insert(sets.end(), {"sram.weight.size=64KiB", "sram.weight.banks=8"});
    return test::Resolved(sets);
  };
  const Study& study = FindStudy("weights");
  AblationOptions options;
  options.folder = folder / "out";
  auto rows = Ablate(study, {{folder / "wide.trc", files}}, small, options);
  for (size_t c = 0; c < study.cells.size(); ++c) {
    const CellResult& cell = rows[0].cells[c];
    const bool refused = study.cells[c].name == "fp16";
    if (study.cells[c].name != "fp8") CHECK(cell.refused.empty() != refused);
    CHECK(cell.summary.images == (cell.refused.empty() ? 2 : 0));
  }
  CHECK_FALSE(std::filesystem::exists(folder / "out/gemv_16x4096.weights.fp16.cfg"));
  const std::string text = AblationTables(study, rows, TableStyle::kText);
  CHECK_THAT(text, Catch::Contains("fp16: refused, "));
  rows[0].network = "wide, \"16\"";
  CHECK_THAT(AblationCsv(study, rows), Catch::Contains("\nweights,\"wide, \"\"16\"\"\",fp16,"));
}

TEST_CASE("unknown studies and two networks of one name are refused") {
  Networks networks;
  CHECK_THROWS_WITH(FindStudy("blocks"), Catch::Contains("block, weights, scaling, formats"));
  networks.list.push_back(networks.list[0]);
  CHECK_THROWS_WITH(networks.Run("block", "", 1), Catch::Contains("two networks are named one"));
}

}  // namespace
}  // namespace nibble::evaluation
