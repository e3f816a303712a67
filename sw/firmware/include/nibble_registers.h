/* clang-format off */
/* The programmer's model of Nibble's machines. Made by `sim registers`; a test compares. Do not edit. */
#ifndef NIBBLE_REGISTERS_H
#define NIBBLE_REGISTERS_H

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): C */

/* Registers: offsets in bytes from the base of the block. */

/* RO: "NIBL". */
#define NIBBLE_ID                            0x0u

/* RO: of the programmer's model. */
#define NIBBLE_VERSION                       0x4u
#define NIBBLE_VERSION_MAJOR                 0xffff0000u  /* changes when old firmware no longer runs */
#define NIBBLE_VERSION_MAJOR_SHIFT           16
#define NIBBLE_VERSION_MINOR                 0xffffu  /* changes when something is added */
#define NIBBLE_VERSION_MINOR_SHIFT           0

/* RO: what the machine has. */
#define NIBBLE_CAPABILITIES                  0x8u
#define NIBBLE_CAPABILITIES_ENGINES          0xffu  /* mask of engines: load 1, tensor 2, bank 4, vector 8, store 16 */
#define NIBBLE_CAPABILITIES_ENGINES_SHIFT    0
#define NIBBLE_CAPABILITIES_NEAR_MEMORY      0x100u  /* compute units beside the DRAM banks */

/* RO: layers that a program may have. */
#define NIBBLE_LAYERS                        0xcu

/* RO: size of the DRAM. */
#define NIBBLE_DRAM_BYTES_LO                 0x10u

/* RO: high half. */
#define NIBBLE_DRAM_BYTES_HI                 0x14u

/* RW: how the machine works. */
#define NIBBLE_CONTROL                       0x20u
#define NIBBLE_CONTROL_ENABLE                0x1u  /* take jobs from the ring */

/* WO: commands. */
#define NIBBLE_RESET                         0x24u
#define NIBBLE_RESET_SOFT_RESET              0x1u  /* 1: stop, wait until all engines are idle, then set every register but BOOT, CYCLE and the contents of DRAM to its reset value */

/* RO: what the machine does. */
#define NIBBLE_STATUS                        0x28u
#define NIBBLE_STATUS_BUSY                   0x1u  /* a job runs, or its engines come to rest */
#define NIBBLE_STATUS_STOPPED                0x2u  /* a job or the ring was wrong: waits for a soft reset */
#define NIBBLE_STATUS_RESETTING              0x4u  /* a soft reset waits for the engines */

/* RW: cycles for which a job may have no engine at work; 0: no limit. */
#define NIBBLE_WATCHDOG                      0x2cu

/* RW: DRAM address of the ring, a multiple of 32. */
#define NIBBLE_RING_BASE_LO                  0x40u

/* RW: high half. */
#define NIBBLE_RING_BASE_HI                  0x44u

/* RW: descriptors in the ring, a power of two to 65536. */
#define NIBBLE_RING_SIZE                     0x48u

/* RO: jobs that the machine is done with, modulo 2^32; the slot is HEAD mod SIZE. */
#define NIBBLE_RING_HEAD                     0x4cu

/* RW: jobs submitted, modulo 2^32; writing it is the doorbell. */
#define NIBBLE_RING_TAIL                     0x50u

/* W1C: events; the interrupt line is high while one is set and enabled. */
#define NIBBLE_INT_STATUS                    0x60u
#define NIBBLE_INT_STATUS_DONE               0x1u  /* a job that asks for an interrupt is done */
#define NIBBLE_INT_STATUS_ERROR              0x2u  /* ERROR_CODE says what is wrong */

/* RW: events that raise the interrupt line. */
#define NIBBLE_INT_ENABLE                    0x64u
#define NIBBLE_INT_ENABLE_DONE               0x1u  /* a job that asks for an interrupt is done */
#define NIBBLE_INT_ENABLE_ERROR              0x2u  /* ERROR_CODE says what is wrong */

/* RO: first error since ERROR was cleared; one that stops the machine replaces one that does not, and stays until a soft reset. */
#define NIBBLE_ERROR_CODE                    0x70u
#define NIBBLE_ERROR_CODE_CODE               0xffu  /* see the list of errors */
#define NIBBLE_ERROR_CODE_CODE_SHIFT         0

/* RO: index of the command word in its job. */
#define NIBBLE_ERROR_WORD                    0x74u

/* RO: address in DRAM or in the scratchpad, or offset of the register. */
#define NIBBLE_ERROR_ADDRESS_LO              0x78u

/* RO: high half. */
#define NIBBLE_ERROR_ADDRESS_HI              0x7cu

/* RO: tag of the job. */
#define NIBBLE_ERROR_TAG                     0x80u

/* RO: tag of the job that was done last. */
#define NIBBLE_LAST_TAG                      0x90u

/* RO: layer of the present or last job that was complete last; 0xffffffff: none yet. */
#define NIBBLE_LAST_LAYER                    0x94u

/* RW: DRAM address of the table of programs, for whoever loads them; kept by resets. */
#define NIBBLE_BOOT_LO                       0xa0u

/* RW: high half. */
#define NIBBLE_BOOT_HI                       0xa4u

/* RO: machine cycles since power-on; reading it holds the high half. */
#define NIBBLE_CYCLE_LO                      0x100u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_CYCLE_HI                      0x104u

/* RO: jobs done. */
#define NIBBLE_JOBS_DONE                     0x108u

/* RO: cycles in which a job ran; reading it holds the high half. */
#define NIBBLE_JOB_CYCLES_LO                 0x110u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_JOB_CYCLES_HI                 0x114u

