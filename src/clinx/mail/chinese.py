"""Letters in Chinese."""
# ruff: noqa: RUF001  (these are the marks of its script)

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinx.mail.template import Code, Lines, Link, Template

CHINESE: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "verify_email": Template(
            "{service}：请验证您的邮箱地址",
            (
                "{name}，您好：",
                "请确认此邮箱地址属于您本人。",
                Link("验证邮箱地址"),
                Code("或者在提示处输入以下验证码"),
                "如果这不是您本人的操作，请忽略本邮件。请勿将验证码告诉任何人。",
            ),
        ),
        "reset_password": Template(
            "{service}：重置您的密码",
            (
                "{name}，您好：",
                "我们收到了重置您账户密码的请求。",
                Link("设置新密码"),
                "该链接只能使用一次，并将很快失效。如果这不是您本人的操作，请忽略本邮件，您的密码不会改变。",
            ),
        ),
        "email_changed": Template(
            "{service}：您的邮箱地址已更改",
            (
                "{name}，您好：",
                "您账户的邮箱地址已更改为 {email}。",
                "如果这不是您本人的操作，请立即登录并修改密码，或联系本服务的管理员。",
            ),
        ),
        "password_changed": Template(
            "{service}：您的密码已更改",
            (
                "{name}，您好：",
                "您账户的密码已更改，其他所有会话均已退出登录。",
                "如果这不是您本人的操作，请立即重置密码，或联系本服务的管理员。",
            ),
        ),
        "low_balance": Template(
            "{service}：您的余额不足",
            (
                "{name}，您好：",
                "您的余额为 {balance}，已低于您设置的提醒额度 {threshold}。",
                Link("打开控制台"),
                "余额恢复到该额度以上之前，不会再次提醒。您可以在控制台中设置是否提醒以及提醒额度。",
            ),
        ),
        "channel_opened": Template(
            "{service}：渠道 {channel} 暂停使用",
            (
                "渠道 {channel} 已熔断：其凭据 {credential} 暂时不再用于模型 {model}。",
                "原因：{reason}。",
                "如有其他渠道，请求将转到其他渠道。运行 `clinx status` 可查看当前状态。",
            ),
        ),
        "reload_failed": Template(
            "{service}：配置未能加载",
            (
                "配置版本 {revision} 未能加载，目前仍在使用之前的版本。",
                Lines("diagnostics"),
                "在配置文件所在处运行 `clinx check` 可得到相同的结果。",
            ),
        ),
    }
)
"""By template."""
