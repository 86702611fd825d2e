/* Marks the functions that Python calls through ctypes; nothing of this is ever linked into a module. */
#ifndef HOST_H
#define HOST_H

#include <stdint.h>

#if defined(_WIN32)
#define HOST_API __declspec(dllexport)
#else
#define HOST_API __attribute__((visibility("default")))
#endif

#endif
