// Programs of random networks: right at any speed of the engines.
#include <catch2/catch.hpp>

#include "sw/compiler/compiler.h"
#include "tests/golden/random_transformer.h"
#include "tests/lowering/program_check.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"
#include "tests/support/sanitizers.h"

namespace nibble::test {
namespace {

using Catch::Matchers::Contains;
using platforms::Platform;
using sim::Opcode;

sim::Program LowerWithInput(const trace::Network& net, platforms::DesignPoint& design) {
  sim::Program program = LowerFitting(net, design);
  lowering::SetInput(program, net, design, RandomInput(net, 1));
  return program;
}

template <class Check>
void ForEachProgram(uint32_t seeds, Check check) {
  for (uint32_t seed = 0; seed < seeds; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      RandomDatapath(random, design);
      CAPTURE(seed, platforms::PlatformName(platform));
      const sim::Program program = LowerWithInput(net, design);
      check(net, design, program);
    }
  }
}

TEST_CASE("no word touches bytes that another may still need, and every output is stored once") {
  ForEachProgram(
      40, [](const trace::Network& net, const platforms::DesignPoint& design,
             const sim::Program& program) { CHECK(CheckProgram(net, design, program) == ""); });
}

TEST_CASE("words wait for what they read, whatever the operators and wherever tensors lie") {
  const auto check = [](const trace::Network& net, uint32_t seed) {
    for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      if (random.Int(0, 1) > 0) RandomDatapath(random, design);
      CAPTURE(seed, platforms::PlatformName(platform));
      const sim::Program program = LowerWithInput(net, design);
      CHECK(CheckOrder(design, program) == "");
    }
  };
  for (uint32_t seed = 0; seed < Cases(200u); ++seed) check(RandomOperatorNetwork(seed), seed);
  for (uint32_t seed = 0; seed < Cases(40u); ++seed) check(RandomTransformer(seed), seed);
}

TEST_CASE("the same with tensors in strips of pixels") {
  int strips = 0;
  for (uint32_t seed = 300; seed < 340; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      SetDatapath(design, numerics::Format::kNvfp4, numerics::Format::kNvfp4, random.Block(),
                  numerics::ScaleSource::kStatic);
      strips += SetStrips(net, design);
      CAPTURE(seed, platforms::PlatformName(platform));
      CHECK(CheckProgram(net, design, LowerWithInput(net, design)) == "");
    }
  }
  CHECK(strips > 40);
}

TEST_CASE("the check finds a token that is missing") {
  int found = 0;
  ForEachProgram(4, [&found](const trace::Network& net, const platforms::DesignPoint& design,
                             const sim::Program& original) {
    // Without the first token from the load engine to a compute engine, data may come late.
    sim::Program program = original;
    for (sim::Command& word : program.commands) {
      const sim::Engine engine = sim::EngineOf(word.opcode);
      if (engine != sim::Engine::kTensor && engine != sim::Engine::kBank) continue;
      if (!(word.wait & sim::EngineBit(sim::Engine::kLoad))) continue;
      word.wait &= static_cast<uint8_t>(~sim::EngineBit(sim::Engine::kLoad));
      for (sim::Command& giver : program.commands) {
        if (giver.signal & sim::EngineBit(engine) && giver.opcode == Opcode::kLoad) {
          giver.signal &= static_cast<uint8_t>(~sim::EngineBit(engine));
          break;
        }
      }
      break;
    }
    found += CheckProgram(net, design, program) != "";
  });
  CHECK(found >= 4);  // of 8: other tokens may imply it
}

TEST_CASE("a layer ends with one marked word, its last to leave the machine") {
  ForEachProgram(20, [](const trace::Network& net, const platforms::DesignPoint&,
                        const sim::Program& program) {
    REQUIRE(program.layers.size() == net.layers.size());
    std::vector<int> marks(net.layers.size());
    std::vector<bool> last_is_marked(net.layers.size());
    size_t layer = 0;
    for (const sim::Command& word : program.commands) {
      REQUIRE(word.layer >= layer);  // layer after layer
      layer = word.layer;
      if (sim::EngineOf(word.opcode) != sim::Engine::kStore) continue;
      last_is_marked[layer] = word.flags & sim::kEndOfLayer;
      marks[layer] += last_is_marked[layer];
    }
    for (size_t i = 0; i < marks.size(); ++i) {
      CHECK(marks[i] == 1);
      CHECK(last_is_marked[i]);
    }
  });
}

TEST_CASE("tiles partition the outputs of every convolution") {
  ForEachProgram(20, [](const trace::Network& net, const platforms::DesignPoint&,
                        const sim::Program& program) {
    for (size_t i = 0; i < net.layers.size(); ++i) {
      if (!net.layers[i].has_weights()) continue;
      const trace::Shape& out = net.tensors[net.layers[i].output].shape;
      std::vector<int> computed(static_cast<size_t>(out.height) * out.channels);
      for (const sim::Command& word : program.commands) {
        if (word.layer != i) continue;
        if (word.opcode != Opcode::kTensorRun && word.opcode != Opcode::kBankRun) continue;
        const sim::Convolve& run = word.convolve;
        REQUIRE(run.out_row + run.out_rows <= out.height);
        REQUIRE(run.channel + run.channels <= out.channels);
        for (int row = run.out_row; row < run.out_row + run.out_rows; ++row) {
          for (int c = run.channel; c < run.channel + run.channels; ++c) {
            ++computed[static_cast<size_t>(row) * out.channels + c];
          }
        }
      }
      CHECK(computed == std::vector<int>(computed.size(), 1));
    }
  });
}

TEST_CASE("what the program says that it uses is there") {
  ForEachProgram(
      20, [](const trace::Network&, const platforms::DesignPoint& d, const sim::Program& program) {
        const uint32_t sizes[] = {d.sram_act.size, d.sram_weight.size, d.sram_acc.size,
                                  d.sram_out.size};
        for (int b = 0; b < sim::kBuffers; ++b) CHECK(program.sram_bytes_used[b] <= sizes[b]);
        const memory::DramMapping mapping(d.dram, d.dram_channels, d.dram_mapping);
        CHECK(program.dram_bytes_used <= mapping.capacity());
        CHECK(program.commands_address + program.commands.size() * sim::kCommandBytes <=
              program.dram_bytes_used - program.near_memory_bytes);
      });
}

TEST_CASE("a network that fits no tile is refused with layer and parameter") {
  const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 32);
  for (const char* name : {"act", "weight", "acc", "out"}) {
    platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", {});
    const std::string parameter = std::string("sram.") + name + ".size";
    memory::SramConfig& sram = name == std::string("act")      ? design.sram_act
                               : name == std::string("weight") ? design.sram_weight
                               : name == std::string("acc")    ? design.sram_acc
                                                               : design.sram_out;
    sram.size = 128;
    CAPTURE(parameter);
    CHECK_THROWS_WITH(lowering::Lower(net, design), Contains(parameter));
    CHECK_THROWS_AS(lowering::Lower(net, design), lowering::LoweringError);
  }
}

TEST_CASE("an input of another size is refused") {
  const trace::Network net = RandomNetwork(1);
  platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", {});
  sim::Program program = lowering::Lower(net, design);
  CHECK_THROWS_AS(lowering::SetInput(program, net, design, {1.0f}), lowering::LoweringError);
}

}  // namespace
}  // namespace nibble::test
