/* Two networks back to back: both inputs are put into place, then both jobs into the ring, so that
 * the machine goes from one to the other without waiting for anybody. An error of one network does
 * not take the other's result: the jobs behind it, which the recovery drops, are submitted again.
 */
#include "nibble_platform.h"
#include "nibble_program.h"

#define NETWORKS 2u

static struct nibble_device device;
static struct nibble_program programs[NETWORKS];

void nibble_interrupt_handler(void) { nibble_handle_interrupt(&device); }

/* Job `i` has the tag `i`. */
static enum nibble_status submit_from(uint32_t i) {
  enum nibble_status status = NIBBLE_OK;
  for (; i < NETWORKS && status == NIBBLE_OK; ++i) {
    const struct nibble_job job = {programs[i].commands, programs[i].count, programs[i].layers, i};
    status = nibble_submit(&device, &job);
  }
  return status;
}

/* Runs each network once; the first thing that went wrong. */
static int run_both(void) {
  int results[NETWORKS] = {NIBBLE_RUN_OK, NIBBLE_RUN_OK};
  int first = NIBBLE_RUN_OK;
  uint32_t i, next = 0;
  for (i = 0; i < NETWORKS; ++i) nibble_set_input(&programs[i]);
  while (next < NETWORKS) {
    if (submit_from(next) == NIBBLE_OK && nibble_wait(&device) == NIBBLE_OK) break;
    /* What came before the job of the error is done. */
    if (device.error.tag > next && device.error.tag < NETWORKS) next = device.error.tag;
    results[next] = nibble_report_error(&device, programs[next].name);
    nibble_recover(&device);
    ++next;
  }
  for (i = 0; i < NETWORKS; ++i) {
    if (results[i] == NIBBLE_RUN_OK) {
      nibble_print(programs[i].name);
      nibble_print(": ");
      results[i] = nibble_check_output(&programs[i]);
    }
    if (first == NIBBLE_RUN_OK) first = results[i];
  }
  return first;
}

int nibble_main(void) {
  struct nibble_table table;
  uint32_t i;
  int first = nibble_read_table(&table);
  if (first != NIBBLE_RUN_OK) return first;
  if (table.programs != NETWORKS) {
    nibble_print("two_networks: expected two networks (sim --trace A.trc --trace B.trc)\n");
    return NIBBLE_RUN_NO_TABLE;
  }
  for (i = 0; i < NETWORKS; ++i) nibble_read_program(i, &programs[i]);
  if (nibble_init(&device, table.free_address, NETWORKS,
                  table.flags & NIBBLE_TABLE_POLL ? NIBBLE_BY_POLLING : NIBBLE_BY_INTERRUPT) !=
      NIBBLE_OK) {
    return NIBBLE_RUN_NO_DEVICE;
  }
  for (i = 0; i < table.runs; ++i) {
    const int result = run_both();
    if (first == NIBBLE_RUN_OK) first = result;
  }
  return first;
}
