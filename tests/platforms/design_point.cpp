// Resolving a design point: defaults, values, precedence, and what an error must say.
#include "platforms/design_point.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/platforms/support.h"

using namespace nibble;
using namespace nibble::platforms;
using Catch::Contains;

TEST_CASE("the defaults are the documented parts") {
  const DesignPoint a = Resolve(Platform::kAccel, "", {});
  CHECK(a.OneLine() ==
        "16x4x16 os @ 1000 MHz, sram 192+128+128+64 KiB, lpddr5-6400-x16 x2, energy "
        "jouppi-7nm/22nm itrs-lstp");
  CHECK(a.tensor.rows * a.tensor.cols * a.tensor.lanes == 1024);
  CHECK(a.datapath.activation_block == 16);
  CHECK(a.datapath.weight_block == 16);
  CHECK(a.dram.tck_ps == 1250);
  const DesignPoint n = Resolve(Platform::kNearmem, "", {});
  CHECK(
      n.OneLine() ==
      "16x4x8 os @ 1000 MHz, sram 192+128+128+64 KiB, lpddr5-6400-x16 x2, near memory 256 lanes a "
      "bank (auto), energy jouppi-7nm/22nm itrs-lstp");
  CHECK(n.nearmem.buffer_bytes == 2304);
}

TEST_CASE("every parameter is documented, and its resolved value is one that --set accepts") {
  for (const Platform platform : kBothPlatforms) {
    const std::vector<Parameter> listed = ListParameters(platform);
    const DesignPoint d = Resolve(platform, "", {});
    REQUIRE(listed.size() == d.parameters.size());
    std::set<std::string> names;
    std::vector<std::string> sets;
    for (size_t i = 0; i < listed.size(); ++i) {
      const Parameter& p = listed[i];
      INFO(p.name);
      CHECK(names.insert(p.name).second);
      CHECK(!p.type.empty());
      CHECK(!p.range.empty());
      CHECK(p.meaning.size() > 10);
      CHECK(p.value == p.default_value);
      CHECK(d.parameters[i].name == p.name);
      CHECK(d.parameters[i].value == p.default_value);
      CHECK(d.parameters[i].is_default);
      sets.push_back(p.name + "=" + p.default_value);
    }
    const DesignPoint again = Resolve(platform, "", sets);
    for (const Parameter& p : again.parameters) CHECK(p.is_default);
    CHECK(again.OneLine() == d.OneLine());
  }
}

TEST_CASE("a resolved design point resolves to itself") {
  const DesignPoint d = Resolve(Platform::kNearmem, "nearmem-small",
                                {"energy.preset=horowitz-45nm", "datapath.weights=fp8",
                                 "nearmem.layers=fc, pointwise", "sram.act.size=98304"});
  std::vector<std::string> sets;
  for (const Parameter& p : d.parameters) sets.push_back(p.name + "=" + p.value);
  const DesignPoint again = Resolve(Platform::kNearmem, "", sets);
  CHECK(again.OneLine() == d.OneLine());
  for (size_t i = 0; i < sets.size(); ++i) {
    CHECK(again.parameters[i].value == d.parameters[i].value);
    CHECK(again.parameters[i].is_default == d.parameters[i].is_default);
  }
}

