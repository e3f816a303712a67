/* What the RISC-V core has on its bus (docs/cpu.md, docs/firmware.md). */
#ifndef NIBBLE_BOARD_H
#define NIBBLE_BOARD_H

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): C */

#define NIBBLE_EXIT_ADDRESS 0x00100000u     /* ends the simulation */
#define NIBBLE_CONSOLE_ADDRESS 0x10000000u  /* a byte to print */
#define NIBBLE_REGISTER_ADDRESS 0x40000000u /* nibble_registers.h */
#define NIBBLE_RAM_ADDRESS 0x80000000u      /* code and data */
#define NIBBLE_DRAM_ADDRESS 0xa0000000u     /* the machine's DRAM from its address 0 */
#define NIBBLE_DRAM_WINDOW 0x60000000u      /* bytes of it that the core reaches, at most */

#define NIBBLE_EXIT_TRAP 0x100 /* status after a trap that nobody expects */

#ifdef __cplusplus
extern "C" {
#endif

/* Ends the simulation; 0: all was well. Statuses have 16 bits. */
__attribute__((noreturn)) void nibble_exit(int status);

#ifdef __cplusplus
}
#endif

#endif
