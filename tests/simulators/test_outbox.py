"""Notices reach the merchant: again until taken, or late, twice, out of order, never."""

import time
from pathlib import Path
from typing import Any

import httpx

from tests.simulators import gateway
from tests.simulators_fixture import Catcher, Simulators, run_simulators


def paid(simulators: Simulators, catcher: Catcher, behaviour: Any = "normal") -> str:
    """The number of a paid order, which is also the path of its notices."""
    path = gateway.number()
    number, prepay_id = gateway.prepay_id(simulators, catcher.url(path), out_trade_no=path)
    simulators.control("pay", prepay_id=prepay_id, behaviour=behaviour)
    return number


def fates(simulators: Simulators, parent: str) -> list[tuple[str, list[int]]]:
    listed = simulators.control("notices/list", parent=parent)["notices"]
    return [(each["fate"], each["answers"]) for each in listed]


def test_notice_is_repeated_until_it_is_taken(simulators: Simulators, catcher: Catcher) -> None:
    path = gateway.number()
    catcher.answers[path] = [500, 401, 200]
    _, prepay_id = gateway.prepay_id(simulators, catcher.url(path), out_trade_no=path)
    started = time.monotonic()
    simulators.control("pay", prepay_id=prepay_id)
    caught = catcher.wait(path, 3)
    assert time.monotonic() - started >= 0.15
    # Signed anew at each try, so that a late one is not stale.
    assert len({each.headers["wechatpay-nonce"] for each in caught}) == 3
    time.sleep(0.3)
    assert len(catcher.at(path)) == 3
    assert fates(simulators, path) == [("delivered", [500, 401, 200])]


def test_notice_is_given_up_at_last(tmp_path: Path, catcher: Catcher) -> None:
    with run_simulators(tmp_path, notice_retry_seconds=(0.0, 0.02, 0.02)) as own:
        path = gateway.number()
        catcher.answers[path] = [500] * 10
        _, prepay_id = gateway.prepay_id(own, catcher.url(path), out_trade_no=path)
        own.control("pay", prepay_id=prepay_id)
        catcher.wait(path, 3)
        time.sleep(0.2)
        assert fates(own, path) == [("given_up", [500] * 3)]


def test_unreachable_merchant_is_tried_again(simulators: Simulators) -> None:
    path = gateway.number()
    _, prepay_id = gateway.prepay_id(simulators, "http://127.0.0.1:9/x", out_trade_no=path)
    simulators.control("pay", prepay_id=prepay_id)
    time.sleep(0.3)
    assert fates(simulators, path)[0][1][:2] == [0, 0]


def test_late_dropped_and_many(simulators: Simulators, catcher: Catcher) -> None:
    late = paid(simulators, catcher, {"delay_seconds": 0.3})
    dropped = paid(simulators, catcher, "dropped")
    many = paid(simulators, catcher, {"copies": 10})
    assert catcher.at(late) == []
    catcher.wait(many, 10)
    catcher.wait(late)
    assert catcher.at(dropped) == []
    assert fates(simulators, dropped) == [("dropped", [])]


def test_reordered_notice_comes_after_the_next_one(
    simulators: Simulators, catcher: Catcher
) -> None:
    number = paid(simulators, catcher, "reordered")
    time.sleep(0.1)
    assert catcher.at(number) == []
    refund = {
        "out_trade_no": number,
        "out_refund_no": gateway.number("R"),
        "notify_url": catcher.url(number),
        "amount": {"refund": 7500, "total": 7500, "currency": "CNY"},
    }
    assert gateway.post(simulators, "/v3/refund/domestic/refunds", refund).status_code == 200
    first, second = catcher.wait(number, 2)
    assert b"REFUND.SUCCESS" in first.body
    assert b"TRANSACTION.SUCCESS" in second.body


def test_held_notice_can_be_let_go(simulators: Simulators, catcher: Catcher) -> None:
    number = paid(simulators, catcher, {"fate": "held"})
    assert simulators.control("notices/release", parent=number) == {"released": 1}
    catcher.wait(number)


def test_replay_a_hundred_times(simulators: Simulators, catcher: Catcher) -> None:
    number = paid(simulators, catcher)
    catcher.wait(number)
    assert simulators.control("notices/replay", parents=[number], copies=100) == {"queued": 100}
    catcher.wait(number, 101, seconds=20)


def test_everything_survives_a_restart(tmp_path: Path, catcher: Catcher) -> None:
    durations = {"notice_retry_seconds": (0.0, 30.0)}
    path = gateway.number()
    catcher.answers[path] = [500]
    with run_simulators(tmp_path, **durations) as first:
        moved = first.control("clock", advance_seconds=3600)["now"]
        _, prepay_id = gateway.prepay_id(first, catcher.url(path), out_trade_no=path)
        first.control("pay", prepay_id=prepay_id)
        catcher.wait(path)
        later = gateway.number()
        _, later_id = gateway.prepay_id(first, catcher.url(later), out_trade_no=later)
        openid = first.control("wechat/codes", phone="+8613800000051", name="测试骑手")["openid"]
    assert len(catcher.at(path)) == 1
    with run_simulators(tmp_path, **durations) as second:
        assert second.control("clock")["now"] > moved
        second.control("clock", advance_seconds=31)
        catcher.wait(path, 2)
        second.control("pay", prepay_id=later_id)
        catcher.wait(later)
        assert second.control("wechat/codes", phone="+8613800000051")["openid"] == openid


def test_control_door_says_what_is_wrong(simulators: Simulators) -> None:
    def answer(path: str, form: Any) -> httpx.Response:
        return simulators.client.post(f"/control/{path}", json=form)

    for path, form, status in (
        ("pay", {"prepay_id": "none"}, 404),
        ("pay", {"prepay_id": 1}, 400),
        ("pay", {"unknown": "field"}, 400),
        ("pay", {"prepay_id": "none", "behaviour": "wild"}, 400),
        ("pay", {"parameters": {"package": "prepay_id=x"}}, 400),
        ("transfers/confirm", {"out_bill_no": "none"}, 404),
        ("identity/complete", {"reference": "none"}, 404),
        ("identity/answer", {"reference": "none"}, 409),
        ("bank/settle", {"reference": "none"}, 404),
        ("wechat/codes", {"phone": "123"}, 400),
        ("faults", {"system": "moon", "mode": "error"}, 400),
        ("clock", {"advance_seconds": -1}, 400),
    ):
        got = answer(path, form)
        assert got.status_code == status, (path, form, got.text)
        assert got.json()["error"]
    assert simulators.client.get("/healthz").json() == {"status": "ok"}


def test_the_changed_certificate_survives_a_restart(tmp_path: Path) -> None:
    with run_simulators(tmp_path) as first:
        first.control("certificates/rotate")
        known = first.control("certificates/announce")
        assert known["published"].index(known["signing"]) == 1
    with run_simulators(tmp_path) as second:
        assert second.control("certificates/list") == known
        assert second.control("certificates/rotate")["signing"] == known["published"][2]
