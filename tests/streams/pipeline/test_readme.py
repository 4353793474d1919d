"""The README's producer, run as it stands there but for the names of broker, topic and file."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]


async def test_its_ten_lines_get_a_frame_recognised(bench, desk, tmp_path) -> None:
    await bench.worker()
    recognitions = await bench.tap("recognitions")
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    frame = tmp_path / "frame.jpg"
    frame.write_bytes(desk[0])
    for old, new in (
        ("127.0.0.1:9092", bench.settings.bootstrap_servers),
        ("facestreams.main.camera-frames", bench.settings.topics().name("camera-frames")),
        ("frame.jpg", str(frame)),
    ):
        assert old in program
        program = program.replace(old, new)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == 0
    [record] = await recognitions.count(1)
    assert (record["camera_id"], len(record["faces"])) == ("lobby", 1)
