"""Commands about the machine that Atelier runs on."""
