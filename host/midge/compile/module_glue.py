"""The C around a module's functions: its export table as data, and the lines generated from it.

Module ABI 1. Every exported function is a wrapper that checks the number of arguments and calls
`mp_obj_t name(const mp_function_t *self, size_t n_args, const mp_obj_t *args)` of firmware/native/mp_*.c.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR_KINDS = ("ValueError", "TypeError")


@dataclass(frozen=True)
class Constant:
    """An int of the module: `value` is a C expression."""

    name: str
    value: str


@dataclass(frozen=True)
class Function:
    """A function of the module, with the number of positional arguments it takes."""

    name: str
    c_function: str
    min_args: int
    max_args: int


@dataclass(frozen=True)
class Exports:
    """What a module shows to Python.

    `headers` declare the C names used; `entries` are the files of firmware/native that define them.
    """

    constants: tuple[Constant, ...]
    functions: tuple[Function, ...]
    headers: tuple[str, ...]
    entries: tuple[str, ...]


_PARAMETERS = "const mp_function_t *self, size_t n_args, size_t n_kw,"
_MODULE_ENTRIES = ("mp_module.c", "mp_slot.S")

MODEL = Exports(
    constants=(
        Constant("ABI", "MIDGE_ABI"),
        Constant("STATE_BYTES", "MIDGE_STATE_BYTES"),
        Constant("N_FEATURES", "MIDGE_N_FEATURES"),
        Constant("N_SCORES", "MIDGE_N_SCORES"),
    ),
    functions=(
        Function("init", "model_init", 1, 1),
        Function("push", "model_push", 2, 4),
        Function("ready", "model_ready", 1, 1),
        Function("features", "model_features", 2, 2),
        Function("classify", "model_classify", 2, 3),
        Function("predict", "model_predict", 2, 2),
        Function("info", "model_info", 0, 0),
    ),
    headers=("mp_model.h", "midge_model.h"),
    entries=(*_MODULE_ENTRIES, "mp_model.c"),
)

NATIVE = Exports(
    constants=(),
    functions=(
        Function("scale_axes", "native_scale_axes", 3, 3),
        Function("gather_words", "native_gather_words", 5, 5),
        Function("scale_sound", "native_scale_sound", 4, 4),
        Function("decimate_pdm", "native_decimate_pdm", 5, 5),
        Function("encode_adpcm", "native_encode_adpcm", 4, 4),
        Function("cobs_encode", "native_cobs_encode", 3, 3),
        Function("cobs_decode", "native_cobs_decode", 3, 3),
    ),
    headers=("mp_native.h",),
    entries=(*_MODULE_ENTRIES, "mp_native.c"),
)


def qstrs(name: str, exports: Exports) -> tuple[str, ...]:
    """The module's string table, in the order that mp_module.h declares."""
    constants = (constant.name for constant in exports.constants)
    functions = (function.name for function in exports.functions)
    return (f"{name}.mpy", *ERROR_KINDS, *constants, *functions)


def wrappers(exports: Exports, *, linkage: str = "static ") -> str:
    """C source of one wrapper for each function: `export_<name>`."""
    lines = [f'#include "{header}"' for header in ("mp_module.h", *exports.headers)]
    for function in exports.functions:
        lines += [
            "",
            f"{linkage}mp_obj_t export_{function.name}({_PARAMETERS}",
            "    const mp_obj_t *args)",
            "{",
            f"    mp_arguments_check(n_args, n_kw, {function.min_args}, {function.max_args});",
            f"    return {function.c_function}(self, n_args, args);",
            "}",
        ]
    return "\n".join(lines)


def export_table(exports: Exports) -> str:
    """C source of the export table and of one wrapper for each function."""
    rows = [f"    {{NULL, {constant.value}}}," for constant in exports.constants]
    rows += [f"    {{export_{function.name}, 0}}," for function in exports.functions]
    lines = [wrappers(exports), "", "const mp_export_t mp_exports[] = {", *rows, "};"]
    lines += ["const uint16_t mp_export_count = sizeof mp_exports / sizeof mp_exports[0];", ""]
    return "\n".join(lines)
