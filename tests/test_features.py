"""Features against float64 oracles, each within half a step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from midge import evaluate, features, filtering
from midge.compile.ir import Forest, Tree
from midge.errors import DatasetError, RecipeError
from midge.model_file import Decision, FrontEnd, Model, Sensor

LENGTH = 128


def _window(row: np.ndarray) -> np.ndarray:
    """One window that has `row` on x, reversed on y and 0 on z."""
    row = np.clip(np.rint(row), -32768, 32767).astype(np.int16)
    return np.stack([row, row[::-1], np.zeros_like(row)], axis=1)


def _signals() -> dict[str, np.ndarray]:
    t = np.arange(LENGTH)
    impulse = np.zeros(LENGTH)
    impulse[40] = 32767
    random = np.random.default_rng(3)
    return {
        "sine": _window(8192 * np.sin(2 * np.pi * t / 25)),
        "small sine": _window(3 * np.sin(2 * np.pi * t / 25)),
        "impulse": _window(impulse),
        "ramp": _window(512.0 * t - 32768),
        "positive saturation": np.full((LENGTH, 3), 32767, np.int16),
        "negative saturation": np.full((LENGTH, 3), -32768, np.int16),
        "full swing": _window(np.where(t % 2, 32767, -32768)),
        "silence": np.zeros((LENGTH, 3), np.int16),
        "offset": _window(np.full(LENGTH, -4711)),
        **{f"random {i}": random.integers(-32768, 32768, (LENGTH, 3)).astype(np.int16) for i in range(20)},
        **{f"quiet {i}": random.integers(-5, 6, (LENGTH, 3)).astype(np.int16) for i in range(20)},
    }


SIGNALS = _signals()
ORACLES: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "std": np.std,
    "min": np.min,
    "max": np.max,
    "range": np.ptp,
    "rms": lambda row: float(np.sqrt(np.mean(row**2))),
    "mc": lambda row: int(np.count_nonzero(np.diff(row > row.mean()))),
    "jerk": lambda row: float(np.mean(np.abs(np.diff(row)))),
    "energy": lambda row: float(np.mean(row**2) / 32768),
    "mad": lambda row: float(np.mean(np.abs(row - row.mean()))),
    "zc": lambda row: int(np.count_nonzero(np.diff(row > 0))),
    "tmax": lambda row: float(np.argmax(row) / (len(row) - 1) * 32767),
    "tmin": lambda row: float(np.argmin(row) / (len(row) - 1) * 32767),
    "rhythm": lambda row: _autocorrelation_peak(row)[0] * 32767,
    "period": lambda row: _autocorrelation_peak(row)[1],
}
# Of each kind of arithmetic one.
PARTED = ("mean", "std", "mc", "tmax")
ROW_STATISTICS = [name for name, one in features.STATISTICS.items() if one.form == "row"]


def _autocorrelation_peak(row: np.ndarray) -> tuple[float, int]:
    """About the rounded mean, as the C does: (share of the variance, lag)."""
    off = row - np.floor(row.mean() + 0.5)
    heights = [float(off[: len(off) - lag] @ off[lag:]) for lag in range(len(off) // 2 + 1)]
    below = next((lag for lag, height in enumerate(heights) if height < 0), None)
    if below is None or max(heights[below:]) <= 0:
        return 0.0, 0
    lag = below + int(np.argmax(heights[below:]))
    return heights[lag] / heights[0], lag


def _channels(window: np.ndarray) -> dict[str, np.ndarray]:
    exact = window.astype(np.float64)
    magnitude = np.minimum(np.rint(np.sqrt((exact**2).sum(axis=1))), 32767)
    return {"x": exact[:, 0], "y": exact[:, 1], "z": exact[:, 2], "m": magnitude}


def test_every_statistic_has_an_oracle() -> None:
    """Those of other forms have a test of their own below."""
    assert set(ORACLES) == set(ROW_STATISTICS)
    others = {one.form for one in features.STATISTICS.values()} - {"row"}
    assert others == {"percent", "course", "pair", "tilt", "span", "spectrum", "band"}


@pytest.mark.parametrize("statistic", ROW_STATISTICS)
def test_statistic_is_within_half_a_step(statistic: str) -> None:
    names = [f"{channel}.{statistic}" for channel in "xyzm"]
    found = features.extract(names, np.stack(list(SIGNALS.values())))
    for row, (signal, window) in zip(found, SIGNALS.items(), strict=True):
        for value, (channel, samples) in zip(row, _channels(window).items(), strict=True):
            exact = min(ORACLES[statistic](samples), 32767)
            assert abs(value - exact) <= 0.5, f"{signal}, {channel}"


def test_parts_are_statistics_of_that_part() -> None:
    windows = np.stack(list(SIGNALS.values()))[:, :100]
    found = features.extract([f"y.{name}@{k}/3" for name in PARTED for k in (1, 2, 3)], windows)
    bounds = [0, 33, 66, 100]
    column = 0
    for name in PARTED:
        for k in range(3):
            alone = features.extract([f"y.{name}"], windows[:, bounds[k] : bounds[k + 1]])
            assert np.array_equal(found[:, column], alone[:, 0]), f"{name} of part {k + 1}"
            column += 1


@pytest.mark.parametrize("length", [1, 2, 3, 16384])
def test_shortest_and_longest_windows(length: int) -> None:
    extreme = np.full((1, length, 3), -32768, np.int16)
    names = [f"x.{name}" for name in ROW_STATISTICS]
    expected = {"mean": -32768, "min": -32768, "max": -32768, "rms": 32767, "energy": 32767}
    assert features.extract(names, extreme)[0].tolist() == [expected.get(name, 0) for name in ROW_STATISTICS]


def test_scales_are_steps_per_unit() -> None:
    names = ["x.mean", "y.mc", "m.jerk@1/2", "x.tmax", "x.peak", "z.energy"]
    assert features.scales(names, 8192) == [8192.0, 1.0, 8192.0, 32767.0, 32.0, 2048.0]
    sampling = features.Sampling(100, 8192, 32.768)
    six = (*features.MOTION_CHANNELS, *features.GYRO_CHANNELS)
    assert features.scales(["gx.std", "w.max", "m.max"], sampling, six) == [32.768, 32.768, 8192.0]


WINDOWS = np.stack(list(SIGNALS.values()))


@pytest.mark.parametrize("percent", [0, 10, 25, 50, 75, 90, 100])
def test_quantile_is_the_sample_of_that_rank(percent: int) -> None:
    found = features.extract([f"y.quantile:{percent}"], WINDOWS)[:, 0]
    rank = int(np.floor((LENGTH - 1) * percent / 100 + 0.5))
    assert np.array_equal(found, np.sort(WINDOWS[:, :, 1], axis=1)[:, rank])


@pytest.mark.parametrize("parts", [1, 3, 16, 100, 128, 200])
def test_course_is_the_mean_of_equal_parts_with_borders_shared(parts: int) -> None:
    found = features.extract([f"x.course@{k}/{parts}" for k in range(1, parts + 1)], WINDOWS)
    fine = np.repeat(WINDOWS[:, :, 0].astype(float), parts, axis=1).reshape(len(WINDOWS), parts, LENGTH)
    assert np.abs(found - fine.mean(axis=2)).max() <= 0.5


def test_correlation_is_pearsons() -> None:
    found = features.extract(["xy.corr", "xm.corr", "yz.corr"], WINDOWS)
    for row, window in zip(found, WINDOWS, strict=True):
        channels = _channels(window)
        for value, (a, b) in zip(row, ("xy", "xm", "yz"), strict=True):
            is_constant = np.ptp(channels[a]) == 0 or np.ptp(channels[b]) == 0
            exact = 0.0 if is_constant else np.corrcoef(channels[a], channels[b])[0, 1] * 32767
            assert abs(value - exact) <= 0.51


def test_tilt_is_the_cosine_to_the_mean_acceleration() -> None:
    found = features.extract(["x.tilt", "y.tilt", "z.tilt"], WINDOWS)
    mean = WINDOWS.astype(float).mean(axis=1)
    exact = 32767 * mean / np.maximum(1e-9, np.linalg.norm(mean, axis=1, keepdims=True))
    assert np.abs(found - exact).max() <= 0.51


def test_rows_along_across_and_without_gravity() -> None:
    """Half a step for their mean, and what rounding direction (14 bits) and length adds: 3 LSB."""
    names = [f"{row}.course@{k}/{LENGTH}" for row in "vhl" for k in range(1, LENGTH + 1)]
    found = features.extract(names, WINDOWS).reshape(len(WINDOWS), 3, LENGTH)
    for rows, window in zip(found, WINDOWS.astype(float), strict=True):
        mean = window.mean(axis=0)
        if np.linalg.norm(mean) < 0.01:
            continue
        down = mean / np.linalg.norm(mean)
        along = window @ down
        exact = [along, np.linalg.norm(window - np.outer(along, down), axis=1)]
        exact.append(np.linalg.norm(window - np.floor(mean + 0.5), axis=1))
        for row, wanted in zip(rows, exact, strict=True):
            assert np.abs(row - np.clip(wanted, -32767, 32767)).max() <= 3.5


@pytest.mark.parametrize("length", [16, 50, 64, 100, 128, 333, 512])
def test_spectrum_against_welch(length: int) -> None:
    """Bands within 1 % + 2 LSB, shares within 1 %, of tones in noise; frequencies within a 32nd of a Hz."""
    from scipy import signal as scipy_signal

    rate_hz, size = 200.0, 1 << (length.bit_length() - 1)
    rng = np.random.default_rng(length)
    t = np.arange(length) / rate_hz
    rows = [
        a * np.sin(2 * np.pi * f * t + 1) + rng.normal(0, a / 8, length) + offset
        for a, f, offset in ((8000, 31.0, 8192), (20000, 70.0, 0), (300, 20.0, -8192), (12000, 55.5, 16000))
    ]
    windows = np.stack([np.stack([np.clip(np.rint(row), -32768, 32767)] * 3, axis=1) for row in rows])
    names = ["x.band:15-60", "x.band:60-100", "x.bandshare:15-60", "x.peak", "x.centroid"]
    found = features.extract(names, windows.astype(np.int16), sampling=features.Sampling(rate_hz))
    for row, window in zip(found, windows[:, :, 0], strict=True):
        starts = [0] if size == length else [0, length - size]
        power = np.zeros(size // 2 + 1)
        for start in starts:
            part = window[start : start + size]
            taper = scipy_signal.get_window("hann", size)
            power += np.abs(np.fft.rfft((part - np.floor(part.mean() + 0.5)) * taper)) ** 2 / len(starts)
        hz = np.arange(len(power)) * rate_hz / size
        inside = (hz >= 15) & (hz < 60)
        above = hz >= 60
        band = np.sqrt(2 * power[inside].sum() / size**2 / 0.375)
        assert row[0] == pytest.approx(band, rel=0.01, abs=2)
        assert row[1] == pytest.approx(np.sqrt(2 * power[above].sum() / size**2 / 0.375), rel=0.01, abs=2)
        assert row[2] / 32767 == pytest.approx(power[inside].sum() / power[1:].sum(), abs=0.01)
        assert row[3] / 32 == pytest.approx(hz[1 + np.argmax(power[1:])], abs=1 / 32)
        assert row[4] / 32 == pytest.approx((hz[1:] * power[1:]).sum() / power[1:].sum(), rel=0.01)


def test_spectra_of_silence_and_of_full_swing() -> None:
    extremes = np.stack([SIGNALS[name] for name in ("silence", "positive saturation", "full swing")])
    found = features.extract(["x.band:1-50", "x.bandshare:25-50", "x.peak", "x.centroid"], extremes)
    assert found[0].tolist() == [0, 0, 0, 0] and found[1].tolist() == [0, 0, 0, 0]
    assert found[2, 2] == 50 * 32 and found[2, 1] == 32767


def _gesture(length: int, first: int, n: int) -> np.ndarray:
    """One window at rest, with n samples of motion from `first`."""
    rng = np.random.default_rng(2)
    window = np.tile(np.array([300, -200, 8192]), (length, 1)) + rng.integers(-40, 41, (length, 3))
    t = np.linspace(0, 2 * np.pi, n)
    window[first : first + n, 0] += np.rint(6000 * np.sin(2 * t)).astype(int)
    window[first : first + n, 1] += np.rint(4000 * (1 - np.cos(t))).astype(int)
    return window.astype(np.int16)


def test_a_segment_is_where_the_motion_is_wherever_that_is() -> None:
    names = ["seg.length", "x.course@2/4", "y.max", "x.std@1/2", "y.tmax"]
    windows = np.stack([_gesture(200, first, 60) for first in (20, 40, 100, 120)])
    found = features.extract(names, windows, segment=True).astype(float)
    assert (np.abs(found[:, 0] - 60) <= 24).all()
    assert (np.ptp(found, axis=0) <= [6, 300, 90, 300, 1500]).all()
    whole = features.extract(names, windows).astype(float)
    assert np.ptp(whole[:, 4]) > 8000 and (whole[:, 0] == 200).all()


def test_the_segment_of_rest_is_the_whole_window() -> None:
    rest = _gesture(200, 0, 0)[None]
    assert features.extract(["seg.length"], rest, segment=True)[0, 0] == 200


def test_parts_of_a_segment_hold_a_sample_each() -> None:
    window = np.zeros((1, 64, 3), np.int16)
    window[0, 30, 0] = 20000
    names = [f"x.{name}@{k}/40" for name in ("mean", "max", "jerk", "course") for k in range(1, 41)]
    found = features.extract(names, window, segment=True)[0]
    assert found[40:80].max() == 20000 and found[120:].max() > 5000


@pytest.mark.parametrize(("low", "high"), [(2.2, 0.0), (0.0, 0.5), (20.0, 1.0), (40.0, 0.0)])
def test_filters_are_butterworths(low: float, high: float) -> None:
    """Against scipy in float64, from a state of rest at the first sample: within 1 LSB of every sample."""
    from scipy import signal as scipy_signal

    rate_hz = 100.0
    sampling = features.Sampling(rate_hz, lowpass_hz=low, highpass_hz=high)
    names = [f"x.course@{k}/{LENGTH}" for k in range(1, LENGTH + 1)]
    found = features.extract(names, WINDOWS, sampling=sampling)
    exact = WINDOWS[:, :, 0].astype(float)
    for cutoff, kind in ((high, "highpass"), (low, "lowpass")):
        if cutoff:
            b, a = scipy_signal.butter(2, cutoff, kind, fs=rate_hz)
            state = scipy_signal.lfilter_zi(b, a)[None, :] * exact[:, :1]
            exact, _ = scipy_signal.lfilter(b, a, exact, axis=1, zi=state)
    assert np.abs(found - np.clip(exact, -32768, 32767)).max() <= 1.0


def test_a_cutoff_that_the_rate_cant_have_is_refused() -> None:
    with pytest.raises(RecipeError, match="lowpass_hz 60"):
        features.plan(["x.std"], LENGTH, sampling=features.Sampling(100.0, lowpass_hz=60.0))


def test_a_gyroscope_has_rows_of_its_own() -> None:
    six = (*features.MOTION_CHANNELS, *features.GYRO_CHANNELS)
    window = np.random.default_rng(4).integers(-3000, 3000, (1, 50, 6)).astype(np.int16)
    found = features.extract(["gz.mean", "w.max", "m.max", "xgy.corr"], window, six)[0]
    exact = window[0].astype(float)
    assert abs(found[0] - exact[:, 5].mean()) <= 0.5
    assert abs(found[1] - np.linalg.norm(exact[:, 3:], axis=1).max()) <= 0.5
    assert abs(found[2] - np.linalg.norm(exact[:, :3], axis=1).max()) <= 0.5
    assert abs(found[3] - 32767 * np.corrcoef(exact[:, 0], exact[:, 4])[0, 1]) <= 0.51


def test_only_channels_that_are_read_are_stored() -> None:
    plan = features.plan(["z.mean", "m.std"], 10)
    assert plan.row_sources == (2, features.MAGNITUDE_SOURCE)
    assert plan.state_bytes == 56  # 16 of head, two rows of 20


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("x.maen", "did you mean 'mean'"),
        ("q.mean", "no channel 'q'"),
        ("x", "not CHANNEL.STATISTIC"),
        ("x.mean@0/4", "no part 0 of 4"),
        ("x.mean@5/4", "no part 5 of 4"),
        ("x.mean@1/200", "no 200 parts"),
        ("x.band", "two frequencies"),
        ("x.band:5-2", "two frequencies"),
        ("x.band:1.2-1.3", "lies between"),
        ("x.quantile", "percentage"),
        ("x.quantile:101", "percentage"),
        ("x.mean:5", "takes no number"),
        ("x.peak@1/2", "whole window"),
        ("xx.corr", "no pair"),
        ("m.tilt", "no channel"),
        ("x.length", "'seg'"),
    ],
)
def test_wrong_names_are_explained(name: str, hint: str) -> None:
    with pytest.raises(RecipeError, match=hint):
        features.plan([name], LENGTH)


def test_windows_of_a_wrong_form_are_refused() -> None:
    with pytest.raises(DatasetError, match="shape"):
        features.extract(["x.mean"], np.zeros((4, 3), np.int16))
    with pytest.raises(DatasetError, match="int16"):
        features.extract(["x.mean"], np.zeros((1, 4, 3)))


def test_no_windows_give_no_rows() -> None:
    assert features.extract(["x.mean"], np.zeros((0, 4, 3), np.int16)).shape == (0, 1)


def test_filters_of_a_stretch_are_those_of_a_stream() -> None:
    """What training sees of a window is what a board sees that has been running, bit for bit."""
    rng = np.random.default_rng(6)
    moved = np.clip(np.cumsum(rng.normal(0, 700, (400, 3)), axis=0), -30000, 30000).astype(np.int16)
    sampling = features.Sampling(50.0, lowpass_hz=8.0, highpass_hz=0.4)
    names, length, hop = ("x.mean", "y.std", "z.range", "m.jerk"), 40, 20
    frontend = FrontEnd("motion", ("x", "y", "z"), length, hop, names, (8192.0,) * 4, sampling=sampling)
    trees = tuple(
        Tree(np.array([at]), np.array([0.5]), np.array([-1]), np.array([-2]), np.eye(2)) for at in range(4)
    )
    model = Model(
        "m",
        ("a", "b"),
        None,
        frontend,
        Sensor(50.0, 4),
        Decision(0.5, 1, 0),
        Forest(4, 2, trees),
        epsilon=1e-4,
    )
    stream = evaluate.compiled(model).stream(moved)
    filtered = filtering.filtered(moved, sampling)
    raw, windows = (
        np.stack([samples[at : at + length] for at in range(0, 400 - length + 1, hop)])
        for samples in (moved, filtered)
    )
    assert np.array_equal(stream, features.extract(names, windows, sampling=sampling.unfiltered))
    # Begun anew in each window they would say something else: that is why.
    assert not np.array_equal(stream[1:], features.extract(names, raw, sampling=sampling)[1:])
