"""Keys and secrets: made once, private, the same for every caller."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.settings import Settings
from app.simulators import config, secrets


def test_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "simulators"
    first = secrets.prepare(folder, simulator_base_url="http://127.0.0.1:9/")
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert secrets.prepare(folder, simulator_base_url="http://127.0.0.1:9") == first
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_racing_callers_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda _: secrets.prepare(tmp_path, simulator_base_url=None), range(4))
        )
    assert all(each == made[0] for each in made)
    assert len(list(tmp_path.iterdir())) == 5


def test_every_variable_is_a_setting(tmp_path: Path) -> None:
    variables = secrets.prepare(tmp_path, simulator_base_url="http://127.0.0.1:9")
    fields = {f"REDUMBRELLA_{name.upper()}" for name in Settings.model_fields}
    assert set(variables) <= fields
    assert variables["REDUMBRELLA_WECHAT_PAY_BASE_URL"] == "http://127.0.0.1:9/wechat-pay"
    without = secrets.prepare(tmp_path, simulator_base_url=None)
    assert not [name for name in without if name.endswith("BASE_URL")]
    assert without.items() <= variables.items()


def test_two_worlds_share_nothing_and_show_nothing(tmp_path: Path) -> None:
    one, two = (
        secrets.prepare(tmp_path / name, simulator_base_url=None) for name in ("one", "two")
    )
    assert not set(one.values()) & set(two.values())
    known = config.load(tmp_path / "one")
    assert known.api_v3_key not in repr(known)
    assert known.bank_secret not in repr(known)
    assert len(known.api_v3_key.encode()) == 32
