"""Payment agreements (委托代扣) and charges under them, as we speak of them; money in fen."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# Signed, or over.
ContractState = Literal["ADD", "TERMINATED"]


@dataclass(frozen=True, slots=True)
class ContractRequest:
    """An agreement to be confirmed by one WeChat user; the same code again is the same one.

    `contract_code` 6–32 of `[0-9A-Za-z_\\-|*]`, `display_account` ≤ 32 (shown to the user).
    """

    contract_code: str
    openid: str = field(repr=False)
    display_account: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class ContractSigning:
    """What the mini-program opens for the user to confirm: `wx.navigateToMiniProgram`."""

    ticket: str = field(repr=False)
    appid: str
    path: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contract:
    """An agreement as the gateway sees it; `ended_by` is its own word for who ended it."""

    contract_code: str
    contract_id: str = field(repr=False)
    state: ContractState
    openid: str = field(repr=False)
    signed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """Money under an agreement; limits as of `OrderRequest`."""

    out_trade_no: str
    contract_id: str = field(repr=False)
    description: str
    amount_fen: int
    notify_url: str
    attach: str = ""