TEST_CASE("every parameter reaches the design point") {
  const DesignPoint d = Resolve(Platform::kNearmem, "",
                                {"datapath.activations=fp4",
                                 "datapath.weights=fp16",
                                 "datapath.block=32",
                                 "datapath.accumulator=fp32",
                                 "clock.mhz=800",
                                 "tensor.rows=3",
                                 "tensor.cols=5",
                                 "tensor.lanes=32",
                                 "tensor.dataflow=ws",
                                 "tensor.latency=9",
                                 "vector.lanes=4",
                                 "vector.latency=7",
                                 "dma.chunk=1KiB",
                                 "fetch.queue_depth=5",
                                 "fetch.batch=6",
                                 "sram.act.size=64KiB",
                                 "sram.act.banks=4",
                                 "sram.act.width=8",
                                 "sram.weight.size=32KiB",
                                 "sram.weight.banks=2",
                                 "sram.acc.size=16KiB",
                                 "sram.acc.banks=1",
                                 "sram.out.size=1MiB",
                                 "sram.out.banks=16",
                                 "sram.node=32",
                                 "sram.cell=itrs-hp",
                                 "dram.device=lpddr4-3200-x16",
                                 "dram.channels=4",
                                 "dram.mapping=row  bank bankgroup column channel",
                                 "nearmem.lanes=16",
                                 "nearmem.accumulators=8",
                                 "nearmem.buffer=576B",
                                 "nearmem.unit_banks=2",
                                 "nearmem.pixels=4",
                                 "nearmem.broadcast=12",
                                 "nearmem.scales=beside",
                                 "nearmem.mode=all-bank",
                                 "nearmem.activation=group4",
                                 "nearmem.mode_switch=20",
                                 "nearmem.auto=time",
                                 "nearmem.layers=conv,fc",
                                 "energy.preset=horowitz-45nm"});
  CHECK(d.datapath.activations == numerics::Format::kFp4);
  CHECK(d.datapath.weights == numerics::Format::kFp16);
  CHECK(d.datapath.activation_block == 32);
  CHECK(d.datapath.weight_block == 32);
  CHECK(d.clock_mhz == 800);
  CHECK(d.tensor.rows == 3);
  CHECK(d.tensor.cols == 5);
  CHECK(d.tensor.lanes == 32);
  CHECK(d.tensor.dataflow == accel::Dataflow::kWeightStationary);
  CHECK(d.tensor.latency == 9);
  CHECK(d.vector.lanes == 4);
  CHECK(d.vector.latency == 7);
  CHECK(d.dma.chunk == 1024);
  CHECK(d.fetch.queue_depth == 5);
  CHECK(d.fetch.batch == 6);
  CHECK(d.sram_act.size == 65536);
  CHECK(d.sram_act.banks == 4);
  CHECK(d.sram_act.width == 8);
  CHECK(d.sram_weight.size == 32768);
  CHECK(d.sram_weight.banks == 2);
  CHECK(d.sram_acc.size == 16384);
  CHECK(d.sram_acc.banks == 1);
  CHECK(d.sram_out.size == 1048576);
  CHECK(d.sram_out.banks == 16);
  CHECK(d.sram_node == "32");
  CHECK(d.sram_cell == "itrs-hp");
  CHECK(d.dram.name == "lpddr4-3200-x16");
  CHECK(d.dram_channels == 4);
  CHECK(d.dram_mapping == "row bank bankgroup column channel");
  CHECK(d.nearmem.lanes == 16);
  CHECK(d.nearmem.accumulators == 8);
  CHECK(d.nearmem.buffer_bytes == 576);
  CHECK(d.nearmem.unit_banks == 2);
  CHECK(d.nearmem.pixels == 4);
  CHECK(d.nearmem.broadcast_gbps == 12);
  CHECK(d.nearmem.scales == nearmem::ScalePlace::kBeside);
  CHECK(d.nearmem.mode == nearmem::BankMode::kAllBank);
  CHECK(d.nearmem.activation == nearmem::BankActivation::kGroup4);
  CHECK(d.nearmem.mode_switch_ns == 20);
  CHECK(d.nearmem_auto == NearmemAuto::kTime);
  CHECK(Resolve(Platform::kNearmem, "", {"nearmem.mode=per-bank"}).nearmem.mode ==
        nearmem::BankMode::kPerBank);
  CHECK(d.nearmem_layers == "conv,fc");
  CHECK(d.energy_preset == "horowitz-45nm");
  CHECK(Resolve(Platform::kAccel, "", {"datapath.tensor_scale=dynamic"}).datapath.tensor_scale ==
        numerics::ScaleSource::kDynamic);
}

