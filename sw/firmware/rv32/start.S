/* From reset to nibble_main(). The loader has put code and data into RAM. */
  .section .text.start, "ax"
  .globl _start
_start:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, __stack_top
  la tp, __tls_base /* the C library has errno there */
  la t0, nibble_trap
  csrw mtvec, t0
  la t0, __bss_start
  la t1, __bss_end
clear:
  bgeu t0, t1, run
  sw zero, 0(t0)
  addi t0, t0, 4
  j clear
run:
  call nibble_main
  j nibble_exit
