#include "nibble_driver.h"

#include <string.h>

#include "nibble_platform.h"

static uint64_t read64(uint32_t low) {
  const uint64_t value = nibble_read32(low); /* holds the high half */
  return value | (uint64_t)nibble_read32(low + 4) << 32;
}

static void write64(uint32_t low, uint64_t value) {
  nibble_write32(low, (uint32_t)value);
  nibble_write32(low + 4, (uint32_t)(value >> 32));
}

/* Takes note of an error and clears its event. Returns whether there was one. */
static int take_error(struct nibble_device *device) {
  if (!(nibble_read32(NIBBLE_INT_STATUS) & NIBBLE_INT_STATUS_ERROR)) return 0;
  device->error.code = nibble_read32(NIBBLE_ERROR_CODE);
  device->error.word = nibble_read32(NIBBLE_ERROR_WORD);
  device->error.tag = nibble_read32(NIBBLE_ERROR_TAG);
  device->error.address = read64(NIBBLE_ERROR_ADDRESS_LO);
  nibble_write32(NIBBLE_INT_STATUS, NIBBLE_INT_STATUS_ERROR);
  return 1;
}

void nibble_handle_interrupt(struct nibble_device *device) {
  if (take_error(device)) device->error_seen = 1;
  nibble_write32(NIBBLE_INT_STATUS, NIBBLE_INT_STATUS_DONE);
}

static void reset(void) {
  nibble_write32(NIBBLE_RESET, NIBBLE_RESET_SOFT_RESET);
  while (nibble_read32(NIBBLE_STATUS) & NIBBLE_STATUS_RESETTING) {
  }
}

static enum nibble_status start(struct nibble_device *device) {
  device->tail = 0;
  device->error_seen = 0;
  write64(NIBBLE_RING_BASE_LO, device->ring);
  nibble_write32(NIBBLE_RING_SIZE, device->slots);
  if (device->mode == NIBBLE_BY_INTERRUPT) {
    nibble_write32(NIBBLE_INT_ENABLE, NIBBLE_INT_ENABLE_DONE | NIBBLE_INT_ENABLE_ERROR);
  }
  nibble_write32(NIBBLE_CONTROL, NIBBLE_CONTROL_ENABLE);
  return take_error(device) ? NIBBLE_ERROR : NIBBLE_OK;
}

enum nibble_status nibble_init(struct nibble_device *device, uint64_t ring, uint32_t slots,
                               enum nibble_wait_mode mode) {
  memset(device, 0, sizeof(*device));
  device->ring = ring;
  device->slots = slots;
  device->mode = mode;
  if (nibble_read32(NIBBLE_ID) != NIBBLE_ID_VALUE) return NIBBLE_NO_DEVICE;
  if ((nibble_read32(NIBBLE_VERSION) ^ NIBBLE_VERSION_VALUE) & NIBBLE_VERSION_MAJOR) {
    return NIBBLE_NO_DEVICE;
  }
  return nibble_recover(device);
}

enum nibble_status nibble_recover(struct nibble_device *device) {
  reset();
  return start(device);
}

uint32_t nibble_pending(const struct nibble_device *device) {
  return device->tail - nibble_read32(NIBBLE_RING_HEAD);
}

enum nibble_status nibble_submit(struct nibble_device *device, const struct nibble_job *job) {
  struct nibble_descriptor descriptor;
  const uint32_t slot = device->tail & (device->slots - 1);
  if (nibble_pending(device) >= device->slots) return NIBBLE_RING_FULL;
  memset(&descriptor, 0, sizeof(descriptor));
  descriptor.commands_lo = (uint32_t)job->commands;
  descriptor.commands_hi = (uint32_t)(job->commands >> 32);
  descriptor.count = job->count;
  descriptor.layers = job->layers;
  descriptor.tag = job->tag;
  if (device->mode == NIBBLE_BY_INTERRUPT) descriptor.flags = NIBBLE_JOB_INTERRUPT;
  nibble_write_memory(device->ring + (uint64_t)slot * NIBBLE_DESCRIPTOR_BYTES, &descriptor,
                      sizeof(descriptor));
  nibble_write32(NIBBLE_RING_TAIL, ++device->tail);
  return NIBBLE_OK;
}

enum nibble_status nibble_wait(struct nibble_device *device) {
  for (;;) {
    if (device->error_seen) {
      device->error_seen = 0;
      return NIBBLE_ERROR;
    }
    if (device->mode == NIBBLE_BY_POLLING && take_error(device)) return NIBBLE_ERROR;
    if (nibble_is_stopped()) { /* before there was an interrupt, or seen and not recovered from */
      take_error(device);
      return NIBBLE_ERROR;
    }
    if (nibble_pending(device) == 0) return NIBBLE_OK;
    if (device->mode == NIBBLE_BY_INTERRUPT) nibble_wait_for_interrupt();
  }
}

int nibble_is_stopped(void) { return (nibble_read32(NIBBLE_STATUS) & NIBBLE_STATUS_STOPPED) != 0; }

void nibble_read_counters(struct nibble_counters *counters) {
  counters->cycles = read64(NIBBLE_CYCLE_LO);
  counters->job_cycles = read64(NIBBLE_JOB_CYCLES_LO);
  counters->commands = read64(NIBBLE_COMMANDS_LO);
  counters->read_bytes = read64(NIBBLE_READ_BYTES_LO);
  counters->write_bytes = read64(NIBBLE_WRITE_BYTES_LO);
  counters->busy_load = read64(NIBBLE_BUSY_LOAD_LO);
  counters->busy_tensor = read64(NIBBLE_BUSY_TENSOR_LO);
  counters->busy_bank = nibble_read32(NIBBLE_CAPABILITIES) & NIBBLE_CAPABILITIES_NEAR_MEMORY
                            ? read64(NIBBLE_BUSY_BANK_LO)
                            : 0;
  counters->busy_vector = read64(NIBBLE_BUSY_VECTOR_LO);
  counters->busy_store = read64(NIBBLE_BUSY_STORE_LO);
  counters->jobs = nibble_read32(NIBBLE_JOBS_DONE);
}
