"""What can go wrong with an outside system: callers decide by three classes, doors by one.

OutsideError
├── Unreachable      nothing was done; the very same request may be sent again
├── OutcomeUnknown   it may have been done; ask (query) before doing anything else
├── Refused          a definite no to this request; `code` says why
└── Untrusted        a message that came to us, and whose sender could not be proven
    ├── BadSignature     missing, malformed or wrong signature
    ├── StaleMessage     its time is more than five minutes from ours
    ├── UnknownSerial    signed with a key we do not hold
    ├── BadTag           signed, but its sealed part does not open
    └── Unreadable       genuine, but not in a shape that we understand
"""


class OutsideError(Exception):
    """Base of all; `system` is the adapter's name ("wechat_pay", "bank", …).

    The text never carries what was sent or answered: it may hold personal data.
    """

    def __init__(self, system: str, detail: str = "") -> None:
        super().__init__(f"{system}: {detail}" if detail else system)
        self.system = system
        self.detail = detail


class Unreachable(OutsideError):
    """No connection, or the system answered that it was too busy to take the request."""


class OutcomeUnknown(OutsideError):
    """The request may have arrived: time-out or cut after sending, 5xx, unproven answer."""


class Refused(OutsideError):
    """A definite no to *this* request; an earlier copy of it may still have been taken.

    `code` is a stable word to decide by (each client's docstring lists its own),
    `message` the system's own sentence, for staff only, never for a log line.
    """

    def __init__(self, system: str, code: str, message: str = "") -> None:
        super().__init__(system, code)
        self.code = code
        self.message = message


class Untrusted(OutsideError):
    """An incoming notice or callback that must not be believed: answer 401, change nothing."""


class BadSignature(Untrusted):
    """The signature is missing, malformed or does not match the raw body."""


class StaleMessage(Untrusted):
    """The signed time is too far from now: an old message sent again, or a wrong clock."""


class UnknownSerial(Untrusted):
    """No platform certificate or public key with this serial number is known."""


class BadTag(Untrusted):
    """The sealed resource does not open with our key."""


class Unreadable(Untrusted):
    """The message is genuine and still not in a shape that we understand."""
