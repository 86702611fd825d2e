/* The word that the loader fills with the address of mp_fun_table. In its own file: seen as a zero, it would be folded. */
    .section .midge_slot, "a"
    .globl mp_fun_table
    .hidden mp_fun_table
    .type mp_fun_table, %object
#if __SIZEOF_POINTER__ == 8
    .p2align 3
mp_fun_table:
    .quad 0
    .size mp_fun_table, 8
#else
    .p2align 2
mp_fun_table:
    .word 0
    .size mp_fun_table, 4
#endif
