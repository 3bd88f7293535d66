"""The networks: what builds, stores, loads and runs them."""