TEST_CASE("the scratchpads' node follows the energy preset unless given") {
  CHECK(Resolve(Platform::kAccel, "", {"energy.preset=horowitz-45nm"}).sram_node == "45");
  CHECK(Resolve(Platform::kAccel, "", {"energy.preset=horowitz-45nm", "sram.node=22"}).sram_node ==
        "22");
  CHECK(Resolve(Platform::kAccel, "", {}).sram_node == "22");
}

TEST_CASE("the last --set of a key wins, over the preset too") {
  CHECK(Resolve(Platform::kAccel, "", {"tensor.rows=4", "tensor.rows=8"}).tensor.rows == 8);
  CHECK(Resolve(Platform::kAccel, "accel-small", {}).tensor.cols == 1);
  CHECK(Resolve(Platform::kAccel, "accel-small", {"tensor.cols=2"}).tensor.cols == 2);
}

TEST_CASE("a value out of its range names key, value and range") {
  struct Case {
    const char *set, *key, *value, *why, *range;
  };
  for (const Case& c : {
           Case{"tensor.rows=0", "tensor.rows", "\"0\"", "out of range", "1..256"},
           Case{"tensor.rows=-1", "tensor.rows", "\"-1\"", "out of range", "1..256"},
           Case{"tensor.rows=257", "tensor.rows", "\"257\"", "out of range", "1..256"},
           Case{"tensor.rows=99999999999999999999999", "tensor.rows", "9999\"", "out of range",
                "1..256"},
           Case{"tensor.rows=", "tensor.rows", "\"\"", "not a whole number", "1..256"},
           Case{"tensor.rows=1.5", "tensor.rows", "\"1.5\"", "not a whole number", "1..256"},
           Case{"tensor.rows=many", "tensor.rows", "\"many\"", "not a whole number", "1..256"},
           Case{"tensor.lanes=24", "tensor.lanes", "\"24\"", "out of range", "8 | 16 | 32"},
           Case{"vector.lanes=12", "vector.lanes", "\"12\"", "out of range", "1 | 2 | 4 | 8"},
           Case{"clock.mhz=1GHz", "clock.mhz", "\"1GHz\"", "wrong unit \"GHz\"", "10..5000 (MHz)"},
           Case{"sram.act.size=3GiB", "sram.act.size", "\"3GiB\"", "wrong unit \"GiB\"",
                "8KiB..4MiB"},
           Case{"sram.act.size=64K", "sram.act.size", "\"64K\"", "wrong unit \"K\"", "8KiB..4MiB"},
           Case{"sram.act.size=5MiB", "sram.act.size", "\"5MiB\"", "out of range", "8KiB..4MiB"},
           Case{"sram.act.size=18446744073709551615MiB", "sram.act.size", "MiB\"", "out of range",
                "8KiB..4MiB"},
           Case{"sram.act.size=-1", "sram.act.size", "\"-1\"", "out of range", "8KiB..4MiB"},
           Case{"sram.act.width=32", "sram.act.width", "\"32\"", "out of range", "8 | 16"},
           Case{"datapath.block=48", "datapath.block", "\"48\"", "out of range", "8 | 16 | 32"},
           Case{"tensor.dataflow=rs", "tensor.dataflow", "\"rs\"", "unknown name", "os | ws"},
           Case{"dram.device=ddr9", "dram.device", "\"ddr9\"", "unknown name",
                "lpddr4-3200-x16 | lpddr5-6400-x16"},
           Case{"dram.channels=3", "dram.channels", "\"3\"", "out of range", "1 | 2 | 4"},
           Case{"dram.mapping=bank row", "dram.mapping", "\"bank row\"", "missing",
                "row, rank, bank, bankgroup"},
           Case{"energy.preset=guess", "energy.preset", "\"guess\"", "unknown name",
                "horowitz-45nm | jouppi-7nm"},
           Case{"datapath.weights=mxfp5", "datapath.weights", "\"mxfp5\"", "unknown name",
                "mxfp4 | mxfp4-ceil | mxfp6"},
           Case{"datapath.activations.block=24", "datapath.activations.block", "\"24\"",
                "out of range", "same | 8 | 16"},
           Case{"layers.first.activations=fp17", "layers.first.activations", "\"fp17\"",
                "unknown name", "fp16"},
           Case{"layers.first.rows=3", "layers.first.rows", "\"3\"",
                "expected layers.PATTERN.FIELD", "activations.block"},
           Case{"layers.*.block=same", "layers.*.block", "\"same\"", "expected a number", ""},
           Case{"datapath.weights=nvfp5", "datapath.weights", "\"nvfp5\"", "unknown name",
                "nvfp4 | fp4 | fp8 | fp16"},
           Case{"datapath.activations=fp32", "datapath.activations", "\"fp32\"", "unknown name",
                "nvfp4 | fp4"},
           Case{"datapath.accumulator=kulisch", "datapath.accumulator", "\"kulisch\"",
                "unknown name", "fp32 | fp32-rz | exact"},
           Case{"accumulator.fixed_lsb=-65", "accumulator.fixed_lsb", "\"-65\"", "out of range",
                "-64..64"},
           Case{"accumulator.pre_shift=2x", "accumulator.pre_shift", "\"2x\"", "not a whole number",
                "0..64"},
       }) {
    const std::string message = SetRefusal(c.set);
    INFO(c.set);
    CHECK_THAT(message, Contains(c.key) && Contains(c.value) && Contains(c.why) &&
                            Contains(c.range) && !Contains("\n"));
  }
  CHECK_THAT(SetRefusal("nearmem.layers=fc,lstm", Platform::kNearmem),
             Contains("nearmem.layers = \"fc,lstm\"") && Contains("none, or pointwise, conv, fc"));
  CHECK_THAT(SetRefusal("nearmem.layers=fc,fc", Platform::kNearmem), Contains("repeated"));
  CHECK_THAT(SetRefusal("nearmem.layers=", Platform::kNearmem), Contains("nearmem.layers = \"\""));
}

