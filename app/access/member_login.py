"""How members log in: by a one-time code, or in WeChat's mini-program."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import one_time_codes
from app.access.errors import AccountBlocked, BadWeChatCode, PhoneProofRequired
from app.access.keyring import KeyRing
from app.access.member_accounts import account_of_phone, bind_openid, find_by_openid
from app.access.models import MemberAccount
from app.access.sessions import IssuedTokens, member_login, open_session
from app.integrations.errors import OutsideError, Refused
from app.integrations.wechat import WeChat
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.problems import TooManyRequests, Unavailable
from app.kernel.vault import Vault
from app.settings import Settings


async def log_in_by_code(
    database: Database,
    vault: Vault,
    keyring: KeyRing,
    settings: Settings,
    *,
    phone: str,
    code: str,
) -> IssuedTokens:
    """Tokens for a proven phone; the account is made on first use.

    Raises WrongOneTimeCode (422), OneTimeCodeLocked (409), AccountBlocked (409).
    """
    code_id = await one_time_codes.prove(database, vault, phone, code)
    now = system_now()
    async with database.transaction() as session:
        await one_time_codes.consume(session, code_id)
        account = await account_of_phone(session, vault, phone, now)
        return await open_session(session, keyring, settings, member_login(account), now)


async def log_in_by_wechat(
    database: Database,
    vault: Vault,
    keyring: KeyRing,
    settings: Settings,
    wechat: WeChat,
    *,
    js_code: str,
    phone_code: str | None,
) -> IssuedTokens:
    """Tokens for a WeChat user; with `phone_code` WeChat vouches for the phone as well.

    Without it the WeChat identity must be bound already, else PhoneProofRequired (409).
    Raises BadWeChatCode (422), TooManyRequests (429), Unavailable (503). WeChat is asked
    before the transaction begins.
    """
    try:
        openid = (await wechat.code_to_session(js_code)).openid
        phone = None if phone_code is None else await wechat.phone_number(phone_code)
    except OutsideError as error:
        raise _refusal(error) from error
    now = system_now()
    async with database.transaction() as session:
        account = await _account_of(session, vault, openid, phone)
        return await open_session(session, keyring, settings, member_login(account), now)


async def _account_of(
    session: AsyncSession, vault: Vault, openid: str, phone: str | None
) -> MemberAccount:
    if phone is not None:
        account = await account_of_phone(session, vault, phone, system_now())
        await bind_openid(session, vault, account, openid)
        return account
    found = await find_by_openid(session, vault, openid)
    if found is None:
        raise PhoneProofRequired
    if found.status != "active":
        raise AccountBlocked
    return found


def _refusal(error: OutsideError) -> Exception:
    if not isinstance(error, Refused):
        return Unavailable()
    if error.code == "too_often":
        return TooManyRequests(60)
    if error.code == "bad_credentials":
        return Unavailable()
    return BadWeChatCode()
