"""Sentences for people: names that were mistyped, values that are at fault."""
