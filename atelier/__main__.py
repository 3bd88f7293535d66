"""`python -m atelier`: the command, wherever its script is not on the path."""

from atelier.cli import main

if __name__ == "__main__":
    main(prog_name="atelier")
