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

int nibble_report_error(const struct nibble_device *device, const char *name) {
  nibble_print(name);
  print_number(": error 0x", device->error.code, 16, "");
  print_number(" at command word ", device->error.word, 10, "");
  print_number(", address 0x", device->error.address, 16, "\n");
  return NIBBLE_RUN_ERROR + (int)device->error.code;
}

static uint64_t table_address(void) {
  const uint64_t low = nibble_read32(NIBBLE_BOOT_LO);
  return low | (uint64_t)nibble_read32(NIBBLE_BOOT_HI) << 32;
}

int nibble_read_table(struct nibble_table *table) {
  nibble_read_memory(table, table_address(), sizeof(*table));
  return table->magic == NIBBLE_TABLE_MAGIC && table->version == NIBBLE_TABLE_VERSION
             ? NIBBLE_RUN_OK
             : NIBBLE_RUN_NO_TABLE;
}

void nibble_read_program(uint32_t index, struct nibble_program *program) {
  const uint64_t entries = table_address() + sizeof(struct nibble_table);
  nibble_read_memory(program, entries + (uint64_t)index * sizeof(*program), sizeof(*program));
  program->name[NIBBLE_PROGRAM_NAME - 1] = '\0';
}

void nibble_set_input(const struct nibble_program *program) {
  copy_memory(&program->input_codes);
  copy_memory(&program->input_scales);
}

int nibble_check_output(const struct nibble_program *program) {
  uint64_t hash = nibble_hash_region(NIBBLE_HASH_SEED, &program->codes);
  hash = nibble_hash_region(hash, &program->scales);
  print_number("output ", hash, 16, "");
  if (!(program->flags & NIBBLE_PROGRAM_CHECK)) {
    nibble_print(", not checked\n");
    return NIBBLE_RUN_OK;
  }
  nibble_print(hash == program->hash ? ", as expected\n" : ", WRONG\n");
  return hash == program->hash ? NIBBLE_RUN_OK : NIBBLE_RUN_WRONG_HASH;
}

int nibble_run_program(struct nibble_device *device, const struct nibble_program *program,
                       uint32_t tag) {
  const struct nibble_job job = {program->commands, program->count, program->layers, tag};
  struct nibble_counters before, after;
  nibble_set_input(program);
  nibble_read_counters(&before);
  if (nibble_submit(device, &job) != NIBBLE_OK || nibble_wait(device) != NIBBLE_OK) {
    const int result = nibble_report_error(device, program->name);
    nibble_recover(device);
    return result;
  }
  nibble_read_counters(&after);
  nibble_print(program->name);
  print_number(": ", after.job_cycles - before.job_cycles, 10, " cycles, ");
  return nibble_check_output(program);
}

int nibble_run_table(struct nibble_device *device) {
  struct nibble_table table;
  struct nibble_program program;
  uint32_t i, run;
  int first = NIBBLE_RUN_OK;
  if (nibble_read_table(&table) != NIBBLE_RUN_OK ||
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
      return nibble_report_error(device, "nibble_init");
  }
  for (run = 0; run < table.runs; ++run) {
    for (i = 0; i < table.programs; ++i) {
      int result;
      nibble_read_program(i, &program);
      result = nibble_run_program(device, &program, run * table.programs + i);
      if (first == NIBBLE_RUN_OK) first = result;
    }
  }
  return first;
}
