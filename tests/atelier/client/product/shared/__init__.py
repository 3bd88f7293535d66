"""A product's own folder of the name that the service has too."""

PRICE_CENTS = 25
