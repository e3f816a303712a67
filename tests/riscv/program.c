/* What compilers and their libraries make of C: sorting, text, 64-bit and floating-point arithmetic
 * by library, calls through tables, recursion. It fills `window`, prints it, and exits, with Linux
 * system calls. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((section(".window"))) uint32_t window[2048];
__attribute__((aligned(16))) char stack[8192];

static uint32_t used, seed = 1;

static void put(uint32_t value) { window[used++ % 2048] ^= value; }

static uint32_t next_random(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed;
}

static int by_value(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void sort(void) {
  uint32_t values[200];
  for (int i = 0; i < 200; ++i) values[i] = next_random() >> (i % 24);
  qsort(values, 200, sizeof(values[0]), by_value);
  for (int i = 0; i < 200; ++i) put(values[i]);
}

static void text(void) {
  char line[80];
  for (int i = 0; i < 20; ++i) {
    const int n = snprintf(line, sizeof(line), "%d %08x %s|%-6u|%c", (int)next_random(),
                           (unsigned)next_random(), "text" + i % 4, (unsigned)i * 37, 'a' + i);
    for (int k = 0; k < n; ++k) put((uint32_t)line[k]);
    put((uint32_t)strtol(line, NULL, 10));
    put((uint32_t)strlen(line));
  }
}

static void wide(void) {
  for (int i = 1; i < 60; ++i) {
    const uint64_t a = (uint64_t)next_random() << 32 | next_random(), b = next_random() | 1;
    const uint64_t q = a / b, r = a % b, p = a * b;
    const int64_t s = (int64_t)a / -(int64_t)b;
    put((uint32_t)q ^ (uint32_t)(q >> 32));
    put((uint32_t)r ^ (uint32_t)(p >> 32));
    put((uint32_t)s ^ (uint32_t)((int64_t)a >> i));
  }
}

static void reals(void) {
  double x = 1;
  float y = 3;
  for (int i = 1; i < 100; ++i) {
    x = (x + i / x) * 0.75 - 1e-3 * i;
    y = y * 1.25f - (float)x / (float)i;
    uint64_t bits;
    uint32_t half;
    memcpy(&bits, &x, sizeof(bits));
    memcpy(&half, &y, sizeof(half));
    put((uint32_t)bits);
    put((uint32_t)(bits >> 32));
    put(half);
  }
}

static uint32_t ackermann(uint32_t m, uint32_t n) {
  return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static uint32_t step(uint32_t state) {
  switch (state % 7) {
    case 0:
      return state / 7;
    case 1:
      return state * 3 + 1;
    case 2:
      return state ^ 0x55;
    case 3:
      return state << 3 | state >> 29;
    case 4:
      return ~state;
    case 5:
      return state - 12345;
    default:
      return state + 99;
  }
}

static void *run(void) {
  void (*const parts[])(void) = {sort, text, wide, reals};
  for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i) parts[i]();
  put(ackermann(2, 9));
  for (uint32_t i = 0, state = 7; i < 500; ++i) put(state = step(state));
  return window;
}

static int32_t call(int32_t number, int32_t a, const void *b, int32_t c) {
  register int32_t a7 __asm__("a7") = number, a0 __asm__("a0") = a, a2 __asm__("a2") = c;
  register const void *a1 __asm__("a1") = b;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

void start(void) {
  run();
  call(64, 1, window, sizeof(window)); /* write */
  call(93, 0, NULL, 0);                /* exit */
}

__attribute__((naked)) void _start(void) {
  __asm__ volatile(
      ".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
      "la sp, stack + 8192\nla tp, stack\nj start");
}
