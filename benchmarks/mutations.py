"""Small mistakes of a Python file: one operator, number, branch or statement is changed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.MatMult: ast.Mult,
}


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    Attributes
    ----------
    number : int
        its place in the file; the same for the same text
    first_line, last_line : int
        of the statement that is changed, from 1
    is_in_function : bool
        else it is executed when the module is imported
    kind, text : str
        what sort of mistake, and the mistake itself
    """

    number: int
    first_line: int
    last_line: int
    is_in_function: bool
    kind: str
    text: str


# Changes the tree in place.
_Change = Callable[[], None]


def find(source: str) -> list[Mutation]:
    """All mistakes that can be made in `source`."""
    return [mutation for mutation, _ in _walk(ast.parse(source))]


def apply(source: str, number: int) -> ast.Module:
    """The tree of `source` with mistake `number` in it."""
    tree = ast.parse(source)
    found = list(_walk(tree))
    found[number][1]()
    return ast.fix_missing_locations(tree)


def _walk(tree: ast.Module) -> Iterator[tuple[Mutation, _Change]]:
    number = 0
    for statement, body, is_in_function in _statements(tree, False):
        for kind, text, change in [*_of_statement(statement, body), *_of_expressions(statement)]:
            last = max(
                [getattr(node, "end_lineno", None) or 0 for node in _own_expressions(statement)] or [0]
            )
            mutation = Mutation(
                *(number, statement.lineno, max(statement.lineno, last), is_in_function), kind, text
            )
            yield mutation, change
            number += 1


def _statements(node: ast.AST, is_in_function: bool) -> Iterator[tuple[ast.stmt, list[ast.stmt], bool]]:
    """Every statement with the list that holds it; what only a type checker reads is left out."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, name, []) if isinstance(getattr(node, name, []), list) else []:
            if isinstance(child, ast.stmt):
                if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                    continue
                yield child, getattr(node, name), is_in_function
            inside = is_in_function or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            yield from _statements(child, inside)


def _of_statement(statement: ast.stmt, body: list[ast.stmt]) -> Iterator[tuple[str, str, _Change]]:
    def replaced(new: ast.stmt) -> _Change:
        return lambda: body.__setitem__(body.index(statement), ast.copy_location(new, statement))

    text = ast.unparse(statement).splitlines()[0]
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise)) and not (
        is_text or _is_type(statement)
    ):
        yield "statement", f"without: {text}", replaced(ast.Pass())
    if isinstance(statement, ast.Return) and statement.value is not None:
        is_none = isinstance(statement.value, ast.Constant) and statement.value.value is None
        if not is_none:
            yield "return", f"None for: {text}", replaced(ast.Return(ast.Constant(None)))
    if isinstance(statement, (ast.If, ast.While)):
        condition = statement.test

        def turned() -> None:
            statement.test = ast.UnaryOp(ast.Not(), condition)

        yield "boolean", f"not: {text}", turned


def _of_expressions(statement: ast.stmt) -> Iterator[tuple[str, str, _Change]]:
    for node in _own_expressions(statement):
        if isinstance(node, (ast.UnaryOp, ast.IfExp)):
            yield from _of_sign(node)
        elif isinstance(node, ast.Constant):
            yield from _of_constant(node)
        else:
            yield from _of_operator(node)


def _of_operator(node: ast.expr) -> Iterator[tuple[str, str, _Change]]:
    text = ast.unparse(node)
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            new = _COMPARISONS[type(operator)]()
            yield "comparison", f"{type(new).__name__} in: {text}", _put(node.ops, place, new)
    elif isinstance(node, ast.BinOp):
        is_format = isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant)
        if not is_format:
            other = _ARITHMETIC[type(node.op)]()
            yield "arithmetic", f"{type(other).__name__} in: {text}", _set(node, "op", other)
    elif isinstance(node, ast.BoolOp):
        turned = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "boolean", f"{type(turned).__name__} in: {text}", _set(node, "op", turned)


def _of_sign(node: ast.UnaryOp | ast.IfExp) -> Iterator[tuple[str, str, _Change]]:
    text = ast.unparse(node)
    if isinstance(node, ast.IfExp):
        yield "boolean", f"not: {text}", _set(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node.op, ast.Not):
        # Twice not is the value itself.
        yield "boolean", f"without not: {text}", _set(node, "operand", ast.UnaryOp(ast.Not(), node.operand))
    elif isinstance(node.op, ast.USub):
        yield "arithmetic", f"without minus: {text}", _set(node, "op", ast.UAdd())


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, str, _Change]]:
    if isinstance(node.value, bool):
        yield "constant", f"{not node.value} for {node.value}", _set(node, "value", not node.value)
    elif isinstance(node.value, (int, float)):
        yield "constant", f"{node.value + 1} for {node.value}", _set(node, "value", node.value + 1)


def _set(node: ast.AST, name: str, value: object) -> _Change:
    return lambda: setattr(node, name, value)


def _put(items: list[ast.cmpop], place: int, value: ast.cmpop) -> _Change:
    return lambda: items.__setitem__(place, value)


def _is_type(statement: ast.stmt) -> bool:
    """Is this a name for a type, which only annotations use?"""
    return isinstance(statement, ast.Assign) and ast.unparse(statement.value).startswith(
        ("npt.NDArray[", "Callable[", "dict[", "tuple[", "list[", "Iterable[")
    )


def _own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """A statement's own expressions: not types, decorators, texts of errors or statements inside."""
    if isinstance(statement, ast.Raise) or _is_type(statement):
        return
    for name, value in ast.iter_fields(statement):
        if name in ("annotation", "returns", "args", "type_params", "decorator_list"):
            if name == "args" and isinstance(value, ast.arguments):
                for default in (*value.defaults, *(one for one in value.kw_defaults if one is not None)):
                    yield from _inside(default)
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (ast.expr, ast.withitem, ast.keyword)):
                yield from _inside(item)


def _inside(node: ast.AST) -> Iterator[ast.expr]:
    """`node` and what is in it."""
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.arguments):
            continue
        yield from _inside(child)
