#include "nibble_program.h"

#include <string.h>

#include "nibble_platform.h"

#define RING_SLOTS 4u

uint64_t nibble_hash_bytes(uint64_t hash, const void *bytes, uint32_t count) {
  const uint8_t *at = bytes;
  uint32_t i;
  for (i = 0; i < count; ++i) hash = (hash ^ at[i]) * 0x100000001b3u;
  return hash;
}

uint64_t nibble_hash_region(uint64_t hash, const struct nibble_region *region) {
  uint8_t bytes[256];
  uint32_t row, done, part;
  for (row = 0; row < region->rows; ++row) {
    for (done = 0; done < region->row_bytes; done += part) {
      part = region->row_bytes - done;
      if (part > sizeof(bytes)) part = sizeof(bytes);
      nibble_read_memory(bytes, region->address + (uint64_t)row * region->stride + done, part);
      hash = nibble_hash_bytes(hash, bytes, part);
    }
  }
  return hash;
}

static void copy_memory(const struct nibble_copy *copy) {
  uint8_t bytes[256];
  uint32_t done, part;
  for (done = 0; done < copy->bytes; done += part) {
    part = copy->bytes - done;
    if (part > sizeof(bytes)) part = sizeof(bytes);
    nibble_read_memory(bytes, copy->from + done, part);
    nibble_write_memory(copy->to + done, bytes, part);
  }
}

static void print_number(const char *before, uint64_t value, unsigned base, const char *after) {
  char digits[21];
  char *at = digits + sizeof(digits) - 1;
  *at = '\0';
  do {
    *--at = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  nibble_print(before);
  nibble_print(at);
  nibble_print(after);
}

static int report_error(struct nibble_device *device, const char *name) {
  nibble_print(name);
  print_number(": error 0x", device->error.code, 16, "");
  print_number(" at command word ", device->error.word, 10, "");
  print_number(", address 0x", device->error.address, 16, "\n");
  return NIBBLE_RUN_ERROR + (int)device->error.code;
}

static int run_program(struct nibble_device *device, const struct nibble_program *program,
                       uint32_t tag) {
  const struct nibble_job job = {program->commands, program->count, program->layers, tag};
  struct nibble_counters before, after;
  uint64_t hash;
  copy_memory(&program->input_codes);
  copy_memory(&program->input_scales);
  nibble_read_counters(&before);
  if (nibble_submit(device, &job) != NIBBLE_OK || nibble_wait(device) != NIBBLE_OK) {
    const int result = report_error(device, program->name);
    nibble_recover(device);
    return result;
  }
  nibble_read_counters(&after);
  nibble_print(program->name);
  print_number(": ", after.job_cycles - before.job_cycles, 10, " cycles, ");
  hash = nibble_hash_region(NIBBLE_HASH_SEED, &program->codes);
  hash = nibble_hash_region(hash, &program->scales);
  print_number("output ", hash, 16, "");
  if (!(program->flags & NIBBLE_PROGRAM_CHECK)) {
    nibble_print(", not checked\n");
    return NIBBLE_RUN_OK;
  }
  nibble_print(hash == program->hash ? ", as expected\n" : ", WRONG\n");
  return hash == program->hash ? NIBBLE_RUN_OK : NIBBLE_RUN_WRONG_HASH;
}

int nibble_run_table(struct nibble_device *device) {
  struct nibble_table table;
  struct nibble_program program;
  uint64_t at = nibble_read32(NIBBLE_BOOT_LO);
  uint32_t i, run;
  int first = NIBBLE_RUN_OK;
  at |= (uint64_t)nibble_read32(NIBBLE_BOOT_HI) << 32;
  nibble_read_memory(&table, at, sizeof(table));
  if (table.magic != NIBBLE_TABLE_MAGIC || table.version != NIBBLE_TABLE_VERSION ||
      table.free_bytes < RING_SLOTS * NIBBLE_DESCRIPTOR_BYTES) {
    return NIBBLE_RUN_NO_TABLE;
  }
  switch (nibble_init(device, table.free_address, RING_SLOTS,
                      table.flags & NIBBLE_TABLE_POLL ? NIBBLE_BY_POLLING : NIBBLE_BY_INTERRUPT)) {
    case NIBBLE_OK:
      break;
    case NIBBLE_NO_DEVICE:
      return NIBBLE_RUN_NO_DEVICE;
    default:
      return report_error(device, "nibble_init");
  }
  for (i = 0; i < table.programs; ++i) {
    nibble_read_memory(&program, at + sizeof(table) + i * sizeof(program), sizeof(program));
    program.name[NIBBLE_PROGRAM_NAME - 1] = '\0';
    for (run = 0; run < table.runs; ++run) {
      const int result = run_program(device, &program, i * table.runs + run);
      if (first == NIBBLE_RUN_OK) first = result;
    }
  }
  return first;
}
