"""Mistakes made on purpose: each changes the program, in one place; what is only for readers stays."""

import ast

import mutations

SOURCE = '''"""A file."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a import b
LIMIT = 3

def clipped(value: int, most: int = 1 + 2) -> int:
    """What it does."""
    if value < 0 and not most == 4:
        raise ValueError(f"{value + 1} is too small")
    value += 1
    print(-value)
    return most if value > most else value
'''


def test_every_mistake_changes_the_program_in_one_statement() -> None:
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    seen = set()
    for mutation in mutations.find(SOURCE):
        tree = mutations.apply(SOURCE, mutation.number)
        compile(tree, "changed", "exec")
        changed = ast.unparse(tree).splitlines()
        assert sum(a != b for a, b in zip(plain, changed, strict=True)) == 1, mutation
        seen.add("\n".join(changed))
    assert len(seen) == len(mutations.find(SOURCE))


def test_every_sort_of_mistake_is_made() -> None:
    texts = {mutation.text for mutation in mutations.find(SOURCE)}
    assert texts == {
        *("without: LIMIT = 3", "4 for 3", "Sub in: 1 + 2", "2 for 1", "3 for 2"),
        "not: if value < 0 and (not most == 4):",
        *(
            "Or in: value < 0 and (not most == 4)",
            "LtE in: value < 0",
            "1 for 0",
            "without not: not most == 4",
        ),
        *("NotEq in: most == 4", "5 for 4", "without: value += 1", "without: print(-value)"),
        *("without minus: -value", "None for: return most if value > most else value"),
        *("not: most if value > most else value", "GtE in: value > most"),
        "without: raise ValueError(f'{value + 1} is too small')",
    }


def test_what_is_executed_by_an_import_is_known() -> None:
    found = {mutation.text: mutation for mutation in mutations.find(SOURCE)}
    assert not found["4 for 3"].is_in_function and not found["Sub in: 1 + 2"].is_in_function
    assert found["without: value += 1"].is_in_function
    assert found["without: value += 1"].first_line == 12
