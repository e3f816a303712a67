// The parts of training that need no gradients: images, steps, checkpoints.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "sw/retraining/augment.h"
#include "sw/retraining/checkpoint.h"
#include "sw/retraining/optimise.h"
#include "sw/trace/file.h"
#include "tests/golden/random_network.h"

namespace nibble::retraining {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("an epoch takes each image once, and epochs differ", "[retraining]") {
  constexpr int kCount = 30, kBatch = 7;
  std::vector<int> all;
  for (int64_t step = 0; step < 60; ++step) {
    const std::vector<int> images = StepImages(kCount, kBatch, step, 3);
    REQUIRE(images.size() == kBatch);
    all.insert(all.end(), images.begin(), images.end());
  }
  std::vector<std::vector<int>> epochs;
  for (size_t e = 0; e + kCount <= all.size(); e += kCount) {
    epochs.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(e),
                        all.begin() + static_cast<std::ptrdiff_t>(e + kCount));
    CHECK(std::set<int>(epochs.back().begin(), epochs.back().end()).size() == kCount);
  }
  CHECK(epochs[0] != epochs[1]);
  CHECK(StepImages(kCount, kBatch, 5, 3) != StepImages(kCount, kBatch, 5, 4));
}

// A plane stays a plane under cuts and interpolation.
TEST_CASE("cuts are brought back to size, flips mirror, and the seed decides", "[retraining]") {
  const trace::Shape shape{8, 10, 2};
  std::vector<float> plane;
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 10; ++x) plane.insert(plane.end(), {static_cast<float>(x), 2.0f * y});
  }
  CHECK(Augment(plane, shape, {1.0, false}, 5) == plane);
  int flipped = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<float> cut = Augment(plane, shape, {0.5, true}, seed);
    REQUIRE(cut == Augment(plane, shape, {0.5, true}, seed));
    const auto at = [&](int y, int x, int c) {
      return cut[static_cast<size_t>((y * 10 + x) * 2 + c)];
    };
    // Away from the borders, where the first and last pixels repeat.
    const float across = at(4, 5, 0) - at(4, 4, 0), down = at(4, 4, 1) - at(3, 4, 1);
    flipped += across < 0 ? 1 : 0;
    CHECK(std::fabs(across) >= 0.499f);
    CHECK(std::fabs(across) <= 1.001f);
    CHECK(down == Approx(2 * std::fabs(across)).margin(1e-4));
    for (const float v : cut) CHECK((v >= 0 && v <= 14));
  }
  CHECK(flipped > 60);
  CHECK(flipped < 140);
  std::vector<float> mixed = plane;
  CHECK_FALSE(Mix(mixed, std::vector<float>(plane.size(), 3.0f), 0.0, 1));
  CHECK(mixed == plane);
  CHECK(Mix(mixed, plane, 1.0, 1));
  CHECK(mixed == plane);  // of equal images
}

TEST_CASE("the rate rises, then falls as half a cosine to 0", "[retraining]") {
  Settings settings;
  settings.warm_up = 0.1;
  double last = 0;
  for (int step = 0; step < 100; ++step) {
    const double rate = RateAt(settings, 2, step, 100);
    CHECK(rate <= 2);
    if (step > 0) CHECK((step <= 10 ? rate > last : rate < last));
    last = rate;
  }
  CHECK(RateAt(settings, 2, 10, 100) == 2);
  CHECK(RateAt(settings, 2, 55, 100) == Approx(1));
  CHECK(last < 0.001);
}

// f = sum((x - 3)^2) / 2, whose gradient is x - 3.
TEST_CASE("optimisers find the bottom of a bowl", "[retraining]") {
  for (const Optimiser optimiser : {Optimiser::kAdam, Optimiser::kSgd}) {
    Settings settings;
    settings.optimiser = optimiser;
    settings.clip = 0;
    Parameters x{{{1, -2, 0.5f}}, {{4}}, {8}};
    Parameters sizes = x;
    sizes.ForEach([](std::vector<float>& v) { v.assign(v.size(), 1.0f); });
    Moments moments{ZeroLike(x), ZeroLike(x)};
    for (int step = 0; step < 800; ++step) {
      Parameters gradient = x;
      gradient.ForEach([](std::vector<float>& v) {
        for (float& g : v) g -= 3;
      });
      Step(settings, 0.05 * (800 - step) / 800, step, sizes, gradient, moments, x);
    }
    x.ForEach([](const std::vector<float>& v) {
      for (const float value : v) CHECK(value == Approx(3).margin(0.02));
    });
  }
}