TEST_CASE("an unknown key suggests the nearest name, and a key of the other platform says so") {
  CHECK_THAT(SetRefusal("tensor.rwos=4"),
             Contains("tensor.rwos = \"4\"") && Contains("did you mean tensor.rows (1..256)?"));
  CHECK_THAT(SetRefusal("sram.acts.size=4"), Contains("did you mean sram.act.size"));
  CHECK_THAT(SetRefusal("tensor.row=4"), Contains("did you mean tensor.rows"));  // no prefixes
  CHECK_THAT(SetRefusal("colour=red"), Contains("unknown parameter; known: datapath.activations"));
  CHECK_THAT(SetRefusal("nearmem.lanes=64"),
             Contains("nearmem.lanes = \"64\"") && Contains("platform nearmem, not of accel"));
  CHECK_THAT(SetRefusal("tensor.rows"), Contains("\"tensor.rows\": expected key=value"));
  CHECK_THAT(SetRefusal("=4"), Contains("expected key=value"));
}

TEST_CASE("rules between parameters name the parameters") {
  CHECK_THAT(SetRefusal("sram.act.size=100001"), Contains("sram.act.size = \"100001B\"") &&
                                                     Contains("sram.act.banks") &&
                                                     Contains("8 * 16 = 128 B"));
  CHECK_THAT(SetRefusal("dma.chunk=100"), Contains("dma.chunk") && Contains("32 B"));
  CHECK_THAT(SetRefusal("sram.out.banks=16"),
             Contains("sram.out.size = \"64KiB\", sram.out.banks = \"16\"") &&
                 Contains("a bank of 4KiB") && Contains("8KiB..2MiB"));
  CHECK_THAT(SetRefusal("nearmem.pixels=3", Platform::kNearmem),
             Contains("nearmem.lanes = \"256\"") && Contains("64 codes") && Contains("3 pixels"));
  CHECK_THAT(SetRefusal("nearmem.buffer=300", Platform::kNearmem),
             Contains("nearmem.buffer = \"300B\"") && Contains("32 B"));
  CHECK_THAT(Refusal([] {
               Resolve(Platform::kNearmem, "", {"nearmem.mode=per-bank", "nearmem.activation=all"});
             }),
             Contains("nearmem.activation") && Contains("nearmem.mode"));
  CHECK_THAT(SetRefusal("dram.ranks=2", Platform::kNearmem), Contains("dram.ranks"));
}

