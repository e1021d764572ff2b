"""`python -m sandbox.fal`: the emulator as a process.

FAL_EMULATOR_KEY is the key it accepts; unset, any key will do.
"""

import argparse
import asyncio
import logging
import os
from pathlib import Path

from sandbox.fal.server import Options, serve


def parse() -> Options:
    parser = argparse.ArgumentParser(prog="python -m sandbox.fal", description="The FAL emulator")
    parser.add_argument("--data-dir", type=Path, required=True, help="the CA bundle and the uploaded files")
    parser.add_argument("--port", type=int, required=True, help="FAL's hosts, TLS")
    parser.add_argument("--proxy-port", type=int, required=True, help="the CONNECT proxy")
    parser.add_argument("--control-port", type=int, required=True, help="the control API, plain HTTP")
    parser.add_argument("--training-seconds", type=float, default=2.0, help="how long a training takes")
    parser.add_argument(
        "--retry-base", type=float, default=0.2, help="seconds before a callback's first retry"
    )
    arguments = parser.parse_args()
    return Options(**vars(arguments), key=os.environ.get("FAL_EMULATOR_KEY", ""))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(serve(parse()))
