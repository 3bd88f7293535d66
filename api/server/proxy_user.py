"""The user that a proxy names, who needs no key: from the configured addresses, and from nobody else."""

import re
from ipaddress import ip_address

from flask import request

from api.client_address import peer_address
from api.errors import UserRefused
from shared.access.key import NAME
from shared.identifiers import ANONYMOUS
from shared.network_settings import ProxySettings
from shared.setting_groups import listed


class ProxyUser:
    """Reads who a request is of, as a proxy has it."""

    def __init__(self, settings: ProxySettings) -> None:
        self._header = settings.user_header
        self._proxies = frozenset(map(ip_address, listed(settings.user_from)))

    def name(self) -> str:
        """Return the owner in whose name a proxy asks; "" where none does.

        Raises UserRefused where its user cannot be an owner.
        """
        told = request.headers.get(self._header, "").strip() if self._header else ""
        if not told or not self._is_proxy():
            return ""
        name = told.lower()
        if re.fullmatch(NAME, name) is None or name == ANONYMOUS:
            raise UserRefused(
                f"the user in {self._header} cannot be an owner: a name has 1 to 64 letters of a-z, digits, "
                f"- and _, begins with a letter or digit, and is not {ANONYMOUS}"
            )
        return name

    def _is_proxy(self) -> bool:
        try:
            peer = ip_address(peer_address())
        except ValueError:  # a Unix socket
            return False
        return (getattr(peer, "ipv4_mapped", None) or peer) in self._proxies
