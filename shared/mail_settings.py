"""The settings for notices by mail: through which server they go, and to whom."""

import re
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from shared.setting_groups import Group, listed

_MAIL_SCHEMES = ("smtp", "smtps")


class MailSettings(Group):
    """By which server notices go out as mail, and to whom they may."""

    # smtps://user:password@host, or smtp://host, where TLS begins once the server offers it; empty: no mail
    server: SecretStr = SecretStr("")
    sender: str = ""  # the address that mails come from
    to: str = ""  # addresses, and domains with an @ before them, separated by commas

    @field_validator("server")
    @classmethod
    def _is_server(cls, server: SecretStr) -> SecretStr:
        parts = urlsplit(server.get_secret_value())
        try:
            is_whole = parts.scheme in _MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:  # an invalid port
            is_whole = False
        if server.get_secret_value() and not is_whole:
            raise ValueError("give an address such as smtps://user:password@mail.example or smtp://relay:25")
        return server

    @field_validator("sender", "to")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        if not all(re.fullmatch(r"[^@\s<>]*@[^@\s<>]+", entry) for entry in listed(text)):
            raise ValueError("give addresses such as ada@example.org; in ATELIER_MAIL_TO also @example.org")
        return text

    @model_validator(mode="after")
    def _has_a_sender(self) -> "MailSettings":
        if self.server.get_secret_value() and "@" not in self.sender.strip("@"):
            raise ValueError("ATELIER_MAIL_SERVER needs ATELIER_MAIL_SENDER, one address")
        return self

    def admits(self, recipient: str) -> bool:
        """Whether a mail may go to a recipient."""
        address = recipient.lower()
        admitted = {entry.lower() for entry in listed(self.to)}
        domain = f"@{address.rpartition('@')[2]}"
        return bool(self.server.get_secret_value()) and not admitted.isdisjoint({address, domain})
