"""Where a request comes from, for limits."""

import ipaddress

from fastapi import Request


def client_address(request: Request) -> str:
    """The caller's address; of IPv6 the /64 that one customer is given.

    X-Forwarded-For counts only when the connection comes from one of
    `settings.trusted_proxies`, and then its last entry that is not such a proxy.
    """
    trusted = request.app.state.settings.trusted_proxies
    address = request.client.host if request.client else ""
    if address in trusted:
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        hops = [hop.strip() for hop in forwarded if hop.strip()]
        address = next((hop for hop in reversed(hops) if hop not in trusted), address)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
