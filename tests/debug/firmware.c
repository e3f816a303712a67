/* Four jobs of the test device, each waited for in wfi; the debugger looks on. */
#include <stdint.h>

#define DEVICE ((volatile uint32_t *)0x40000000)
#define EXIT (*(volatile uint32_t *)0x00100000)

volatile uint32_t jobs;
volatile uint32_t squares[4];

__attribute__((interrupt)) void handler(void) {
  DEVICE[2] = 0; /* acknowledge */
  ++jobs;
}

static uint32_t square(uint32_t n) { return n * n; }

/* The device works for `ns`. */
__attribute__((noinline)) void run_job(uint32_t ns) {
  const uint32_t before = jobs;
  DEVICE[0] = ns;
  while (jobs == before) {
    /* Pending interrupts end wfi though they are not taken: none comes between test and wfi. */
    __asm__ volatile("csrci mstatus, 8" ::: "memory");
    if (jobs == before) __asm__ volatile(".globl nap\nnap: wfi");
    __asm__ volatile("csrsi mstatus, 8" ::: "memory");
  }
}

void start(void) {
  __asm__ volatile("csrw mtvec, %0" ::"r"(handler));
  __asm__ volatile("csrw mie, %0" ::"r"(1 << 11));
  for (uint32_t i = 0; i < 4; ++i) {
    run_job(1000);
    squares[i] = square(i);
  }
  EXIT = squares[3] == 9 ? 0x5555 : 0x13333;
}

__attribute__((naked)) void _start(void) {
  __asm__ volatile(
      ".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
      "li sp, 0x80100000\nj start");
}
