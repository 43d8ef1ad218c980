"""What logging in refuses."""

from app.kernel.problems import Conflict, Problem, TooManyRequests, Unauthenticated, Unprocessable
from app.kernel.text import Text


class NotAMobileNumber(Unprocessable):
    code = "not-a-mobile-number"
    title = Text("手机号码有误", "Not a mobile number")
    detail = Text(
        "请填写 11 位中国大陆手机号码，或带国家代码的手机号码。",
        "Send 11 digits of a mainland mobile, or a mobile number in E.164 form.",
    )


class MessageNotDelivered(Unprocessable):
    code = "message-not-delivered"
    title = Text("短信无法送达", "The message cannot be delivered")
    detail = Text("该号码无法接收短信，请核对号码。", "This number takes no messages; check it.")


class WrongOneTimeCode(Unprocessable):
    code = "wrong-one-time-code"
    title = Text("验证码有误", "Wrong code")
    detail = Text(
        "验证码有误、已使用或已过期，请核对或重新获取。",
        "The code is wrong, used or expired; check it or ask for a new one.",
    )


class OneTimeCodeLocked(Conflict):
    code = "one-time-code-locked"
    title = Text("验证码已锁定", "Code locked")
    detail = Text(
        "验证码输错次数过多，请重新获取。", "It was guessed wrong too often; ask for a new one."
    )


class BadWeChatCode(Unprocessable):
    code = "bad-wechat-code"
    title = Text("微信登录凭证无效", "Bad WeChat code")
    detail = Text(
        "微信登录凭证无效或已过期，请在小程序内重新登录。",
        "The code of WeChat is unknown, used or expired; log in again in the mini-program.",
    )


class PhoneProofRequired(Conflict):
    code = "phone-proof-required"
    title = Text("需要验证手机号", "Phone proof required")
    detail = Text(
        "首次使用请授权手机号，或用短信验证码登录。",
        "On first use send phone_code as well, or log in with a one-time code.",
    )


class AccountBlocked(Conflict):
    code = "account-blocked"
    title = Text("账号已停用", "Account blocked")
    detail = Text("账号已停用，请联系工会窗口。", "The account is blocked; ask at a union office.")


class WrongCredentials(Unauthenticated):
    code = "wrong-credentials"
    title = Text("登录失败", "Wrong credentials")
    detail = Text(
        "用户名、密码或动态口令有误，或账号已停用。",
        "User name, password or TOTP code is wrong, or the account is disabled.",
    )


class PasswordChangeRequired(Conflict):
    code = "password-change-required"
    title = Text("请设置新密码", "Choose a new password")
    detail = Text(
        "初始密码只能用于设置新密码，请在 new_password 中提交新密码。",
        "The initial password only serves to set a new one: send it as new_password.",
    )


class TooManyLogins(TooManyRequests):
    code = "too-many-logins"
    title = Text("登录过于频繁", "Too many logins")


class UsernameTaken(Conflict):
    code = "username-taken"
    title = Text("用户名已被使用", "User name taken")
    detail = Text("请换一个用户名。", "Choose another user name.")


CONSTRAINTS: dict[str, type[Problem]] = {"uq_staff_account__username": UsernameTaken}
