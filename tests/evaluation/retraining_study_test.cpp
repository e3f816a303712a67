// The study of retraining, with a training that is none: which traces are made, run and kept.
#include "sw/evaluation/retraining_study.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/evaluation/small_set.h"

namespace nibble::evaluation {
namespace {

using Catch::Matchers::Contains;

struct Setting {
  test::TemporaryFolder folder;
  std::vector<RetrainingNetwork> networks;
  std::vector<std::vector<std::string>> trained;  // under which sets

  Setting() {
    const trace::Network net = test::SmallNetwork(3, "one");
    trace::Write(net, folder / "one.trc");
    networks.push_back({{folder / "one.trc", test::WriteImages(folder, net, 3)}, {"train", ""}});
  }

  // "Trains" by another seed of the weights.
  std::vector<AblationRow> Run(const std::string& out, int jobs) {
    RetrainingOptions options;
    options.folder = folder / out;
    options.work.jobs = jobs;
    const Train train = [&](const RetrainingNetwork&, const std::vector<std::string>& sets,
                            const std::string& output) {
      trained.push_back(sets);
      trace::Network net = test::SmallNetwork(7, "one");
      trace::Write(net, output);
    };
    return AblateRetraining(networks, test::Resolved, train, options);
  }
};

const CellResult& CellOf(const AblationRow& row, const std::string& trained,
                         const std::string& run) {
  for (size_t c = 0; c < RetrainingCells().size(); ++c) {
    const RetrainingCell& cell = RetrainingCells()[c];
    if (cell.trained == trained && cell.run == run) return row.cells[c];
  }
  throw std::out_of_range(trained + " in " + run);
}

TEST_CASE("a network is trained once for each format that runs, and compared with its parent") {
  Setting setting;
  const auto rows = setting.Run("out", 1);
  REQUIRE(rows.size() == 1);
  // NVFP4 and the unscaled FP4 of the study, and every other format but FP32.
  CHECK(std::set<std::vector<std::string>>(setting.trained.begin(), setting.trained.end()).size() ==
        setting.trained.size());
  CHECK(setting.trained.size() == 2 + numerics::AllFormats().size() - 2);
  // NVFP4 retrained runs at every block size.
  for (const int block : {8, 32, 64, 128}) {
    CHECK(CellOf(rows[0], "nvfp4 B=16", "nvfp4 B=" + std::to_string(block)).refused.empty());
  }
  // The untrained network is near its own FP32 results in FP16, the other one is not: what it is
  // compared with is the parent's.
  CHECK(CellOf(rows[0], "", "fp16").summary.sqnr_db > 40);
  CHECK(CellOf(rows[0], "fp16", "fp16").summary.sqnr_db < 10);
  CHECK(CellOf(rows[0], "fp16", "fp16").summary.fp32_top1->hits ==
        CellOf(rows[0], "", "fp16").summary.fp32_top1->hits);

  const std::string csv = RetrainingCsv(rows);
  const size_t trainings = setting.trained.size();
  CHECK(RetrainingCsv(setting.Run("out", 3)) == csv);  // what is there is not made again
  CHECK(setting.trained.size() == trainings);
  CHECK(RetrainingCsv(setting.Run("again", 3)) == csv);
  CHECK(setting.trained.size() == 2 * trainings);
  CHECK_THAT(RetrainingTable(rows, TableStyle::kMarkdown),
             Contains("| retrained for") && Contains("one top-1") && Contains("nvfp4 B=128"));
}

}  // namespace
}  // namespace nibble::evaluation
