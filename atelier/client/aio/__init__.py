"""The asynchronous client. Its modules are made from those of atelier/client by `make async-client`.

`concurrency` alone is written by hand, and so is this file.
"""
