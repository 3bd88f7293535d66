"""The HTTP surface: a blueprint a resource. A route parses, calls one function, renders."""
