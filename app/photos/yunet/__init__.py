"""YuNet, a network that finds faces, in NumPy: docs/decisions/0009-which-face-detector.md."""

from app.photos.yunet.network import Detection, Picture, detect

__all__ = ["Detection", "Picture", "detect"]
