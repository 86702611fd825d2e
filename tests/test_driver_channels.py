"""An app that wants what no driver reads is told before anything is written to a board."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge import flash
from midge.driver_channels import check_channels
from midge.errors import TargetMismatch
from midge.new import new


def test_an_accelerometer_is_read() -> None:
    check_channels("wave", ("x", "y", "z"))


def test_an_app_without_a_model_is_refused_before_the_line_is_opened(tmp_path: Path) -> None:
    folder = new("turns", "gesture", tmp_path / "turns")
    recipe = folder / "app.toml"
    recipe.write_text(
        recipe.read_text().replace(
            'channels = ["x", "y", "z"]', 'channels = ["x", "y", "z", "gx", "gy", "gz"]'
        )
    )
    with pytest.raises(TargetMismatch, match=r"turns reads a gyroscope \(gx, gy, gz\).*app.toml"):
        flash.flash(str(folder), "serial:nowhere")
