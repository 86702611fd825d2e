/* Included before every file of a module: calls and data references stay inside the image, without a GOT. */
#ifndef __ASSEMBLER__
#pragma GCC visibility push(hidden)
#endif
