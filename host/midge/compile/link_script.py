"""The linker script of every module: one output section at address 0, its first byte the entry."""

from __future__ import annotations

ENTRY = "mp_module_init"
BLOB_SECTION = ".blob"
# Read by the dynamic loader of an operating system; midge translates them, the module never holds them.
DYNAMIC_SECTIONS = (".dynsym", ".dynstr", ".hash", ".gnu.hash", ".dynamic", ".rel.dyn", ".rela.dyn")

# Text first: execution starts at offset 0. Data and bss are inside as well: code that is position-independent
# can't reach a bss that the firmware places elsewhere.
_BLOB = (
    f"KEEP(*(.text.{ENTRY}))",
    "*(.text .text.*)",
    "*(.midge_slot)",
    "*(.rodata .rodata.*)",
    "*(.data.rel.ro .data.rel.ro.*)",
    "*(.got .got.*)",
    "*(.data .data.* .sdata .sdata.*)",
    "*(.bss .bss.* .sbss .sbss.* COMMON)",
)
_DISCARDED = (
    ".ARM.exidx*",
    ".ARM.extab*",
    ".ARM.attributes",
    ".riscv.attributes",
    ".eh_frame*",
    ".note*",
    ".comment",
)

LINK_SCRIPT = "\n".join(
    (
        "SECTIONS {",
        f"  {BLOB_SECTION} 0 : {{ {' '.join(_BLOB)} }}",
        *(f"  {name} : {{ *({name}) }}" for name in DYNAMIC_SECTIONS),
        f"  /DISCARD/ : {{ {' '.join(f'*({name})' for name in _DISCARDED)} }}",
        "}",
        "",
    )
)
