// An evaluation is the same however it is shared out and wherever it was stopped.
#include "sw/evaluation/evaluate.h"

#include <catch2/catch.hpp>

#include "sw/golden/compare.h"
#include "tests/evaluation/small_set.h"

namespace nibble::evaluation {
namespace {

constexpr int kImages = 7;

struct Small {
  test::TemporaryFolder folder;
  trace::Network net = test::SmallNetwork(1);
  DatasetFiles files = test::WriteImages(folder, net, kImages);
  platforms::DesignPoint design = test::Resolved({});
  Dataset dataset{files, net};

  // The bytes of the file that an evaluation of `count` images leaves at `path`.
  std::string Run(const std::string& path, int jobs, int count = kImages,
                  Scope scope = Scope::kEveryLayer, Engine engine = Engine::kMachine) {
    const Dataset some(files, net, 0, count);
    const auto fp32 = Fp32Outputs(net, some, 0, {jobs, {}, nullptr});
    {
      ResultsFile file(path, IdentityOf("trace", design, engine, some, scope));
      const auto results =
          Evaluate(net, design, engine, some, scope == Scope::kOutput ? &fp32 : nullptr, file,
                   {jobs, {}, nullptr});
      REQUIRE(results.size() == static_cast<size_t>(count));
    }
    return test::FileText(path);
  }
};

TEST_CASE("any number of jobs leaves the same bytes") {
  Small small;
  for (const Scope scope : {Scope::kOutput, Scope::kEveryLayer}) {
    const std::string one = small.Run(small.folder / "one", 1, kImages, scope);
    for (const int jobs : {2, 3, 16}) {
      CHECK(small.Run(small.folder / ("jobs" + std::to_string(jobs)), jobs, kImages, scope) == one);
    }
    std::filesystem::remove(small.folder / "one");
    for (const int jobs : {2, 3, 16}) {
      std::filesystem::remove(small.folder / ("jobs" + std::to_string(jobs)));
    }
  }
}

TEST_CASE("what was stopped goes on, and more images go on where fewer ended") {
  Small small;
  const std::string whole = small.Run(small.folder / "whole", 1);
  for (const int first : {1, 4}) {
    const std::string path = small.folder / ("from" + std::to_string(first));
    small.Run(path, 2, first);
    CHECK(small.Run(path, 2) == whole);
  }
  // Only what is missing runs.
  size_t runs = 0;
  ResultsFile file(small.folder / "whole", IdentityOf("trace", small.design, Engine::kMachine,
                                                      small.dataset, Scope::kEveryLayer));
  Evaluate(small.net, small.design, Engine::kMachine, small.dataset, nullptr, file,
           {1, [&](size_t, size_t) { ++runs; }, nullptr});
  CHECK(runs == 0);
}

TEST_CASE("the machine and the reference executor come to the same results") {
  Small small;
  for (const char* set : {"datapath.weights=fp8", "datapath.tensor_scale=dynamic",
                          "layers.depthwise.activations=fp16"}) {
    small.design = test::Resolved({set});
    const auto lines = [&](Engine engine, const std::string& path) {
      const std::string text = small.Run(path, 1, 3, Scope::kEveryLayer, engine);
      return text.substr(text.find("\ntop"));
    };
    const std::string path = small.folder / set;
    CHECK(lines(Engine::kMachine, path + ".machine") == lines(Engine::kGolden, path + ".golden"));
  }
}

TEST_CASE("results are those of images run one by one") {
  Small small;
  ResultsFile memory;
  const auto results = Evaluate(small.net, small.design, Engine::kMachine, small.dataset, nullptr,
                                memory, {2, {}, nullptr});
  for (int i = 0; i < kImages; ++i) {
    const std::vector<float> input = small.dataset.Input(i);
    const auto exact = golden::RunFp32(small.net, input);
    const auto run = golden::Run(small.net, small.design.datapath, input);
    const ImageResult& r = results[static_cast<size_t>(i)];
    CHECK(r.fp32_top[0] == golden::TopK(exact.back(), 1)[0]);
    CHECK(r.top[0] == golden::TopK(numerics::LoadTensor(run.tensors.back()), 1)[0]);
    REQUIRE(r.layer_sqnr_db.size() == small.net.layers.size());
    for (size_t l = 0; l < small.net.layers.size(); ++l) {
      const auto t = static_cast<size_t>(small.net.layers[l].output);
      CHECK(r.layer_sqnr_db[l] ==
            Approx(golden::Sqnr(exact[t], numerics::LoadTensor(run.tensors[t]))).margin(0.0051));
    }
  }
}

TEST_CASE("all that results depend on is in their identity") {
  Small small;
  const auto identity = [&](const std::vector<std::string>& sets, Engine engine, const Dataset& set,
                            Scope scope) {
    return IdentityOf("trace", test::Resolved(sets), engine, set, scope);
  };
  const auto base = identity({}, Engine::kMachine, small.dataset, Scope::kOutput);
  CHECK(base == identity({}, Engine::kMachine, Dataset(small.files, small.net, 0, 2),
                         Scope::kOutput));  // not the number of images
  CHECK(base != identity({"datapath.block=32"}, Engine::kMachine, small.dataset, Scope::kOutput));
  CHECK(base !=
        identity({"layers.fc.weights=fp16"}, Engine::kMachine, small.dataset, Scope::kOutput));
  CHECK(base != identity({}, Engine::kGolden, small.dataset, Scope::kOutput));
  CHECK(base != identity({}, Engine::kMachine, small.dataset, Scope::kEveryLayer));
  CHECK(base !=
        identity({}, Engine::kMachine, Dataset(small.files, small.net, 1, 2), Scope::kOutput));
  const auto others = test::WriteImages(small.folder, small.net, kImages + 1, "others");
  CHECK(base != identity({}, Engine::kMachine, Dataset(others, small.net), Scope::kOutput));
}

TEST_CASE("images that a data set has read serve others") {
  Small small;
  std::filesystem::remove(small.files.images);
  const Dataset part(small.dataset, small.net, 2, 3);
  REQUIRE(part.count() == 3);
  for (int i = 0; i < 3; ++i) CHECK(part.Input(i) == small.dataset.Input(2 + i));
  const auto labels = small.dataset.labels().begin();
  CHECK(part.labels() == std::vector<int>(labels + 2, labels + 5));
  CHECK_THROWS_WITH(Dataset(part, small.net, 2, kImages),
                    Catch::Contains("behind the first 2 are asked for"));
}

TEST_CASE("a data set that does not fit is refused") {
  Small small;
  CHECK_THROWS_WITH(Dataset(small.files, small.net, 0, kImages + 1),
                    Catch::Contains("holds 7 images"));
  CHECK_THROWS_AS(Dataset(small.files, small.net, kImages, 0), trace::FileError);
  test::WriteText(small.files.labels, "1\n2\n12\n4\n5\n6\n7\n");
  CHECK_THROWS_WITH(Dataset(small.files, small.net), Catch::Contains("label 12 of image 2"));
  CHECK_NOTHROW(Dataset(small.files, small.net, 3));
  test::WriteText(small.files.labels, "1\n2\n");
  CHECK_THROWS_WITH(Dataset(small.files, small.net), Catch::Contains("holds 2 labels"));
}

}  // namespace
}  // namespace nibble::evaluation
