"""Stylizers: a content picture and a style to a painting, with the networks that do it."""
