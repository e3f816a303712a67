/* Programs as a loader leaves them in DRAM, and the runtime that runs them.
 *
 * The register BOOT holds the address of a table: a header, then `programs` entries. What an entry
 * points to (weights, parameters, input, command words) lies in DRAM where lowering placed it. All
 * fields are little-endian; the layout is the same for 32-bit RISC-V and 64-bit hosts. */
#ifndef NIBBLE_PROGRAM_H
#define NIBBLE_PROGRAM_H

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): C */

#include "nibble_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NIBBLE_TABLE_MAGIC 0x4754424eu /* "NBTG" */
#define NIBBLE_TABLE_VERSION 1u
#define NIBBLE_TABLE_POLL 1u    /* flags: wait by polling, not by interrupt */
#define NIBBLE_PROGRAM_CHECK 1u /* flags: `hash` is what the output must have */
#define NIBBLE_PROGRAM_NAME 32u /* bytes, with the zero at the end */

struct nibble_table {
  uint32_t magic, version;
  uint32_t programs; /* entries */
  uint32_t runs;     /* how many times to run each */
  uint32_t flags;
  uint32_t reserved;
  uint64_t free_address; /* memory for the firmware, a multiple of 64 */
  uint64_t free_bytes;
};

/* `rows` rows of `row_bytes`, `stride` apart. */
struct nibble_region {
  uint64_t address;
  uint32_t rows, row_bytes, stride;
  uint32_t reserved;
};

/* A copy of the input: runs may write other tensors where it lies. */
struct nibble_copy {
  uint64_t from, to;
  uint32_t bytes; /* 0: nothing to copy */
  uint32_t reserved;
};

struct nibble_program {
  char name[NIBBLE_PROGRAM_NAME];
  uint64_t commands;
  uint32_t count, layers;
  struct nibble_copy input_codes, input_scales;
  struct nibble_region codes, scales; /* of the output; scales without rows: none */
  uint64_t hash;                      /* nibble_hash of codes, then scales */
  uint32_t flags;
  uint32_t reserved;
};

/* FNV-1a of 64 bits over a region, going on from `hash`. */
#define NIBBLE_HASH_SEED 0xcbf29ce484222325u
uint64_t nibble_hash_bytes(uint64_t hash, const void *bytes, uint32_t count);
uint64_t nibble_hash_region(uint64_t hash, const struct nibble_region *region);

/* What nibble_run_table() returns. */
enum nibble_result {
  NIBBLE_RUN_OK = 0,
  NIBBLE_RUN_NO_TABLE = 1, /* BOOT points to no table of this version */
  NIBBLE_RUN_NO_DEVICE = 2,
  NIBBLE_RUN_WRONG_HASH = 3, /* an output is not the expected one */
  NIBBLE_RUN_ERROR = 16      /* plus the error's code */
};

/* Reads the table at BOOT. NIBBLE_RUN_OK, or NIBBLE_RUN_NO_TABLE. */
int nibble_read_table(struct nibble_table *table);
/* Reads entry `index` of the table at BOOT. */
void nibble_read_program(uint32_t index, struct nibble_program *program);
/* Puts the program's input into place, as before each job. */
void nibble_set_input(const struct nibble_program *program);
/* Prints the output's hash. NIBBLE_RUN_OK, or NIBBLE_RUN_WRONG_HASH if it is to be checked. */
int nibble_check_output(const struct nibble_program *program);
/* Prints the device's last error. NIBBLE_RUN_ERROR plus its code. */
int nibble_report_error(const struct nibble_device *device, const char *name);
/* Runs the program once, on its input; prints what it did, and checks the output. After an error,
 * which it prints, the machine has been recovered. */
int nibble_run_program(struct nibble_device *device, const struct nibble_program *program,
                       uint32_t tag);

/* Runs the programs of the table at BOOT in turn, each as often as it says and on its input, prints
 * what it did, and checks the outputs. Goes on with the next run after an error, and returns the
 * first that there was. */
int nibble_run_table(struct nibble_device *device);

#ifdef __cplusplus
}
#endif

#endif
