/* An error, and how to go on: breaks a command word of the program, finds what the machine says of
 * it, mends the word and runs the program again. */
#include "nibble_platform.h"
#include "nibble_program.h"

static struct nibble_device device;

void nibble_interrupt_handler(void) { nibble_handle_interrupt(&device); }

/* Flips a bit of the opcode, the first byte of a command word. */
static void flip_bit(uint64_t word) {
  uint8_t opcode;
  nibble_read_memory(&opcode, word, 1);
  opcode ^= 0x40;
  nibble_write_memory(word, &opcode, 1);
}

/* 0; 1: the error is not the expected one; else the result of the second run. */
int nibble_main(void) {
  struct nibble_table table;
  struct nibble_program program;
  uint32_t word;
  int result = nibble_read_table(&table);
  if (result != NIBBLE_RUN_OK) return result;
  nibble_read_program(0, &program);
  if (nibble_init(&device, table.free_address, 1,
                  table.flags & NIBBLE_TABLE_POLL ? NIBBLE_BY_POLLING : NIBBLE_BY_INTERRUPT) !=
      NIBBLE_OK) {
    return NIBBLE_RUN_NO_DEVICE;
  }
  word = program.count / 2;
  flip_bit(program.commands + word * NIBBLE_COMMAND_BYTES);
  result = nibble_run_program(&device, &program, 1);
  if (result != NIBBLE_RUN_ERROR + NIBBLE_FAULT_OPCODE) return 1;
  if (device.error.word != word || device.error.tag != 1) return 1;
  flip_bit(program.commands + word * NIBBLE_COMMAND_BYTES);
  return nibble_run_program(&device, &program, 2);
}
