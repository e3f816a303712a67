/* nibble_platform.h on the RISC-V core. */
#include <string.h>

#include "nibble_board.h"
#include "nibble_platform.h"
#include "nibble_registers.h"

#define REGISTER(offset) (*(volatile uint32_t *)(NIBBLE_REGISTER_ADDRESS + (offset)))
#define MSTATUS_MIE 8 /* interrupts are taken */
#define MIE_MEIE 0x800u
#define CAUSE_EXTERNAL 0x8000000bu

uint32_t nibble_read32(uint32_t offset) { return REGISTER(offset); }

void nibble_write32(uint32_t offset, uint32_t value) { REGISTER(offset) = value; }

void nibble_wait_for_interrupt(void) {
  /* wfi ends when an interrupt is pending that is enabled in mie, also while mstatus has them
   * held back: none comes between the test and the sleep. It may end without one. */
  uint32_t pending;
  __asm__ volatile("csrs mie, %0" ::"r"(MIE_MEIE));
  do {
    __asm__ volatile("wfi" ::: "memory");
    __asm__ volatile("csrr %0, mip" : "=r"(pending));
  } while (!(pending & MIE_MEIE));
  __asm__ volatile("csrsi mstatus, %0" ::"i"(MSTATUS_MIE) : "memory"); /* nibble_trap() */
  __asm__ volatile("csrci mstatus, %0" ::"i"(MSTATUS_MIE) : "memory");
}

static void print_hex(uint32_t value) {
  char digits[11] = "0x";
  int i;
  for (i = 0; i < 8; ++i) digits[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  digits[10] = '\0';
  nibble_print(digits);
}

/* Weak: firmware that takes other interrupts has a handler of its own. */
__attribute__((weak, interrupt, aligned(4))) void nibble_trap(void) {
  uint32_t cause, pc, value;
  __asm__ volatile("csrr %0, mcause" : "=r"(cause));
  if (cause == CAUSE_EXTERNAL) {
    nibble_interrupt_handler();
    return;
  }
  __asm__ volatile("csrr %0, mepc" : "=r"(pc));
  __asm__ volatile("csrr %0, mtval" : "=r"(value));
  nibble_print("trap: cause ");
  print_hex(cause);
  nibble_print(", pc ");
  print_hex(pc);
  nibble_print(", value ");
  print_hex(value);
  nibble_print("\n");
  nibble_exit(NIBBLE_EXIT_TRAP);
}

/* Whether the DRAM has these bytes where the core reaches them. */
static int is_visible(uint64_t address, uint32_t bytes) {
  static uint64_t end;
  if (end == 0) {
    end = nibble_read32(NIBBLE_DRAM_BYTES_LO);
    end |= (uint64_t)nibble_read32(NIBBLE_DRAM_BYTES_HI) << 32;
    if (end > NIBBLE_DRAM_WINDOW) end = NIBBLE_DRAM_WINDOW;
  }
  return address <= end && bytes <= end - address;
}

/* By words where it can be: an access takes as long for a byte. The core has no misaligned ones
 * outside of its RAM. */
static void copy(uintptr_t to, uintptr_t from, uint32_t bytes) {
  uint32_t i = 0;
  if ((to | from) % 4 == 0) {
    for (; i + 4 <= bytes; i += 4)
      *(volatile uint32_t *)(to + i) = *(volatile uint32_t *)(from + i);
  }
  for (; i < bytes; ++i) *(volatile uint8_t *)(to + i) = *(volatile uint8_t *)(from + i);
}

void nibble_read_memory(void *to, uint64_t address, uint32_t bytes) {
  if (is_visible(address, bytes)) {
    copy((uintptr_t)to, NIBBLE_DRAM_ADDRESS + (uint32_t)address, bytes);
  } else {
    memset(to, 0, bytes);
  }
}

void nibble_write_memory(uint64_t address, const void *from, uint32_t bytes) {
  if (is_visible(address, bytes)) {
    copy(NIBBLE_DRAM_ADDRESS + (uint32_t)address, (uintptr_t)from, bytes);
  }
}

void nibble_print(const char *text) {
  while (*text != '\0') *(volatile char *)NIBBLE_CONSOLE_ADDRESS = *text++;
}

void nibble_exit(int status) {
  *(volatile uint32_t *)NIBBLE_EXIT_ADDRESS =
      status == 0 ? 0x5555u : (uint32_t)status << 16 | 0x3333u;
  for (;;) {
  }
}

/* What the C library's exit() and abort() end in. */
void _exit(int status);
void _exit(int status) { nibble_exit(status); }