TEST_CASE("a table multiplier takes E2M1 activations by E2M1 or E4M3 weights") {
  const auto resolve = [](const std::string& a, const std::string& w) {
    Resolve(Platform::kAccel, "",
            {"datapath.multiplier=lut", "datapath.activations=" + a, "datapath.weights=" + w});
  };
  CHECK_NOTHROW(resolve("mxfp4", "fp8"));
  CHECK_NOTHROW(resolve("fp4-tensor", "mxfp8"));
  CHECK_THAT(Refusal([&] { resolve("nvfp4", "fp16"); }),
             Contains("datapath.multiplier = \"lut\"") && Contains("fp16 weights"));
  CHECK_THAT(Refusal([&] { resolve("int4", "nvfp4"); }),
             Contains("datapath.multiplier = \"lut\"") && Contains("int4 activations"));
}

TEST_CASE("a weight scale per channel is for weights with an FP32 scale") {
  using numerics::WeightScale;
  const auto resolve = [](std::vector<std::string> sets) {
    sets.emplace_back("datapath.weights.scale=channel");
    return Resolve(Platform::kAccel, "", sets);
  };
  CHECK(resolve({}).datapath.weight_scale == WeightScale::kChannel);
  CHECK_NOTHROW(resolve({"datapath.weights.profile=four-over-six"}));
  CHECK_THAT(Refusal([&] { resolve({"datapath.weights=mxfp4"}); }),
             Contains("datapath.weights.scale = \"channel\"") && Contains("mxfp4"));
  CHECK_THAT(Refusal([&] { resolve({"datapath.tensor_scale=none"}); }),
             Contains("datapath.weights.scale") && Contains("datapath.tensor_scale"));
  CHECK_THAT(Refusal([&] { resolve({"datapath.weights.profile=ggml"}); }),
             Contains("datapath.weights.scale") && Contains("ggml"));
  const DesignPoint d = Resolve(Platform::kAccel, "",
                                {"layers.*_dw.weights.scale=channel", "layers.last.weights=fp8"});
  REQUIRE(d.layer_overrides.size() == 2);
  CHECK(d.layer_overrides[0].pattern == "*_dw");
  CHECK(d.layer_overrides[0].weight_scale == WeightScale::kChannel);
  CHECK_FALSE(d.layer_overrides[0].weights);
  CHECK_FALSE(d.layer_overrides[1].weight_scale);
}

TEST_CASE("platform names") {
  CHECK(ParsePlatform("accel") == Platform::kAccel);
  CHECK(ParsePlatform("nearmem") == Platform::kNearmem);
  CHECK_THAT(Refusal([] { ParsePlatform("gpu"); }),
             Contains("\"gpu\"") && Contains("accel | nearmem"));
}

TEST_CASE("NIBBLE_DATA overrides the data folder and must hold data") {
  const std::string found = DataFolder();
  setenv("NIBBLE_DATA", "/nowhere", 1);
  const std::string refusal = Refusal([] { DataFolder(); });
  setenv("NIBBLE_DATA", NIBBLE_SOURCE_DIR, 1);
  const std::string given = DataFolder();
  unsetenv("NIBBLE_DATA");
  CHECK(found == NIBBLE_SOURCE_DIR);
  CHECK(given == NIBBLE_SOURCE_DIR);
  CHECK_THAT(refusal, Contains("NIBBLE_DATA = \"/nowhere\""));
}
