"""The HTTP routes: one blueprint for each resource. A route parses, calls one function, and renders."""
