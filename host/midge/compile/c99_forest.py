"""Forests as C code: one if/else a node, votes added up in local variables."""

from __future__ import annotations

from collections.abc import Iterator

from .votes import VotingForest, VotingTree

# Compilers bound the nesting of blocks (clang: 256); what lies deeper is moved behind its tree.
MAX_NESTING = 100
_INDENT = "    "


def code(forest: VotingForest) -> str:
    """C of midge_classify() for a forest, as nested if/else."""
    # With two classes the second sum follows from the first.
    n_sums = 1 if forest.n_classes == 2 else forest.n_classes
    lines = [
        "int32_t midge_classify(const int16_t *x, int16_t *scores)",
        "{",
        *(f"{_INDENT}uint32_t sum_{c} = {forest.half}u;" for c in range(n_sums)),
        "",
    ]
    for number, tree in enumerate(forest.trees):
        lines += _tree(tree, number, n_sums)
    if forest.n_classes == 2:
        lines.append(f"{_INDENT}uint32_t sum_1 = {forest.total + 2 * forest.half}u - sum_0;")
    lines += _verdict(forest)
    return "\n".join([*lines, "}", ""])


def _verdict(forest: VotingForest) -> Iterator[str]:
    yield ""
    yield f"{_INDENT}int32_t winner = 0;"
    if forest.n_classes > 1:
        yield f"{_INDENT}uint32_t most = sum_0;"
    for c in range(1, forest.n_classes):
        yield f"{_INDENT}if (sum_{c} > most) {{"
        yield f"{_INDENT * 2}winner = {c};"
        if c + 1 < forest.n_classes:
            yield f"{_INDENT * 2}most = sum_{c};"
        yield f"{_INDENT}}}"
    for c in range(forest.n_classes):
        yield f"{_INDENT}scores[{c}] = (int16_t)(sum_{c} >> {forest.shift});"
    yield f"{_INDENT}return winner;"


def _leaf(tree: VotingTree, leaf: int, n_sums: int) -> str:
    adds = [f"sum_{c} += {vote}u;" for c, vote in enumerate(tree.votes[leaf][:n_sums].tolist()) if vote]
    return " ".join(adds)


def _tree(tree: VotingTree, number: int, n_sums: int) -> Iterator[str]:
    """Lines of one tree. Subtrees that lie too deep become labelled blocks, reached and left by goto."""
    deep: list[int] = []
    yield from _subtree(tree, tree.root, number, n_sums, deep)
    if not deep:
        return
    end = f"tree_{number}_end"
    yield f"{_INDENT}goto {end};"
    done = 0
    while done < len(deep):
        yield f"tree_{number}_node_{deep[done]}:;"
        yield from _subtree(tree, deep[done], number, n_sums, deep)
        yield f"{_INDENT}goto {end};"
        done += 1
    yield f"{end}:;"


def _subtree(tree: VotingTree, root: int, number: int, n_sums: int, deep: list[int]) -> Iterator[str]:
    waiting: list[tuple[int, int] | str] = [(root, 1)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
            continue
        child, depth = item
        pad = _INDENT * depth
        if child < 0:
            yield pad + _leaf(tree, ~child, n_sums)
        elif depth > MAX_NESTING:
            deep.append(child)
            yield f"{pad}goto tree_{number}_node_{child};"
        else:
            yield f"{pad}if (x[{tree.feature[child]}] <= {tree.threshold[child]}) {{"
            waiting += [
                f"{pad}}}",
                (int(tree.right[child]), depth + 1),
                f"{pad}}} else {{",
                (int(tree.left[child]), depth + 1),
            ]
