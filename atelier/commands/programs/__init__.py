"""Commands for programs that are no clients of the API themselves."""
