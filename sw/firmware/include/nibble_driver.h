/* Driver of Nibble's machines: jobs by a ring in DRAM, interrupts or polling, errors, counters.
 * C99, no heap, no libc but <stdint.h> and <string.h>. Registers and errors: docs/registers.md. */
#ifndef NIBBLE_DRIVER_H
#define NIBBLE_DRIVER_H

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): C */

#include "nibble_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

enum nibble_status {
  NIBBLE_OK = 0,
  NIBBLE_NO_DEVICE, /* ID or major version is another */
  NIBBLE_RING_FULL, /* submit again when a job is done */
  NIBBLE_ERROR      /* see nibble_device.error */
};

enum nibble_wait_mode { NIBBLE_BY_INTERRUPT, NIBBLE_BY_POLLING };

struct nibble_error {
  uint32_t code; /* NIBBLE_FAULT_... */
  uint32_t word; /* index of the command word in its job */
  uint32_t tag;  /* of the job */
  uint64_t address;
};

struct nibble_device {
  uint64_t ring;  /* DRAM address, a multiple of 32 */
  uint32_t slots; /* a power of two */
  uint32_t tail;  /* jobs submitted since nibble_init() or nibble_recover() */
  enum nibble_wait_mode mode;
  struct nibble_error error;    /* the last one */
  volatile uint32_t error_seen; /* by the interrupt handler */
};

struct nibble_job {
  uint64_t commands; /* DRAM address, a multiple of 32 */
  uint32_t count;    /* of command words */
  uint32_t layers;
  uint32_t tag;
};

struct nibble_counters {
  uint64_t cycles; /* since power-on */
  uint64_t job_cycles, commands, read_bytes, write_bytes;
  uint64_t busy_load, busy_tensor, busy_bank, busy_vector, busy_store;
  uint32_t jobs;
};

/* Resets the machine and gives it an empty ring. NIBBLE_OK, NIBBLE_NO_DEVICE or NIBBLE_ERROR. */
enum nibble_status nibble_init(struct nibble_device *device, uint64_t ring, uint32_t slots,
                               enum nibble_wait_mode mode);

/* Puts a job into the ring and rings the doorbell. NIBBLE_OK or NIBBLE_RING_FULL. */
enum nibble_status nibble_submit(struct nibble_device *device, const struct nibble_job *job);

/* Jobs submitted that are not done. */
uint32_t nibble_pending(const struct nibble_device *device);

/* Waits until all jobs are done (NIBBLE_OK) or something is wrong (NIBBLE_ERROR). An error that
 * refused an access is over with it; one that stopped the machine lasts until nibble_recover(). */
enum nibble_status nibble_wait(struct nibble_device *device);

/* Whether the machine is stopped by an error. */
int nibble_is_stopped(void);

/* After an error: a soft reset and an empty ring. Jobs that were not done are lost. */
enum nibble_status nibble_recover(struct nibble_device *device);

/* To be called by nibble_interrupt_handler(). */
void nibble_handle_interrupt(struct nibble_device *device);

void nibble_read_counters(struct nibble_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
