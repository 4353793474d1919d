"""InsightFace's packs, by name or directory, through its model_zoo: a detector and an ArcFace encoder."""

import contextlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from models.errors import PackError
from models.packs.base import Pack, network_name, sha256_of
from models.packs.opencv_zoo import SFACE, SFACE_IMPOSTOR_MEAN, YUNET
from models.packs.prepared import prepared_file, read_network
from models.session import PROVIDERS, Endable, Session, session_options
from models.vision.detect import DetectionSettings, Detector, InsightFaceDetector, YuNetDetector
from models.vision.encode import ArcFaceEncoder

KIND = "insightface"

_Loader = TypeVar("_Loader")

_LICENCE = "InsightFace model packs: non-commercial research only"
_NOTICE = (
    "Model pack {pack}: the networks that InsightFace publishes are for non-commercial research only. "
    "Any other use needs a licence from InsightFace; networks of other origin have their own."
)

# Not measured for each pack. SFace's spread between people is 1.25 times that of random directions; a network of
# more dimensions is credited with a smaller one, but not below a floor, so that thresholds err towards "unknown".
_SPREAD_OF_RANDOM = 1.25
_LEAST_DEVIATION = 0.08


@dataclass(frozen=True, slots=True)
class _Network:
    """A file of the pack: its name in results, and where it is run from (the cache, if it had to be prepared)."""

    published: Path
    sha256: str
    name: str
    file: Path


def load(name_or_directory: str, cache_dir: Path) -> Pack:
    """The pack in a directory in InsightFace's layout (one `*.onnx` for each task), or of a name to be downloaded.

    Of each task the first file by name is taken, as InsightFace does. As detector the directory may also hold a
    YuNet, and the OpenCV Zoo's int8 files are prepared first, so a licence-clean directory can be put together.
    Raises PackError if a detector or an encoder is missing, or a file cannot be loaded.
    """
    directory = _directory(name_or_directory, cache_dir)
    files = sorted(directory.glob("*.onnx"))
    if not files:
        raise PackError(f"{directory}: expected InsightFace's *.onnx files, found none")
    networks = [_network(file, cache_dir) for file in files]
    detector, load_detector = _first("detector with landmarks", _detector, networks)
    encoder, load_encoder = _first("encoder", _encoder, networks)
    dimension = load_encoder().dimension
    name = f"{KIND}:{name_or_directory}"
    return Pack(
        name=name,
        licence=_LICENCE,
        commercial_use=False,
        licence_notice=_NOTICE.format(pack=name),
        files={network.published.name: network.sha256 for network in (detector, encoder)},
        embedding_size=dimension,
        colour_order="RGB",
        impostor_mean=SFACE_IMPOSTOR_MEAN,
        impostor_deviation=max(_LEAST_DEVIATION, round(_SPREAD_OF_RANDOM / math.sqrt(dimension), 2)),
        detector_name=detector.name,
        encoder_name=encoder.name,
        _load_detector=load_detector,
        _load_encoder=load_encoder,
    )


def _directory(name_or_directory: str, cache_dir: Path) -> Path:
    directory = Path(name_or_directory).expanduser()
    if directory.is_dir():
        return directory
    if directory.name != name_or_directory:
        raise PackError(f"{directory}: a directory of InsightFace's *.onnx files is expected here, found none")
    downloaded = _download(name_or_directory, cache_dir / KIND)
    nested = downloaded / name_or_directory  # some of the archives hold their own directory once more
    return nested if nested.is_dir() else downloaded


def _download(name: str, root: Path) -> Path:
    from insightface.utils import ensure_available  # noqa: PLC0415 - takes a second, needed for this pack alone

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return Path(ensure_available("models", name, root=str(root)))
    except Exception as error:  # whatever its HTTP client, its unpacking or the disk raises
        raise PackError(f"InsightFace's pack {name!r} could not be downloaded: {error}") from error


def _network(file: Path, cache_dir: Path) -> _Network:
    sha256 = sha256_of(file)
    for known in (YUNET, SFACE):
        if sha256 == known.sha256:
            return _Network(file, sha256, known.name, prepared_file(file, sha256, known.prepare, cache_dir))
    return _Network(file, sha256, network_name(file.stem, sha256), file)


def _first(
    role: str, loader_of: Callable[[_Network], _Loader | None], networks: list[_Network]
) -> tuple[_Network, _Loader]:
    for network in networks:
        loader = loader_of(network)
        if loader is not None:
            return network, loader
    found = ", ".join(network.published.name for network in networks)
    raise PackError(f"{networks[0].published.parent}: expected a face {role}, found only {found}")


def _detector(network: _Network) -> Callable[[DetectionSettings], Detector] | None:
    """What makes a detector of this network; None if it is something else or finds no landmarks."""
    if _is_yunet(network.file):
        return partial(_load_yunet, network)
    model = _from_model_zoo(network.file)
    if model is None or model.taskname != "detection" or not model.use_kps:
        return None
    return partial(_load_detector, network)


def _encoder(network: _Network) -> Callable[[], ArcFaceEncoder] | None:
    """What makes an encoder of this network; None if it is something else."""
    if _is_yunet(network.file):
        return None
    model = _from_model_zoo(network.file)
    return partial(_load_encoder, network) if model is not None and model.taskname == "recognition" else None


def _load_yunet(network: _Network, settings: DetectionSettings) -> Detector:
    return YuNetDetector(Session(network.file), network.name, settings)


def _load_detector(network: _Network, settings: DetectionSettings) -> Detector:
    return InsightFaceDetector(_from_model_zoo(network.file), network.name, settings)


def _load_encoder(network: _Network) -> ArcFaceEncoder:
    try:
        return ArcFaceEncoder(_from_model_zoo(network.file), network.name)
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise PackError(f"{network.published}: this encoder does not run: {error}") from error


def _from_model_zoo(file: Path) -> Any:
    """What InsightFace takes the network for; None if for nothing it knows."""
    from insightface.model_zoo import get_model  # noqa: PLC0415 - takes a second, needed for this pack alone

    try:
        # one session for all sizes: those that an SCRFD makes for itself could not be ended
        network = get_model(
            str(file), providers=list(PROVIDERS), sess_options=session_options(), static_shape_sessions=False
        )
    except Exception as error:  # onnxruntime's exceptions share no base class, and model_zoo asserts
        raise PackError(f"{file}: InsightFace cannot load this network: {error}") from error
    if network is not None:
        network.session = Endable(network.session)
    return network


def _is_yunet(file: Path) -> bool:
    """Whether the outputs are YuNet's; InsightFace would take it for a detector of its own by their number."""
    outputs = {value.name for value in read_network(file).graph.output}
    return {"cls_8", "obj_8", "bbox_8", "kps_8"} <= outputs
