"""`python -m crosshook` is the `crosshook` command."""

from crosshook.core.cli import main

if __name__ == "__main__":
    main()
