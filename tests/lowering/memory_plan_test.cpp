// Places in scratchpads and in DRAM.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "sw/golden/golden.h"
#include "sw/lowering/lowering.h"
#include "sw/lowering/memory_map.h"
#include "sw/lowering/scratchpad_plan.h"
#include "tests/machine/random_network.h"

namespace nibble::lowering {
namespace {

using Catch::Matchers::Contains;
using numerics::Random;
using sim::kSramUnit;

TEST_CASE("kept tiles never overlap, and whoever used the bytes of a new tile is reported") {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const auto units = static_cast<uint32_t>(random.Int(4, 64));
    const auto base = static_cast<uint32_t>(random.Int(0, 3)) * kSramUnit;
    ScratchpadPlan plan("sram.some.size", units * kSramUnit, base);
    struct Kept {
      ScratchpadPlan::Tile tile;
      uint32_t first, count;
    };
    std::vector<Kept> kept;
    // By address unit: users of the last tile that covered it.
    std::vector<std::vector<CommandId>> users(units);
    CommandId next = 0;
    int refused = 0, allocated = 0;
    for (int step = 0; step < 300; ++step) {
      if (!kept.empty() && random.Int(0, 2) == 0) {  // use
        const Kept& k = kept[static_cast<size_t>(random.Int(0, static_cast<int>(kept.size()) - 1))];
        plan.Use(k.tile, next);
        for (uint32_t u = k.first; u < k.first + k.count; ++u) users[u].push_back(next);
        ++next;
      } else if (!kept.empty() && random.Int(0, 2) == 0) {  // release
        const auto k = kept.begin() + random.Int(0, static_cast<int>(kept.size()) - 1);
        plan.Release(k->tile);
        kept.erase(k);
      } else {
        const auto bytes = static_cast<uint64_t>(random.Int(0, static_cast<int>(units) * 40));
        const auto count =
            static_cast<uint32_t>(std::max<uint64_t>(1, (bytes + kSramUnit - 1) / kSramUnit));
        std::vector<CommandId> after;
        ScratchpadPlan::Tile tile = -1;
        try {
          tile = plan.Allocate(bytes, &after);
        } catch (const LoweringError& e) {
          CHECK_THAT(e.what(), Contains("sram.some.size"));
          ++refused;
          continue;
        }
        ++allocated;
        REQUIRE(plan.unit(tile) >= base / kSramUnit);
        const uint32_t first = plan.unit(tile) - base / kSramUnit;
        REQUIRE(first + count <= units);
        CHECK(plan.unit(tile, kSramUnit) == plan.unit(tile) + 1);
        for (const Kept& k : kept) {
          const bool apart = first + count <= k.first || k.first + k.count <= first;
          REQUIRE(apart);
        }
        for (uint32_t u = first; u < first + count; ++u) {
          for (CommandId user : users[u]) {
            REQUIRE(std::find(after.begin(), after.end(), user) != after.end());
          }
        }
        plan.Use(tile, next);
        for (uint32_t u = first; u < first + count; ++u) users[u] = {next};
        ++next;
        kept.push_back({tile, first, count});
        CHECK(plan.high_water() >= (first + count) * kSramUnit);
        CHECK(plan.high_water() <= plan.size());
      }
    }
    CHECK(allocated > 10);
  }
}

TEST_CASE("a tile that does not fit is refused by the parameter's name") {
  ScratchpadPlan plan("sram.act.size", 1024);
  std::vector<CommandId> after;
  CHECK_THROWS_WITH(plan.Allocate(1025, &after), Contains("sram.act.size"));
  const auto all = plan.Allocate(1024, &after);
  CHECK_THROWS_AS(plan.Allocate(1, &after), LoweringError);
  plan.Release(all);
  CHECK_NOTHROW(plan.Allocate(1, &after));
}

TEST_CASE("tensors that are alive together lie apart in DRAM, and memory is used again") {
  uint64_t placed = 0, needed = 0;
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const trace::Network net = test::RandomNetwork(seed);
    Random random(seed);
    numerics::Datapath datapath;
    datapath.SetBlock(random.Block());
    const golden::Datapaths datapaths(net, datapath);
    std::vector<sim::TensorPlacement> tensors(net.tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].layout = datapaths.tensors[i];
      tensors[i].root = static_cast<int>(i);
    }
    MemoryMap map(1 << 24);
    const uint64_t first = map.Reserve(static_cast<uint64_t>(random.Int(0, 1000)));
    const uint64_t reserved = map.used_bytes();
    CHECK(first == 0);
    map.PlaceTensors(net, tensors);

    // Alive while a layer runs: written by it or before, and read by it or later; the input from
    // the start and the output to the end.
    const int layers = static_cast<int>(net.layers.size());
    const auto alive = [&](int tensor, int during) {
      int writer = -1, reader = tensor == net.output ? layers : -1;
      for (int l = 0; l < layers; ++l) {
        const trace::Layer& layer = net.layers[static_cast<size_t>(l)];
        if (layer.output == tensor) writer = l;
        if (layer.input == tensor || layer.residual == tensor) reader = l;
      }
      return writer <= during && during <= std::max(reader, writer);
    };
    const auto overlap = [](uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes) {
      return a < b + b_bytes && b < a + a_bytes;
    };
    for (size_t i = 0; i < tensors.size(); ++i) {
      const sim::TensorPlacement& a = tensors[i];
      CHECK(a.codes >= reserved);
      CHECK(a.codes % 64 == 0);
      CHECK(a.scales % 64 == 0);
      CHECK(a.codes + a.layout.code_bytes() <= map.used_bytes());
      CHECK(a.scales + a.layout.scale_bytes() <= map.used_bytes());
      CHECK_FALSE(overlap(a.codes, a.layout.code_bytes(), a.scales, a.layout.scale_bytes()));
      needed += a.layout.code_bytes() + a.layout.scale_bytes();
      for (size_t j = 0; j < i; ++j) {
        const sim::TensorPlacement& b = tensors[j];
        bool together = false;
        for (int l = 0; l < layers; ++l) {
          together |= alive(static_cast<int>(i), l) && alive(static_cast<int>(j), l);
        }
        if (!together) continue;
        for (const auto& [at, bytes] : {std::make_pair(a.codes, a.layout.code_bytes()),
                                        std::make_pair(a.scales, a.layout.scale_bytes())}) {
          CHECK_FALSE(overlap(at, bytes, b.codes, b.layout.code_bytes()));
          CHECK_FALSE(overlap(at, bytes, b.scales, b.layout.scale_bytes()));
        }
      }
    }
    placed += map.used_bytes() - reserved;
  }
  CHECK(placed < needed);
}

TEST_CASE("a full DRAM is refused") {
  MemoryMap map(1000);
  CHECK(map.Reserve(10) == 0);
  CHECK(map.Reserve(64) == 64);
  CHECK(map.Reserve(0) == 128);
  CHECK(map.Reserve(1) == 128);
  CHECK_THROWS_WITH(map.Reserve(1000), Contains("dram.device"));
}

}  // namespace
}  // namespace nibble::lowering
