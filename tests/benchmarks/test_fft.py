"""The judge of the FFT, and the FFTs that are installed."""

import fft
import image
import measure
import numpy as np
import pytest

from midge import targets

TARGET = targets.get("armv6m")


def test_an_exact_transform_in_another_scale_is_clean():
    rows = fft.signals()
    assert fft.snr_db(0.25 * np.fft.rfft(rows.astype(float)), rows) > 200


def test_noise_of_a_known_size_is_found():
    rows = fft.signals()
    wanted = np.fft.rfft(rows.astype(float))
    random = np.random.default_rng(2)
    noise = random.normal(size=wanted.shape) + 1j * random.normal(size=wanted.shape)
    noise *= np.linalg.norm(wanted) / np.linalg.norm(noise) / 100
    assert fft.snr_db(wanted + noise, rows) == pytest.approx(40, abs=0.2)


@pytest.mark.parametrize("package", fft.TRANSFORMS)
def test_peers_transform_what_numpy_transforms(package):
    try:
        transforms = list(fft.TRANSFORMS[package]())
    except ImportError as error:
        pytest.skip(f"{package} is not there ({error}): make peers")
    rows = fft.signals()[:2]
    for transform in transforms:
        program = transform.make()
        ran = measure.run(image.build(program, TARGET, "-Os"), TARGET, program.encode(rows))
        assert fft.snr_db(np.array([transform.decode(memory) for memory in ran.memory]), rows) > 40
