"""The payment gateway, API v3: orders, refunds, transfers, bills, notices."""

from app.simulators.wechat_pay.doors import control_routes, routes
from app.simulators.wechat_pay.keys import PayKeys

__all__ = ["PayKeys", "control_routes", "routes"]
