"""C of the end of midge_classify(): from sums to winner and scores."""

from __future__ import annotations

from . import exponential
from .verdict import SCORE_SCALE, SIGNS, VANISHING, Verdict

_INDENT = "    "


def headers(rule: Verdict) -> list[str]:
    """Headers that the code needs."""
    needs_powers = rule.scores in ("softmax", "sigmoid")
    needs_softmax = rule.scores == "softmax"
    needs_votes = rule.decide.startswith("duels") and rule.n_classes > 2
    return ["exponential.h"] * needs_powers + ["softmax.h"] * needs_softmax + ["votes.h"] * needs_votes


def code(rule: Verdict, log2_scale: int, c_type: str) -> list[str]:
    """Statements that follow `c_type sums[n_values]`, up to and with the return."""
    if rule.scores == "softmax" and c_type == "int32_t":
        shift = log2_scale - exponential.FRACTION_BITS
        return [f"{_INDENT}return softmax_int32(sums, {rule.n_classes}, {shift}, scores);"]
    return [
        _INDENT + line if line else line
        for line in [*_winner(rule, c_type), *_scores(rule, log2_scale, c_type)]
    ]


def _winner(  # noqa: PLR0911
    rule: Verdict, c_type: str
) -> list[str]:
    n = rule.n_classes
    if rule.decide == "value":
        return ["const int32_t winner = 0;"]
    if rule.decide == "sign":
        return ["const int32_t winner = sums[0] > 0;"]
    if rule.decide == "at-least":
        return ["const int32_t winner = sums[0] >= 0;"]
    if rule.decide.startswith("duels") and n == 2:
        return ["const int32_t winner = sums[0] <= 0;"]
    if rule.decide == "highest":
        return [
            "int32_t winner = 0;",
            f"{c_type} highest = sums[0];",
            f"for (int32_t c = 1; c < {n}; c++) {{",
            "    if (sums[c] > highest) {",
            "        winner = c;",
            "        highest = sums[c];",
            "    }",
            "}",
        ]
    width = c_type.removesuffix("_t")
    lines = [f"uint8_t votes[{n}];", f"votes_count_{width}(sums, {n}, votes);"]
    if rule.decide == "duels-sum":
        return [*lines, f"const int32_t winner = votes_winner_by_sum_{width}(votes, sums, {n});"]
    return [*lines, f"const int32_t winner = votes_winner(votes, {n});"]


def _scores(  # noqa: PLR0911
    rule: Verdict, log2_scale: int, c_type: str
) -> list[str]:
    n = rule.n_classes
    if rule.scores == "votes":
        if n == 2:
            return [f"scores[winner] = {SCORE_SCALE};", "scores[winner ^ 1] = 0;", "return winner;"]
        share = SCORE_SCALE // (n - 1)
        return [
            f"for (int32_t c = 0; c < {n}; c++) {{",
            f"    scores[c] = (int16_t)(votes[c] * {share});",
            "}",
            "return winner;",
        ]
    if rule.scores == "softmax":
        return [*_softmax(rule, log2_scale, c_type), "return winner;"]
    if rule.scores == "sigmoid":
        return _sigmoid(rule, log2_scale, c_type)
    if rule.decide in SIGNS:
        return [
            f"scores[1] = {_saturated('sums[0]', log2_scale, c_type)};",
            "scores[0] = (int16_t)-scores[1];",
            "return winner;",
        ]
    if rule.decide == "duels":
        return [
            f"scores[0] = {_saturated('sums[0]', log2_scale, c_type)};",
            "scores[1] = (int16_t)-scores[0];",
            "return winner;",
        ]
    if rule.decide == "value":
        return [f"scores[0] = {_saturated('sums[0]', log2_scale, c_type)};", "return winner;"]
    return [
        f"for (int32_t c = 0; c < {n}; c++) {{",
        f"    scores[c] = {_saturated('sums[c]', log2_scale, c_type)};",
        "}",
        "return winner;",
    ]


def _sigmoid(rule: Verdict, log2_scale: int, c_type: str) -> list[str]:
    def share(of: str) -> str:
        size = f"({of} < 0 ? -{of} : {of})"
        return f"sigmoid_q15({_exponent(size, log2_scale, c_type)}, {of} < 0)"

    if rule.decide in SIGNS:
        return [
            f"scores[1] = (int16_t){share('sums[0]')};",
            f"scores[0] = (int16_t)({SCORE_SCALE} - scores[1]);",
            "return winner;",
        ]
    return [
        f"if (highest < 0 && {_exponent('-highest', log2_scale, c_type)} > {VANISHING}) {{",
        *("    " + line for line in _softmax(rule, log2_scale, c_type)),
        "    return winner;",
        "}",
        f"for (int32_t c = 0; c < {rule.n_classes}; c++) {{",
        f"    scores[c] = (int16_t){share('sums[c]')};",
        "}",
        f"shares_normalise(scores, {rule.n_classes});",
        "return winner;",
    ]


def _softmax(rule: Verdict, log2_scale: int, c_type: str) -> list[str]:
    return [
        f"uint32_t exponents[{rule.n_classes}];",
        f"for (int32_t c = 0; c < {rule.n_classes}; c++) {{",
        f"    exponents[c] = {_exponent('highest - sums[c]', log2_scale, c_type)};",
        "}",
        f"softmax_write(exponents, {rule.n_classes}, scores);",
    ]


def _exponent(value: str, log2_scale: int, c_type: str) -> str:
    """`value` >= 0 as an exponent of `negative_power`."""
    wide = "uint64_t" if c_type == "int64_t" else "uint32_t"
    shift = log2_scale - exponential.FRACTION_BITS
    return f"exponent_{wide.removesuffix('_t')}(({wide})({value}), {shift})"


def _saturated(value: str, log2_scale: int, c_type: str) -> str:
    width = c_type.removesuffix("_t")
    return f"q15_{width}({value}, {log2_scale})"
