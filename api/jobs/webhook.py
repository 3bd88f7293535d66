"""What a job's or a batch's record keeps of its webhook, and which receivers are refused at once."""

from api.services import base_url
from shared.errors import InvalidRequest
from shared.settings import Settings
from shared.specs.webhook import Receiver, webhook_record
from shared.webhooks.address import refusal_of_url


def terms_of(webhook: Receiver | None, settings: Settings) -> str:
    """Return what the record keeps, "" without a webhook; raise InvalidRequest where it may not be told.

    The links in what is told are those that this request's answer has.
    """
    if webhook is None:
        return ""
    private = settings.private_webhooks
    reason = refusal_of_url(webhook.url, private=private)
    if reason:
        raise InvalidRequest.of_field("/webhook/url", f"webhook.url is refused: {reason}")
    return webhook_record(webhook, private=private, base=base_url())