TEST_CASE("gradients are clipped to a norm, and the first step of Adam is the rate",
          "[retraining]") {
  Settings settings;
  settings.clip = 1;
  settings.optimiser = Optimiser::kSgd;
  Parameters x{{{0, 0}}, {{}}, {1}};
  const Parameters gradient{{{30, 40}}, {{}}, {0}}, sizes{{{1, 1}}, {{}}, {1}};
  Moments moments{ZeroLike(x), ZeroLike(x)};
  CHECK(Norm(gradient) == 50);
  Step(settings, 1, 0, sizes, gradient, moments, x);
  CHECK(x.weights[0][0] == Approx(-0.6));
  CHECK(x.weights[0][1] == Approx(-0.8));
  settings.optimiser = Optimiser::kAdam;
  x.weights[0] = {0, 0};
  moments = {ZeroLike(x), ZeroLike(x)};
  Step(settings, 0.25, 0, {{{1, 2}}, {{}}, {1}}, gradient, moments, x);
  CHECK(x.weights[0][0] == Approx(-0.25));
  CHECK(x.weights[0][1] == Approx(-0.5));  // in units of its size
}

struct File {
  File() {
    std::string name =
        (std::filesystem::temp_directory_path() / "nibble-checkpoint-XXXXXX").string();
    close(mkstemp(name.data()));
    path = name;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path;
};

State SomeState(const Parameters& shape) {
  State state;
  state.parameters = shape;
  state.best = state.moments.first = state.moments.second = shape;
  float next = 0;
  const auto fill = [&](std::vector<float>& v) {
    for (float& x : v) x = next += 0.125f;
  };
  state.parameters.ForEach(fill);
  state.best.ForEach(fill);
  state.moments.first.ForEach(fill);
  state.moments.second.ForEach(fill);
  state.step = 123;
  state.seconds = 4.5;
  state.best_look = 1;
  state.looks = {Look{}, Look{50, 2.0, {1, 2, 3, 4}, 5, 60, 70}};
  return state;
}

TEST_CASE("a checkpoint comes back whole, of its training alone, and undamaged", "[retraining]") {
  const File file;
  const Parameters shape = ParametersOf(test::RandomNetwork(1));
  const Identity identity = {{"trace", "abc"}, {"steps", "100"}};
  std::filesystem::remove(file.path);
  CHECK_FALSE(ReadCheckpoint(file.path, identity, shape));
  const State state = SomeState(shape);
  WriteCheckpoint(file.path, identity, state);
  const auto back = ReadCheckpoint(file.path, identity, shape);
  REQUIRE(back);
  CHECK(back->step == 123);
  CHECK(back->seconds == 4.5);
  CHECK(back->best_look == 1);
  CHECK(back->looks.size() == 2);
  CHECK(back->looks[1].held_back == 5);
  CHECK(back->parameters.weights == state.parameters.weights);
  CHECK(back->best.biases == state.best.biases);
  CHECK(back->moments.first.ranges == state.moments.first.ranges);
  CHECK(back->moments.second.weights == state.moments.second.weights);

  CHECK_THROWS_WITH(ReadCheckpoint(file.path, {{"trace", "abc"}, {"steps", "200"}}, shape),
                    Contains("another training") && Contains("steps 200"));
  CHECK_THROWS_AS(ReadCheckpoint(file.path, identity, ParametersOf(test::RandomNetwork(2))),
                  trace::FileError);
  std::ifstream in(file.path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  for (size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 37) {
    for (const bool cut : {false, true}) {
      std::string damaged = cut ? bytes.substr(0, at) : bytes;
      if (!cut) damaged[at] = static_cast<char>(damaged[at] ^ 16);
      std::ofstream(file.path, std::ios::binary) << damaged;
      CHECK_THROWS_AS(ReadCheckpoint(file.path, identity, shape), trace::FileError);
    }
  }
}

}  // namespace
}  // namespace nibble::retraining
