/* Says what machine it runs on. */
#include "nibble_driver.h"
#include "nibble_platform.h"

static struct nibble_device device;

void nibble_interrupt_handler(void) { nibble_handle_interrupt(&device); }

static void print_number(const char *before, uint64_t value, const char *after) {
  char digits[21];
  char *at = digits + sizeof(digits) - 1;
  *at = '\0';
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  nibble_print(before);
  nibble_print(at);
  nibble_print(after);
}

int nibble_main(void) {
  struct nibble_counters counters;
  uint64_t bytes = nibble_read32(NIBBLE_DRAM_BYTES_LO);
  bytes |= (uint64_t)nibble_read32(NIBBLE_DRAM_BYTES_HI) << 32;
  /* A ring at address 0, for no job is ever put into it. */
  if (nibble_init(&device, 0, 1, NIBBLE_BY_INTERRUPT) != NIBBLE_OK) return 1;
  nibble_print("Hello from Nibble");
  nibble_print(nibble_read32(NIBBLE_CAPABILITIES) & NIBBLE_CAPABILITIES_NEAR_MEMORY
                   ? ", with compute units beside the memory\n"
                   : "\n");
  print_number("version ", nibble_read32(NIBBLE_VERSION) >> 16, ", ");
  print_number("", bytes >> 20, " MiB of DRAM, programs of up to ");
  print_number("", nibble_read32(NIBBLE_LAYERS), " layers\n");
  nibble_read_counters(&counters);
  print_number("", counters.cycles, " machine cycles since power-on\n");
  return 0;
}
