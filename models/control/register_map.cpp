#include "models/control/register_map.h"

#include <algorithm>
#include <cctype>
#include <tuple>

namespace nibble::control {

namespace {

constexpr Access RO = Access::kReadOnly, RW = Access::kReadWrite, W1C = Access::kWriteOneToClear,
                 WO = Access::kWriteOnly;

// A counter of 64 bits.
void AddPair(RegisterMap& map, const std::string& name, uint32_t offset,
             const std::string& meaning) {
  map.push_back({name + "_LO", offset, RO, 0, meaning + "; reading it holds the high half"});
  map.push_back({name + "_HI", offset + 4, RO, 0, "high half, as of the last read of the low one"});
}

void AddIdentity(RegisterMap& map, const Capabilities& c) {
  const uint32_t near = c.near_memory ? kCapabilityNearMemory : 0;
  map.push_back({"ID", kId, RO, kIdValue, "\"NIBL\""});
  map.push_back({"VERSION",
                 kVersion,
                 RO,
                 kVersionValue,
                 "of the programmer's model",
                 {{"MAJOR", 31, 16, "changes when old firmware no longer runs"},
                  {"MINOR", 15, 0, "changes when something is added"}}});
  map.push_back(
      {"CAPABILITIES",
       kCapabilities,
       RO,
       c.engines | near,
       "what the machine has",
       {{"ENGINES", 7, 0, "mask of engines: load 1, tensor 2, bank 4, vector 8, store 16"},
        {"NEAR_MEMORY", 8, 8, "compute units beside the DRAM banks"}}});
  map.push_back({"LAYERS", kLayers, RO, c.layers, "layers that a program may have"});
  map.push_back(
      {"DRAM_BYTES_LO", kDramBytesLo, RO, static_cast<uint32_t>(c.dram_bytes), "size of the DRAM"});
  map.push_back(
      {"DRAM_BYTES_HI", kDramBytesHi, RO, static_cast<uint32_t>(c.dram_bytes >> 32), "high half"});
}

void AddControl(RegisterMap& map) {
  map.push_back({"CONTROL",
                 kControl,
                 RW,
                 0,
                 "how the machine works",
                 {{"ENABLE", 0, 0, "take jobs from the ring"}}});
  map.push_back({"RESET",
                 kReset,
                 WO,
                 0,
                 "commands",
                 {{"SOFT_RESET", 0, 0,
                   "1: stop, wait until all engines are idle, then set every register but BOOT, "
                   "CYCLE and the contents of DRAM to its reset value"}}});
  map.push_back({"STATUS",
                 kStatus,
                 RO,
                 0,
                 "what the machine does",
                 {{"BUSY", 0, 0, "a job runs, or its engines come to rest"},
                  {"STOPPED", 1, 1, "a job or the ring was wrong: waits for a soft reset"},
                  {"RESETTING", 2, 2, "a soft reset waits for the engines"}}});
  map.push_back({"WATCHDOG", kWatchdog, RW, kWatchdogReset,
                 "cycles for which a job may have no engine at work; 0: no limit"});
  map.push_back({"RING_BASE_LO", kRingBaseLo, RW, 0, "DRAM address of the ring, a multiple of 32"});
  map.push_back({"RING_BASE_HI", kRingBaseHi, RW, 0, "high half"});
  map.push_back(
      {"RING_SIZE", kRingSize, RW, 0, "descriptors in the ring, a power of two to 65536"});
  map.push_back({"RING_HEAD", kRingHead, RO, 0,
                 "jobs that the machine is done with, modulo 2^32; the slot is HEAD mod SIZE"});
  map.push_back(
      {"RING_TAIL", kRingTail, RW, 0, "jobs submitted, modulo 2^32; writing it is the doorbell"});
}

void AddEvents(RegisterMap& map) {
  const std::vector<Field> events = {{"DONE", 0, 0, "a job that asks for an interrupt is done"},
                                     {"ERROR", 1, 1, "ERROR_CODE says what is wrong"}};
  map.push_back({"INT_STATUS", kIntStatus, W1C, 0,
                 "events; the interrupt line is high while one is set and enabled", events});
  map.push_back({"INT_ENABLE", kIntEnable, RW, 0, "events that raise the interrupt line", events});
  map.push_back({"ERROR_CODE",
                 kErrorCode,
                 RO,
                 0,
                 "first error since ERROR was cleared; one that stops the machine replaces one "
                 "that does not, and stays until a soft reset",
                 {{"CODE", 7, 0, "see the list of errors"}}});
  map.push_back({"ERROR_WORD", kErrorWord, RO, 0, "index of the command word in its job"});
  map.push_back({"ERROR_ADDRESS_LO", kErrorAddressLo, RO, 0,
                 "address in DRAM or in the scratchpad, or offset of the register"});
  map.push_back({"ERROR_ADDRESS_HI", kErrorAddressHi, RO, 0, "high half"});
  map.push_back({"ERROR_TAG", kErrorTag, RO, 0, "tag of the job"});
  map.push_back({"LAST_TAG", kLastTag, RO, 0, "tag of the job that was done last"});
  map.push_back({"LAST_LAYER", kLastLayer, RO, kNoLayer,
                 "layer of the present or last job that was complete last; 0xffffffff: none yet"});
  map.push_back({"BOOT_LO", kBootLo, RW, 0,
                 "DRAM address of the table of programs, for whoever loads them; kept by resets"});
  map.push_back({"BOOT_HI", kBootHi, RW, 0, "high half"});
}

void AddCounters(RegisterMap& map, const Capabilities& c) {
  AddPair(map, "CYCLE", kCycleLo, "machine cycles since power-on");
  map.push_back({"JOBS_DONE", kJobsDone, RO, 0, "jobs done"});
  AddPair(map, "JOB_CYCLES", kJobCyclesLo, "cycles in which a job ran");
  AddPair(map, "COMMANDS", kCommandsLo, "command words executed");
  AddPair(map, "READ_BYTES", kReadBytesLo, "bytes read over the DRAM's pins");
  AddPair(map, "WRITE_BYTES", kWriteBytesLo, "bytes written over the DRAM's pins");
  for (int e = 0; e < sim::kEngines; ++e) {
    const auto engine = static_cast<sim::Engine>(e);
    if (!(c.engines & sim::EngineBit(engine))) continue;
    std::string name = sim::EngineName(engine);
    const std::string meaning = "cycles in which the " + name + " engine worked";
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char ch) { return static_cast<char>(std::toupper(ch)); });
    AddPair(map, "BUSY_" + name, BusyLo(engine), meaning);
  }
}

}  // namespace

const char* AccessName(Access access) {
  constexpr const char* kNames[] = {"RO", "RW", "W1C", "WO"};
  return kNames[static_cast<int>(access)];
}

uint32_t Register::mask() const {
  if (fields.empty()) return ~uint32_t{0};
  uint32_t bits = 0;
  for (const Field& field : fields) bits |= field.mask();
  return bits;
}

RegisterMap MakeRegisterMap(const Capabilities& capabilities) {
  RegisterMap map;
  AddIdentity(map, capabilities);
  AddControl(map);
  AddEvents(map);
  AddCounters(map, capabilities);
  return map;
}

RegisterMap PlatformRegisterMap(bool near_memory) {
  using sim::Engine;
  uint8_t engines = sim::EngineBit(Engine::kLoad) | sim::EngineBit(Engine::kTensor) |
                    sim::EngineBit(Engine::kVector) | sim::EngineBit(Engine::kStore);
  if (near_memory) engines |= sim::EngineBit(Engine::kBank);
  return MakeRegisterMap({engines, near_memory, 0, 0});
}

}  // namespace nibble::control
