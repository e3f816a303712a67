/* Runs what the loader has left in DRAM. */
#include "nibble_platform.h"
#include "nibble_program.h"

static struct nibble_device device;

void nibble_interrupt_handler(void) { nibble_handle_interrupt(&device); }

int nibble_main(void) { return nibble_run_table(&device); }
