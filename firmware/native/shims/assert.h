/* assert for freestanding targets: modules are built with NDEBUG. */
#ifndef MIDGE_SHIM_ASSERT_H
#define MIDGE_SHIM_ASSERT_H

#define assert(condition) ((void)0)

#endif
