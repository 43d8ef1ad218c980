"""`python -m benchmarks.lean --port N`: one process, the same server settings as ours."""

import argparse

import uvicorn

from app.launcher.serving import settle_memory
from app.settings import Settings
from benchmarks.lean.application import create


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lean")
    parser.add_argument("--port", type=int, required=True)
    application = create(Settings())
    settle_memory()
    uvicorn.run(
        application,
        port=parser.parse_args().port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
    )


if __name__ == "__main__":
    main()
