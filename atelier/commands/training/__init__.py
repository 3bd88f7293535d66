"""`atelier train`, a module a kind of model."""