/* RO: command words executed; reading it holds the high half. */
#define NIBBLE_COMMANDS_LO                   0x118u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_COMMANDS_HI                   0x11cu

/* RO: bytes read over the DRAM's pins; reading it holds the high half. */
#define NIBBLE_READ_BYTES_LO                 0x120u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_READ_BYTES_HI                 0x124u

/* RO: bytes written over the DRAM's pins; reading it holds the high half. */
#define NIBBLE_WRITE_BYTES_LO                0x128u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_WRITE_BYTES_HI                0x12cu

/* RO: cycles in which the load engine worked; reading it holds the high half. */
#define NIBBLE_BUSY_LOAD_LO                  0x130u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_BUSY_LOAD_HI                  0x134u

/* RO: cycles in which the tensor engine worked; reading it holds the high half. */
#define NIBBLE_BUSY_TENSOR_LO                0x138u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_BUSY_TENSOR_HI                0x13cu

/* nearmem only: RO: cycles in which the bank engine worked; reading it holds the high half. */
#define NIBBLE_BUSY_BANK_LO                  0x140u

/* nearmem only: RO: high half, as of the last read of the low one. */
#define NIBBLE_BUSY_BANK_HI                  0x144u

/* RO: cycles in which the vector engine worked; reading it holds the high half. */
#define NIBBLE_BUSY_VECTOR_LO                0x148u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_BUSY_VECTOR_HI                0x14cu

/* RO: cycles in which the store engine worked; reading it holds the high half. */
#define NIBBLE_BUSY_STORE_LO                 0x150u

/* RO: high half, as of the last read of the low one. */
#define NIBBLE_BUSY_STORE_HI                 0x154u

/* Values. */
#define NIBBLE_ID_VALUE                      0x4e49424cu  /* of NIBBLE_ID */
#define NIBBLE_VERSION_VALUE                 0x10000u  /* of NIBBLE_VERSION */
#define NIBBLE_NO_LAYER                      0xffffffffu  /* of NIBBLE_LAST_LAYER */
#define NIBBLE_LARGEST_RING                  0x10000u  /* descriptors */

/* Values of NIBBLE_ERROR_CODE. */
#define NIBBLE_FAULT_NONE                    0x0u  /* no error */
#define NIBBLE_FAULT_UNMAPPED                0x1u  /* access to an offset that has no register */
#define NIBBLE_FAULT_ACCESS_SIZE             0x2u  /* access that is not 4 bytes at a multiple of 4 */
#define NIBBLE_FAULT_READ_ONLY               0x3u  /* write of a read-only register */
#define NIBBLE_FAULT_WRITE_ONLY              0x4u  /* read of a write-only register */
#define NIBBLE_FAULT_BUSY_REGISTER           0x5u  /* write of RING_BASE or RING_SIZE while CONTROL.ENABLE is set */
#define NIBBLE_FAULT_RING_SIZE               0x10u  /* ring size is no power of two from 1 to 65536 */
#define NIBBLE_FAULT_RING_BASE               0x11u  /* ring is not aligned to 32 bytes, or not inside the DRAM */
#define NIBBLE_FAULT_RING_OVERRUN            0x12u  /* tail is ahead of head by more than the ring's size */
#define NIBBLE_FAULT_DESCRIPTOR              0x13u  /* descriptor with reserved bits set, without words or layers, with more layers than LAYERS, or with words that are not aligned to 32 bytes */
#define NIBBLE_FAULT_COMMAND_MEMORY          0x14u  /* command words are not inside the DRAM */
#define NIBBLE_FAULT_OPCODE                  0x20u  /* command word with an unknown opcode */
#define NIBBLE_FAULT_RESERVED_BITS           0x21u  /* command word with a reserved bit set */
#define NIBBLE_FAULT_NO_ENGINE               0x22u  /* command word for, or with tokens from or to, an engine that the machine lacks */
#define NIBBLE_FAULT_LAYER                   0x23u  /* command word of a layer beyond those of its descriptor */
#define NIBBLE_FAULT_DRAM_ADDRESS            0x30u  /* DRAM address beyond the memory */
#define NIBBLE_FAULT_SRAM_RANGE              0x31u  /* range beyond the end of its scratchpad */
#define NIBBLE_FAULT_NOT_CONFIGURED          0x32u  /* word that needs a configuration which the job has not given */
#define NIBBLE_FAULT_GEOMETRY                0x33u  /* sizes of a convolution or window that do not fit each other */
#define NIBBLE_FAULT_FORMAT                  0x34u  /* unknown storage format, block size, activation or buffer */
#define NIBBLE_FAULT_OPERANDS                0x35u  /* tile whose rows, channels or registers are not those that its configuration allows */
#define NIBBLE_FAULT_ENGINE                  0x3fu  /* the engine cannot execute the word for another reason */
#define NIBBLE_FAULT_WATCHDOG                0x40u  /* no engine has worked for WATCHDOG cycles: command words wait for each other */

/* A job in the ring. Little-endian; `commands` is a DRAM address, a multiple of 32. */
struct nibble_descriptor {
  uint32_t commands_lo, commands_hi;
  uint32_t count;  /* command words */
  uint32_t layers; /* of the program: its words name layers below */
  uint32_t tag;
  uint32_t flags;
  uint32_t reserved[2]; /* zero */
};
#define NIBBLE_DESCRIPTOR_BYTES              0x20u
#define NIBBLE_JOB_INTERRUPT                 0x1u  /* flags: interrupt when done */

#endif
