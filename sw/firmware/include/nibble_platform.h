/* What the firmware needs of the platform that it runs on. The native platform (sw/firmware/native)
 * implements it by the simulator; a bare-metal one by pointers and interrupts. */
#ifndef NIBBLE_PLATFORM_H
#define NIBBLE_PLATFORM_H

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): C */

#ifdef __cplusplus
extern "C" {
#endif

/* Registers of the machine, at offsets of nibble_registers.h. */
uint32_t nibble_read32(uint32_t offset);
void nibble_write32(uint32_t offset, uint32_t value);

/* Waits until the machine's interrupt line is high, calls nibble_interrupt_handler() and returns.
 * Interrupts are taken nowhere else, so that nothing can come between a look at what the handler
 * leaves and the wait. */
void nibble_wait_for_interrupt(void);
/* Implemented by the firmware: must make the line low. */
void nibble_interrupt_handler(void);

/* Implemented by the firmware: what it does. The result is the exit status; 0: all was well. */
int nibble_main(void);

/* The machine's DRAM. */
void nibble_read_memory(void *to, uint64_t address, uint32_t bytes);
void nibble_write_memory(uint64_t address, const void *from, uint32_t bytes);

/* Text for people. */
void nibble_print(const char *text);

#ifdef __cplusplus
}
#endif

#endif
