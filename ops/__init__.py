"""Commands behind `./dev`: the room that knows every other room.

`bootstrap.py` makes `.venv` (standard library only, it runs before anything is installed); `toolchain.py` provides the Pulumi
engine, `environment.py` the environment it runs in; every command is a module with a Typer `app`, listed in `__main__.py` and
imported only when it is called. What a user may see go wrong is an `errors.Problem`: one sentence, exit status 1.
"""
